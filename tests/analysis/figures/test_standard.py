"""Figures: what they mark, at which size, with which words; and the calendar and clock beneath them."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from lesionlab.analysis.comparison.deaths import deaths_by_cause
from lesionlab.analysis.figures import calendar, sections, standard, style
from lesionlab.analysis.figures.panels import by_arm, curve
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Event, load, load_snapshots
from tests.made_record import LESIONS, make_record

ARMS = ("combined", "untreated", "anlotinib")


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Three arms with few rows."""
    folder = tmp_path_factory.mktemp("records")
    return [load(make_record(folder / f"{arm}.h5", arm, every_d=14.0)) for arm in ARMS]


@pytest.fixture(scope="module")
def figures(records):
    """All standard figures, drawn once."""
    return dict(standard.pages(records))


def test_the_calendar_names_every_course_and_drug_once(records) -> None:
    lines = {line.label: line for line in calendar.tracks(records)}
    assert set(lines) == {"RT neck", "RT mediastinum", "RT pelvis", "anti-PD-1", "anlotinib", "scans"}
    assert lines["RT neck"].detail == "10 × 3 Gy (core 4 Gy)"
    assert lines["RT mediastinum"].detail == "5 × 2 Gy, low dose"
    assert lines["RT mediastinum"].is_low_dose
    assert not lines["RT pelvis"].is_low_dose
    assert len(lines["scans"].times_d) == 8


def test_fractions_hours_apart_are_shown_as_two_a_day_and_end_with_their_last_day(records) -> None:
    given = [Event(day + hour / 24, "fraction", "neck", "neck", 1.2, np.nan) for day in (7, 8, 9) for hour in (8, 16)]
    twice = replace(records[0], events=given)
    assert [track.detail for track in calendar.tracks([twice])] == ["6 × 1.2 Gy, low dose, 2 a day"]
    mark, = calendar.milestones([twice])
    assert (mark.start_d, mark.end_d) == (pytest.approx(7 + 8 / 24), 10.0)


def test_daily_doses_join_and_infusions_do_not(records) -> None:
    lines = {line.label: line for line in calendar.tracks(records)}
    assert len(lines["anlotinib"].spans_d) == 1
    assert all(first == last for first, last in lines["anti-PD-1"].spans_d)


def test_milestones_are_the_starts_in_time(records) -> None:
    marks = calendar.milestones(records)
    assert [mark.start_d for mark in marks] == sorted(mark.start_d for mark in marks)
    assert ("anti-PD-1 starts", 0.0, "") in [(m.label, m.start_d, m.lesion) for m in marks]
    assert ("anlotinib starts", 26.0, "") in [(m.label, m.start_d, m.lesion) for m in marks]
    assert ("5 × 2 Gy, low dose", 0.0, "mediastinum") in [(m.label, m.start_d, m.lesion) for m in marks]


@pytest.mark.parametrize("timing", [calendar.Clock(150.0, 1333.0), calendar.Clock(365.0, 365.0)])
def test_a_clock_is_monotonic_and_its_inverse_returns(timing) -> None:
    days = np.linspace(-10, timing.end_d + 10, 200)
    assert np.all(np.diff(timing.position(days)) > 0)
    np.testing.assert_allclose(timing.day(timing.position(days)), days, atol=1e-9)
    assert timing.position(timing.end_d) == pytest.approx(1)


def test_the_clock_gives_half_the_axis_to_the_weeks_of_treatment(records) -> None:
    timing = calendar.clock(records)
    assert 90 < timing.break_d < 200
    assert timing.position(timing.break_d) == pytest.approx(0.5)


def test_there_is_a_figure_for_every_question(figures) -> None:
    assert list(figures) == ["diameter", "hypoxia", "vessels", "t_cells", "systemic", "deaths", *(f"tissue_{name}" for name in LESIONS)]


@pytest.mark.parametrize("stem", ["diameter", "hypoxia", "vessels", "t_cells"])
def test_series_are_drawn_per_lesion_with_the_events_named(figures, stem) -> None:
    written = [text.get_text() for text in figures[stem].findobj(match=lambda artist: hasattr(artist, "get_text"))]
    for words in ("anti-PD-1 starts", "anlotinib starts", "5 × 2 Gy, low dose", "RT pelvis"):
        assert words in written
    for lesion in LESIONS:
        assert any(text.startswith(style.words(lesion)) for text in written)
    assert any(style.DISCLAIMER in text for text in written)


