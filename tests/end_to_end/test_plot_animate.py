"""`plot` and `animate` as a user types them."""

import pytest

from lesionlab.analysis.animation import animate as animation
from lesionlab.sim.cli import main
from tests.made_record import make_record


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Two small records, as words of a command line."""
    folder = tmp_path_factory.mktemp("records")
    return [str(make_record(folder / f"{arm}.h5", arm, every_d=28.0, end_d=200.0, lesions=["neck", "pelvis"]))
            for arm in ("combined", "untreated")]


@pytest.mark.parametrize("name", ["sheet.png", "book.pdf"])
def test_plot_writes_and_says_where(records, tmp_path, capsys, name) -> None:
    assert main(["plot", *records, "-o", str(tmp_path / name)]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / name)
    assert (tmp_path / name).stat().st_size > 10_000


def test_animate_writes_and_says_where(records, tmp_path, capsys) -> None:
    assert main(["animate", *records, "-o", str(tmp_path / "arms.gif"), "--frames", "3", "--lesion", "pelvis"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "arms.gif")
    assert (tmp_path / "arms.gif").read_bytes().startswith(b"GIF89a")


def test_animate_says_that_mp4_became_gif(records, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(animation, "ffmpeg", lambda: None)
    assert main(["animate", *records, "-o", str(tmp_path / "arms.mp4"), "--frames", "2"]) == 0
    said = capsys.readouterr()
    assert "no ffmpeg was found" in said.err
    assert said.out.strip() == str(tmp_path / "arms.gif")


def test_what_exists_is_kept_unless_forced(records, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(animation, "ffmpeg", lambda: None)
    for name, verb in (("arms.gif", "animate"), ("sheet.png", "plot")):
        (tmp_path / name).write_text("mine")
        assert main([verb, *records, "-o", str(tmp_path / name)]) == 2
    assert main(["animate", *records, "-o", str(tmp_path / "arms.mp4")]) == 2
    assert capsys.readouterr().err.count("exists already; choose another name or add --force") == 3
    assert (tmp_path / "arms.gif").read_text() == "mine"
    assert main(["animate", *records, "-o", str(tmp_path / "arms.gif"), "--force", "--frames", "2"]) == 0


@pytest.mark.parametrize(("words", "message"), [
    (["plot", "-o", "sheet.jpg"], "must end in .png or .svg or .pdf"), (["animate", "-o", "arms.avi"], "must end in .gif or .mp4"),
    (["plot", "-o", "nowhere/sheet.png"], "there is no folder"), (["animate", "-o", "arms.gif", "--lesion", "spleen"], "no lesion spleen"),
    (["animate", "-o", "arms.gif", "--fps", "0"], "at least 1 frame per second")])
def test_mistakes_are_one_message_and_write_nothing(records, tmp_path, capsys, monkeypatch, words, message) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([words[0], *records, *words[1:]]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("error:") == 1
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_record_is_one_message(tmp_path, capsys) -> None:
    (tmp_path / "a.h5").write_text("no")
    for verb, name in (("plot", "x.png"), ("animate", "x.gif")):
        assert main([verb, str(tmp_path / "a.h5"), "-o", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.count("error:") == 2
