"""Window: where the cells are is found and kept, and a rule that works in it does what it did in the whole box."""

from typing import Any

import numpy as np
import pytest

from lesionlab.sim.numerics.lattice import sums_around
from lesionlab.sim.numerics.window import Window, count_codes, cut, extent, mark_near, row_of, sites_of, whole, widen
from lesionlab.sim.processes import oxygen
from lesionlab.sim.schedule import PARAMETERS, SCHEDULE
from lesionlab.sim.state.codes import NO_FATE, Hazard
from lesionlab.sim.state.state import SITES_PER_MM2, State, Tissue
from tests.made_state import bare_tissue, clock_at, close_window, fill_disc, remember, state_of

BOXES = [(1, 30, 41), (3, 17, 70), (1, 12, 9)]
HOURLY = [row for row in SCHEDULE if row.name in ("cell_cycle", "hypoxia", "apoptosis", "cell_fate", "population_control", "cell_death",
                                                  "clearance", "displacement", "t_cell_entry", "pd_l1")]


def codes(shape: tuple[int, int, int], share: float = 0.1) -> np.ndarray:
    random = np.random.default_rng(4)
    return np.where(random.random(shape) < share, random.integers(1, 8, shape), 0).astype(np.uint8)


@pytest.mark.parametrize("shape", BOXES)
def test_the_sites_of_codes_are_those_that_hold_them(shape: tuple[int, int, int]) -> None:
    for share in (0.0, 0.02, 0.5, 1.0):
        state = codes(shape, share)
        expected = np.flatnonzero((state >= 2) & (state <= 5))
        assert (sites_of(state, 2, 5, whole(shape)) == expected).all()
        window = Window(2, shape[1] - 1, 1, shape[2] - 2)
        inside = np.zeros(shape, bool)
        cut(inside, window)[:] = True
        assert (sites_of(state, 2, 5, window) == expected[inside.reshape(-1)[expected]]).all()
    assert len(sites_of(np.full(shape, NO_FATE, np.uint8), 1, NO_FATE - 1, whole(shape))) == 0