def test_an_arm_that_ended_says_when(figures, records) -> None:
    labels = [text.get_text() for text in figures["diameter"].legends[0].get_texts()]
    day = next(event.time_d for event in records[1].events if event.kind == "lethal_burden")
    assert f"lethal burden day {day:.0f}" in labels[1]
    assert "lethal" not in labels[0]


def test_letters_are_at_least_ten_points_and_inside_the_slide(figures) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    for stem, figure in figures.items():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        width, height = figure.bbox.width, figure.bbox.height
        for text in figure.findobj(match=lambda artist: hasattr(artist, "get_fontsize")):
            if text.get_visible() and text.get_text().strip():
                box = text.get_window_extent(canvas.get_renderer())
                assert text.get_fontsize() >= style.SMALL_PT, (stem, text.get_text())
                assert box.x0 >= -1, (stem, text.get_text())
                assert box.x1 <= width + 1, (stem, text.get_text())
                assert box.y0 >= -1, (stem, text.get_text())
                assert box.y1 <= height + 1, (stem, text.get_text())


def test_png_files_are_slides_that_carry_the_disclaimer(records, tmp_path) -> None:
    path = standard.plot(records, tmp_path / "sheet.png")
    with Image.open(path) as image:
        assert image.size == style.SLIDE_PIXELS
        assert image.text["Disclaimer"] == style.DISCLAIMER


def test_a_pdf_has_a_page_for_each_figure_and_carries_the_disclaimer(records, tmp_path) -> None:
    data = standard.plot(records, tmp_path / "book.pdf").read_bytes()
    assert data.count(b"/Type /Page\n") + data.count(b"/Type /Page ") == 1 + len(standard.STANDARD) + len(LESIONS)
    assert style.DISCLAIMER.encode() in data


def test_captions_say_n_and_seed(records) -> None:
    for stem in ("diameter", "tissue_neck"):
        assert "n = 1 per arm, seed 20210706" in standard.caption(stem, records)
    assert standard.caption("holiday", records) == ""


def test_replicates_become_a_median_and_a_band(tmp_path) -> None:
    runs = [load(make_record(tmp_path / f"{r}.h5", "combined", replicate=r, every_d=28.0)) for r in range(3)]
    line = curve(runs, "longest_diameter_cm", "neck")
    sizes = np.array([run.of_lesion("longest_diameter_cm", "neck") for run in runs])
    np.testing.assert_allclose(line.median, np.median(sizes, axis=0))
    assert np.all(line.low <= line.median)
    assert list(by_arm(runs)) == ["combined"]
    assert "10 % to 90 %" in standard.summary_note(runs)


def test_the_ledger_reads_the_last_known_count(records) -> None:
    expected = [records[1].of_lesion(name, "neck")[-1] for name in style.DEATH_CAUSES]
    np.testing.assert_allclose(deaths_by_cause(by_arm(records)["untreated"], "neck"), expected)


def test_a_site_shows_its_state_then_hypoxia_then_vessel_then_t_cell() -> None:
    state = np.array([0, 1, 2, 1, 3, 4, 7, 1, 1, 1], dtype=np.uint8)
    oxygen = np.array([1, 20, 20, 4.9, 1, 20, 0, 20, 20, 1.0])
    vessels = np.array([0, 0, 0, 0, 0, 0, 0, 1, 2, 2], dtype=np.uint8)
    t_cells = np.array([0, 0, 0, 0, 0, 0, 0, 0, 0, 3], dtype=np.uint8)
    shown = [style.TISSUE[code].name for code in sections.classify(state, oxygen, vessels, t_cells)]
    assert shown == ["stroma", "proliferating", "quiescent", "hypoxic", "doomed", "dead", "necrotic", "unperfused", "perfused", "t_cell"]


def test_the_window_holds_every_cell_and_is_not_higher_than_wide(records) -> None:
    taken = [load_snapshots(record.path, "neck") for record in records]
    window = sections.view(taken)
    assert window.height <= window.width
    for one in taken:
        assert (one.cell_state > 0).sum() == (one.cell_state[:, :, window.rows, window.columns] > 0).sum()


def test_one_arm_without_treatment_can_be_drawn(tmp_path) -> None:
    record = load(make_record(tmp_path / "untreated.h5", "untreated", every_d=28.0))
    assert all(path.stat().st_size > 10_000 for path in standard.standard_figures([record], tmp_path / "figures"))


def test_nothing_to_draw_is_one_message(tmp_path) -> None:
    with pytest.raises(RecordError, match="no record"):
        standard.pages([])
    record = load(make_record(tmp_path / "short.h5", end_d=0.0))
    with pytest.raises(RecordError, match="fewer than two points"):
        standard.pages([record])
