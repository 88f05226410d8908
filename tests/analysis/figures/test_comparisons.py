"""Figures of a comparison and of a sweep: survival curves over one another, lesions beside their sections to scale, maps of outcomes."""

import re

import numpy as np
import pytest
from matplotlib.patches import Ellipse

from lesionlab.analysis.comparison.comparison import compare
from lesionlab.analysis.comparison.findings import Findings, find
from lesionlab.analysis.comparison.sweep_table import COLUMNS, Row
from lesionlab.analysis.figures import sections, style
from lesionlab.analysis.figures.survival import survival_figure
from lesionlab.analysis.figures.sweep import SHOWN, drawn_paths, sweep_figure
from lesionlab.analysis.records.record import Record, load
from lesionlab.analysis.report.terminal import text
from tests.made_record import make_record, row_times_d

EVERY_D, END_D = 56.0, 336.0
ARMS = ("combined", "untreated", "anlotinib")
FRACTIONS, RATE = "radiotherapy[0].fractions", "apoptosis.rate_per_d"


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """Three arms of four replicates; the neck of the untreated grows until two of four die before the end."""
    folder, made = tmp_path_factory.mktemp("records"), []
    days = row_times_d(EVERY_D, END_D)
    for arm in ARMS:
        for replicate in range(4):
            last_cm = (15.0, 16.0, 40.0, 52.0)[replicate] if arm == "untreated" else 4.0
            sizes = np.stack([10.0 + (last_cm - 10.0) * days / END_D, *(np.full(len(days), size) for size in (8.0, 3.0, 0.1))], axis=1)
            path = folder / f"{arm}_{replicate}.h5"
            made.append(load(make_record(path, arm, replicate=replicate, every_d=EVERY_D, end_d=END_D, snapshot_every_d=168.0,
                                         sizes_cm=sizes)))
    return made


@pytest.fixture(scope="module")
def findings(records: list[Record]) -> Findings:
    return find(compare(records))


def words_of(figure: object) -> list[str]:
    return [found.get_text() for found in figure.findobj(match=lambda artist: hasattr(artist, "get_fontsize"))]


def test_survival_of_all_arms_lies_in_one_panel_with_the_numbers_at_risk(findings: Findings) -> None:
    figure = survival_figure(findings, "")
    _, alive = figure.axes
    curves = [line for line in alive.lines if line.get_drawstyle() == "steps-post"]
    looks = style.arm_styles(ARMS, findings.parts)
    assert {line.get_color() for line in curves} == {look.colour for look in looks.values()} and len(curves) == len(ARMS)
    shares = {line.get_color(): np.asarray(line.get_ydata()) for line in curves}
    assert shares[looks["untreated"].colour][-1] == pytest.approx(0.5) and shares[looks["combined"].colour][-1] == 1.0
    rows = {name: [found.get_text() for found in alive.texts if found.get_color() == looks[name].colour] for name in ARMS}
    assert rows["untreated"][0].startswith("Untreated: 2 of 4") and "not reached" in rows["combined"][0]
    at_risk = [int(found.get_text()) for found in alive.texts if re.fullmatch(r"\d+", found.get_text())]
    assert at_risk[0] == 4 and 2 in at_risk and max(at_risk) == 4


def test_the_terminal_says_the_median_of_the_curve(records: list[Record], findings: Findings) -> None:
    """Half of the runs ended alive: the median of the days observed is no day of death."""
    row = next(line for line in text(compare(records), findings).splitlines() if line.startswith("untreated"))
    observed = np.median([record.time_d[-1] for record in records if record.arm == "untreated"])
    assert f"{observed:.0f}" not in row
    found = findings.survival["death", "untreated"]
    expected = f"day {found.median_d:.0f}" if np.isfinite(found.median_d) else "alive on day 336, 2 of 4 died"
    assert expected in row


def test_lesions_stand_beside_their_sections_to_scale(records: list[Record]) -> None:
    shown = [record for record in records if record.replicate == 0]
    figure = sections.map_figure(shown, "neck")
    assert figure is not None
    strips = [axes for axes in figure.axes if any(isinstance(patch, Ellipse) for patch in axes.patches)]
    assert len({axes.get_xlim() for axes in strips}) == 1
    widths = [patch.width for axes in strips for patch in axes.patches if isinstance(patch, Ellipse)]
    assert max(widths) == pytest.approx(15.0) and min(widths) == pytest.approx(4.0)
    assert "Ø 15.0 cm" in words_of(figure) and "Ø 4.0 cm" in words_of(figure)


def test_a_lesion_that_no_scan_shows_has_no_ellipse_and_no_size_of_zero(records: list[Record]) -> None:
    figure = sections.map_figure([records[0]], "liver")
    assert figure is not None
    assert not any(isinstance(patch, Ellipse) for axes in figure.axes for patch in axes.patches)
    assert "< 0.2 cm" in words_of(figure) and "Ø 0.0 cm" not in words_of(figure)


def sweep_rows(arms: tuple[str, ...], paths: tuple[str, ...]) -> list[Row]:
    """Return runs whose days alive are ten times the fractions; an arm without radiotherapy has one run, at no number of fractions."""
    rows = []
    for arm in arms:
        for fractions in (5, 10) if "radiotherapy" in arm else (None,):
            for rate in (0.1, 0.2):
                point = {path: value for path, value in ((FRACTIONS, fractions), (RATE, rate)) if value is not None and path in paths}
                days = 10.0 * (fractions or 3)
                outcomes = {**dict.fromkeys(COLUMNS, 0.0), "days_observed_d": days, "burden_cells_last": 1e9}
                rows.append(Row(f"{arm}{fractions}{rate}", arm, 0, point, outcomes))
    return rows


FIVE = ("untreated", "radiotherapy", "anti_pd1", "anlotinib", "radiotherapy_anti_pd1")


def test_maps_of_five_arms_share_one_bar_of_colours_an_outcome() -> None:
    figure = sweep_figure(sweep_rows(FIVE, (FRACTIONS, RATE)), [FRACTIONS, RATE])
    maps, bars = [axes for axes in figure.axes if axes.images], [axes for axes in figure.axes if not axes.images]
    assert len(maps) == len(FIVE) * len(SHOWN) and len(bars) == len(SHOWN)
    first = {axes.get_title(loc="left"): axes.images[0] for axes in maps[:len(FIVE)]}
    assert len({image.get_clim() for image in first.values()}) == 1
    np.testing.assert_allclose(first["Radiotherapy"].get_array(), [[50, 50], [100, 100]])
    # An arm without radiotherapy is the same at any number of fractions.
    np.testing.assert_allclose(first["Untreated"].get_array(), 30.0)
    boxes = [axes.get_window_extent() for axes in figure.axes]
    assert not any(one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1
                   for number, one in enumerate(boxes) for other in boxes[:number])


def test_an_arm_that_does_not_depend_on_what_varies_is_a_level_line() -> None:
    rows = sweep_rows(("untreated", "radiotherapy"), (FRACTIONS,))
    assert drawn_paths(rows, [FRACTIONS]) == [FRACTIONS]
    figure = sweep_figure(rows, [FRACTIONS])
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines if not line.get_label().startswith("_")}
    assert list(lines["Untreated"]) == [30.0, 30.0] and list(lines["Radiotherapy"]) == [50.0, 100.0]