@pytest.mark.parametrize("shape", BOXES)
def test_the_extent_holds_every_cell_and_nothing_more(shape: tuple[int, int, int]) -> None:
    state, centre, scales = codes(shape, 0.06), (shape[0] // 2, shape[1] // 2, shape[2] // 2), (0.0, 2.0)
    n, window, furthest = extent(state, whole(shape), centre, scales)
    _, y, x = np.nonzero(state)
    assert n == len(y) > 0 and window == (y.min(), y.max() + 1, x.min(), x.max() + 1)
    assert furthest == pytest.approx((((y - centre[1]) * 2.0) ** 2 + (x - centre[2]) ** 2).max())


def test_no_cell_has_an_empty_extent_at_the_centre() -> None:
    assert extent(np.zeros((1, 9, 9), np.uint8), whole((1, 9, 9)), (0, 4, 4), (0.0, 1.0)) == (0, (4, 4, 4, 4), 0.0)


@pytest.mark.parametrize("shape", BOXES)
def test_codes_are_counted_and_rows_numbered_within_a_window(shape: tuple[int, int, int]) -> None:
    state, window, counts = codes(shape, 0.5), Window(1, shape[1] - 1, 2, shape[2]), np.zeros(8, np.int64)
    count_codes(state, window, counts)
    assert (counts == np.bincount(cut(state, window).reshape(-1), minlength=8)).all()
    rows = [row_of(r, window) for r in range(shape[0] * (window.end_y - window.first_y))]
    assert rows == [(z, y) for z in range(shape[0]) for y in range(window.first_y, window.end_y)]


@pytest.mark.parametrize("reach", [1, 2])
@pytest.mark.parametrize("shape", BOXES)
def test_sites_near_a_cell_are_marked(shape: tuple[int, int, int], reach: int) -> None:
    state, marks = codes(shape, 0.03), np.full(shape, 9, np.uint8)
    mark_near(state, whole(shape), reach, marks)
    assert (marks == (sums_around((state > 0).view(np.uint8), reach) > 0)).all()


def test_a_window_is_widened_to_the_edge_of_the_box_at_most() -> None:
    assert widen(Window(3, 5, 1, 8), (1, 7, 9), 2) == (1, 7, 0, 9)


def small_mass(is_closed: bool) -> Tissue:
    """Return a mass with the dead, the doomed and dividing among it, in a box three times as wide."""
    tissue = bare_tissue((1, 61, 61), weight=1e6, volume_weight=1e6)
    random = np.random.default_rng(5)
    mass = fill_disc(tissue, 9.0)
    tissue.state[mass] = random.choice([1, 1, 1, 2, 3, 4, 7, 0], mass.sum())
    tissue.oxygen[:] = random.random(tissue.state.shape) * 20.0
    tissue.pd_l1[mass & (tissue.state < 4) & (tissue.state > 0)] = 1
    tissue.vessel[0, ::4, ::4], tissue.perfusion[0, ::4, ::4], tissue.maturity[0, ::4, ::4] = 1, 1.0, 0.3
    tissue.hazard[Hazard.RADIATION][mass] = 0.02
    if is_closed:
        close_window(tissue)
    return tissue


def hours(is_closed: bool) -> State:
    """Return the state after a few hours of the rules that work in the window, fields left alone."""
    parameters: dict[str, Any] = {name: group() for name, group in PARAMETERS.items()}
    state = state_of(small_mass(is_closed), specific_blood=1e8, bystander_blood=1e9)
    for step in range(13):
        for row in HOURLY:
            row.module.update(state, parameters[row.name], clock_at(step))
        if not is_closed:
            state.tissues[0].window = whole(state.tissues[0].state.shape)
    return state


def test_rules_do_in_the_window_what_they_do_in_the_whole_box() -> None:
    """Everything a rule writes is the same, but for what lies around the mass: fates and hazards of no cell, the share of PD-L1."""
    closed, opened = hours(True), hours(False)
    tissue = closed.tissues[0]
    assert (cut(tissue.state, tissue.window) > 0).sum() == (opened.tissues[0].state > 0).sum() > 100
    assert tissue.window.end_y - tissue.window.first_y < 40
    one, other = remember(closed), remember(opened)
    differing = {path.rsplit(".", 1)[-1] for path in one if one[path] != other[path]}
    assert differing <= {"window", "fate", "hazard", "pd_l1_share", "pd_l1"}
    for name in ("pd_l1_share", "pd_l1", "fate"):
        mine, theirs = (cut(getattr(state.tissues[0], name), tissue.window) for state in (closed, opened))
        assert (mine == theirs)[cut(tissue.state, tissue.window) > 0].all()


@pytest.mark.parametrize(("radius", "most_mmHg"), [(4.0, 0.5), (10.0, 0.1)])
def test_oxygen_of_a_remnant_is_nearly_that_of_the_whole_box(radius: float, most_mmHg: float) -> None:
    """Among random host vessels (60 perfused per mm2) the near edge moves the mean of the remnant little, over eight layouts."""
    off = []
    for seed in range(8):
        tissue, random = bare_tissue((1, 101, 101)), np.random.default_rng(seed)
        mass = fill_disc(tissue, radius)
        tissue.perfusion[random.random(tissue.state.shape) < 60.0 / SITES_PER_MM2] = 1.0
        solved = []
        for is_closed in (False, True):
            if is_closed:
                close_window(tissue)
            tissue.oxygen.fill(10.0)
            oxygen.solve(tissue, oxygen.Parameters(tolerance_mmHg=1e-3))
            solved.append(tissue.oxygen[mass].mean())
        off.append(solved[1] - solved[0])
    assert 0.0 < abs(float(np.mean(off))) < most_mmHg


def test_a_picture_shows_oxygen_where_no_rule_reads_it_any_more() -> None:
    """A mass leaves anoxic tissue behind; the picture shows that vessels supply it, and in the window what the cells feel."""
    tissue = bare_tissue((1, 101, 101))
    fill_disc(tissue, 6.0)
    tissue.perfusion[0, ::4, ::4] = 1.0
    close_window(tissue)
    oxygen.solve(tissue, oxygen.Parameters())
    tissue.oxygen[0, :8] = 0.0
    shown = oxygen.whole_field(tissue, oxygen.Parameters())
    assert tissue.oxygen[0, 4].max() == 0.0 and shown[0, 4].min() > 10.0
    assert (cut(shown, tissue.window) == cut(tissue.oxygen, tissue.window)).all()
