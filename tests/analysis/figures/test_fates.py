"""The map of fates: what a run's cells say became of the tumour, and a field a point of the design."""

import pytest

from lesionlab.analysis.comparison.sweep_table import Row
from lesionlab.analysis.figures.fates import FATES, fate_of, fates_figure, growth_of


def run(supply: float, share: float, last: float, is_dead: int = 0) -> Row:
    return Row("run", "equilibrium", 0, {"supply": supply, "share": share},
               {"is_dead": is_dead, "burden_cells_first": 1e9, "burden_cells_last": last})


@pytest.mark.parametrize(("last", "is_dead", "fate"), [
    (0.0, 0, "eliminated"), (7.9e6, 0, "eliminated"), (8.1e6, 0, "shrinks"), (5.1e8, 0, "shrinks"), (5.2e8, 0, "held"), (1.7e9, 0, "held"),
    (1.8e9, 0, "grows"), (7.9e9, 0, "grows"), (8.1e9, 0, "escapes"), (1e9, 1, "escapes")])
def test_a_fate_is_read_from_the_cube_root_of_cells(last: float, is_dead: int, fate: str) -> None:
    assert FATES[fate_of(growth_of(run(1.0, 1.0, last, is_dead)))][0].startswith(fate)


def test_each_point_with_runs_states_its_median_growth() -> None:
    """Of three runs the middle one; the point without runs says nothing."""
    rows = [run(1e8, 0.3, last) for last in (1e9, 8e9, 8e12)] + [run(2e8, 0.3, 1e6), run(1e8, 0.4, 1e9, 1)]
    said = {(text.get_position(), text.get_text()) for text in fates_figure(rows, ["supply", "share"]).axes[0].texts}
    assert said == {((0, 0), "2.00"), ((0, 1), "0.10"), ((1, 0), "death")}
