"""The animation: one clock, arms side by side, clean colours, an honest end; with and without ffmpeg."""

import stat

import numpy as np
import pytest
from PIL import Image, ImageSequence

from lesionlab.analysis.animation import animate as animation
from lesionlab.analysis.animation import palette
from lesionlab.analysis.animation.frames import compose, film
from lesionlab.analysis.animation.layout import chips_of, panel_edge
from lesionlab.analysis.figures import style
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import load
from tests.made_record import make_record

ARMS = ("combined", "untreated", "anlotinib")


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Records of three arms with a picture every four weeks."""
    folder = tmp_path_factory.mktemp("records")
    return [make_record(folder / f"{arm}.h5", arm, every_d=14.0) for arm in ARMS]


@pytest.fixture(scope="module")
def reel(paths):
    """A film of nine frames."""
    return film([load(path) for path in paths], "neck", 9)


def test_the_gif_has_every_frame_and_carries_the_disclaimer(paths, tmp_path) -> None:
    noted = []
    path = animation.animate(paths, tmp_path / "arms.gif", lambda done, total: noted.append((done, total)), frames=9)
    with Image.open(path) as image:
        assert image.n_frames == 9
        assert style.DISCLAIMER.encode() in image.info["comment"]
        holds = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
    assert holds[0] > holds[1]
    assert holds[-1] > holds[1]
    assert noted == [(n, 9) for n in range(1, 10)]


@pytest.mark.parametrize(("fps", "hold_ms"), [(12, 80), (35, 30), (50, 20)])
def test_a_gif_keeps_the_nearest_hundredth_of_a_second(paths, tmp_path, fps, hold_ms) -> None:
    with Image.open(animation.animate(paths[:1], tmp_path / "arms.gif", frames=4, fps=fps)) as image:
        assert [frame.info["duration"] for frame in ImageSequence.Iterator(image)][1:-1] == [hold_ms] * 2


def test_a_gif_of_more_than_50_frames_a_second_is_refused_with_what_can_be_shown(paths, tmp_path) -> None:
    with pytest.raises(RecordError, match=r"at most 50 frames per second, and 100 / N exactly: 50, 33\.3, 25, 20 \.\.\.; got 60"):
        animation.animate(paths[:1], tmp_path / "arms.gif", frames=4, fps=60)
    assert not list(tmp_path.iterdir())


def test_a_slide_is_16_to_9_and_a_poster_is_one_of_its_frames(paths, tmp_path) -> None:
    poster = tmp_path / "arms.png"
    plain = animation.animate(paths[:1], tmp_path / "plain.gif", frames=3)
    with Image.open(animation.animate(paths[:1], tmp_path / "arms.gif", frames=3, is_slide=True, poster=poster)) as image, \
            Image.open(poster) as still, Image.open(plain) as small:
        width, height = image.size
        assert 9 * width == 16 * height and width % 2 == height % 2 == 0
        assert width >= small.width and height >= small.height
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
        assert any(np.array_equal(np.asarray(still.convert("RGB")), frame) for frame in frames)
        # Nothing is cut off: what the plain frame shows stands inside.
        left, top = (width - small.width) // 2, (height - small.height) // 2
        np.testing.assert_array_equal(frames[0][top:top + small.height, left:left + small.width], np.asarray(small.convert("RGB")))


def test_the_gif_shows_every_frame_to_the_pixel(paths, tmp_path) -> None:
    reel = film([load(path) for path in paths[:2]], "neck", 4)
    with Image.open(animation.animate(paths[:2], tmp_path / "arms.gif", lesion="neck", frames=4)) as image:
        for number, frame in enumerate(ImageSequence.Iterator(image)):
            np.testing.assert_array_equal(np.asarray(frame.convert("RGB")), reel.stage.palette.colours[compose(reel, number)])


def test_the_lesion_shown_is_the_first_target_with_low_dose(paths) -> None:
    assert animation.default_lesion([load(path) for path in paths]) == "mediastinum"
    assert animation.default_lesion([load(paths[1])]) == "neck"


def test_frames_run_from_the_first_to_the_last_day_on_the_shared_clock(reel) -> None:
    assert reel.days[0] == 0
    assert reel.days[-1] == pytest.approx(reel.clock.end_d)
    assert np.all(np.diff(reel.days) > 0)
    np.testing.assert_allclose(np.diff(reel.clock.position(reel.days)), 1 / 8)


def test_tissue_keeps_its_exact_colours(reel) -> None:
    frame = compose(reel, 0)
    shown = np.unique(frame[reel.stage.tissue[0].slices])
    assert shown.max() < len(style.TISSUE)
    for code in shown:
        assert tuple(reel.stage.palette.colours[code]) == tuple(int(style.TISSUE[code].colour[i:i + 2], 16) for i in (1, 3, 5))
    assert style.TISSUE_CODE["t_cell"] in shown


def test_an_arm_that_ended_is_grey_and_the_others_are_not(reel) -> None:
    first, last = compose(reel, 0), compose(reel, 8)
    box = reel.stage.tissue[1]
    colours = reel.stage.palette.colours
    assert np.ptp(colours[first[box.slices]].astype(int), axis=-1).max() > 50
    assert np.ptp(colours[last[box.slices]].astype(int), axis=-1).max() <= 1
    assert np.ptp(colours[last[reel.stage.tissue[0].slices]].astype(int), axis=-1).max() > 50


def test_curves_grow(reel) -> None:
    seen = [int((compose(reel, n)[reel.stage.curves.slices] == reel.stage.palette.arms[0]).sum()) for n in (0, 4, 8)]
    assert seen[0] < seen[1] < seen[2]


def test_chips_light_while_a_treatment_lasts(reel) -> None:
    box = reel.stage.chips[0, "vegfr_tki"]
    unlit, lit = (compose(reel, n)[box.slices] for n in (0, 4))
    assert (lit != unlit).mean() > 0.3
    assert set(chips_of(reel.records[0], "neck")) == {"radiotherapy", "anti_pd1", "vegfr_tki"}
    assert chips_of(reel.records[1], "neck") == {}


def test_the_edge_of_a_panel_is_whole_pixels_a_site_where_that_fits() -> None:
    assert panel_edge(130, 5) == 260
    assert panel_edge(134, 5) == 268
    assert panel_edge(160, 5) == 270
    assert panel_edge(40, 1) == 280
    assert panel_edge(400, 2) == 300


def test_letters_are_drawn_from_the_palette() -> None:
    ink = palette.lettering("day 12", 15)
    assert ink.min() == palette.WHITE
    assert ink.max() == palette.INK


def test_mp4_becomes_gif_without_ffmpeg(paths, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(animation, "ffmpeg", lambda: None)
    assert animation.animate(paths[:1], tmp_path / "arms.mp4", frames=2) == tmp_path / "arms.gif"
    assert not (tmp_path / "arms.mp4").exists()


def test_mp4_pipes_every_frame_into_ffmpeg(paths, tmp_path, monkeypatch) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text('#!/bin/sh\nfor last; do :; done\nwc -c > "$last"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(animation, "ffmpeg", lambda: str(program))
    path = animation.animate(paths[:1], tmp_path / "arms.mp4", frames=3, fps=2)
    height, width = film([load(paths[0])], animation.default_lesion([load(paths[0])]), 3).stage.dark.shape
    assert height % 2 == width % 2 == 0
    assert int(path.read_text()) == height * width * 3 * (2 + 1 + 6)


def test_a_failing_ffmpeg_is_one_message(paths, tmp_path, monkeypatch) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\ncat > /dev/null\necho no such codec >&2\nexit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(animation, "ffmpeg", lambda: str(program))
    (tmp_path / "arms.mp4").write_text("mine")
    with pytest.raises(RecordError, match="no such codec"):
        animation.animate(paths[:1], tmp_path / "arms.mp4", frames=2)
    assert (tmp_path / "arms.mp4").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"arms.mp4", "ffmpeg"}


@pytest.mark.parametrize(("change", "message"), [
    ({"output": "arms.avi"}, "ends in .gif or .mp4"), ({"frames": 1}, "at least 1 frame per second and 2 to 10000 frames"),
    ({"fps": 0}, "at least 1 frame per second"), ({"lesion": "spleen"}, "no lesion spleen")])
def test_mistakes_are_one_message(paths, tmp_path, change, message) -> None:
    options = {"output": "arms.gif", "frames": 2} | change
    with pytest.raises(RecordError, match=message):
        animation.animate(paths[:1], tmp_path / options.pop("output"), **options)


def test_no_record_is_one_message(tmp_path) -> None:
    with pytest.raises(RecordError, match="no record"):
        animation.animate([], tmp_path / "arms.gif")
