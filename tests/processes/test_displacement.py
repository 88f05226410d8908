"""Displacement: births push outward, gaps close inward, the mass stays compact, connected and round."""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import binary_fill_holes, label

from lesionlab.sim.numerics import rays, threads
from lesionlab.sim.numerics.lattice import Lattice, mass_axes, place_of
from lesionlab.sim.numerics.random import RandomStream, draw
from lesionlab.sim.numerics.window import extent, whole, widen
from lesionlab.sim.processes import displacement
from lesionlab.sim.processes.displacement import GAPS_EVERY_H, Parameters, update
from lesionlab.sim.state.codes import NO_FATE, CellState, Hazard
from lesionlab.sim.state.state import State, Tissue
from tests.made_state import add_t_cells, bare_tissue, changed, clock_at, close_window, fill_disc, freeze, remember, state_of

P = Parameters()
NOT_DUE = 1
MOORE = np.ones((3, 3, 3))


@pytest.fixture(params=["small", "large"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let every test hold for the events of a small section, in one piece, and of a large one, half by half."""
    if request.param == "large":
        monkeypatch.setattr(displacement, "LARGE_CELLS", 1)
    return request.param


def n_cells(tissue: Tissue) -> int:
    return int(np.count_nonzero(tissue.state))


def n_parts(tissue: Tissue) -> int:
    """Return the number of connected parts of the mass."""
    return int(label(tissue.state > 0, MOORE)[1])


def largest_part(tissue: Tissue) -> float:
    """Return the share of the cells that lie in the largest connected part of the mass."""
    parts = label(tissue.state > 0, MOORE)[0]
    return float(np.bincount(parts[parts > 0]).max() / n_cells(tissue))


def disc(radius: float = 6.0, size: int = 21, **numbers: float) -> Tissue:
    tissue = bare_tissue((1, size, size), **numbers)
    fill_disc(tissue, radius)
    close_window(tissue)
    return tissue


def divide(tissue: Tissue, *sites: tuple[int, int, int], step: int = NOT_DUE) -> State:
    """Let the cells of some sites divide in one step."""
    state = state_of(tissue)
    tissue.fate.fill(NO_FATE)
    for site in sites:
        tissue.fate[site] = Hazard.DIVISION
    update(state, P, clock_at(step))
    return state


@pytest.mark.parametrize("site", [(0, 10, 10), (0, 8, 13), (0, 10, 4)])
def test_a_birth_adds_one_cell_and_keeps_the_mass_in_one_piece(site: tuple[int, int, int]) -> None:
    tissue = disc()
    before = n_cells(tissue)
    divide(tissue, site)
    assert tissue.n_cells == n_cells(tissue) == before + 1
    assert n_parts(tissue) == 1 and tissue.n_dropped == 0


def test_a_single_cell_has_its_daughter_beside_it() -> None:
    tissue = bare_tissue()
    tissue.state[0, 10, 10] = CellState.PROLIFERATING
    divide(tissue, (0, 10, 10))
    assert n_cells(tissue) == 2 and n_parts(tissue) == 1
    assert tissue.state[0, 10, 10] == CellState.PROLIFERATING


def test_all_births_of_a_step_are_placed() -> None:
    tissue = disc()
    before = n_cells(tissue)
    divide(tissue, *map(tuple, np.argwhere(tissue.state > 0)))
    assert n_cells(tissue) == 2 * before and tissue.n_dropped == 0
    assert largest_part(tissue) >= 0.98


def test_nothing_depends_on_which_half_acts_first_or_on_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Births and gaps over some steps, the pieces that go side by side taken in order, in reverse and on three threads."""
    monkeypatch.setattr(displacement, "LARGE_CELLS", 1)

    def steps(n_threads: int, is_reversed: bool) -> dict[str, bytes]:
        def in_reverse(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
            return [work(item) for item in list(items)[::-1]][::-1]

        with monkeypatch.context() as patched, threads.hired(n_threads):
            if is_reversed:
                patched.setattr(rays, "side_by_side", in_reverse)
            tissue, random = disc(radius=22.0, size=75), np.random.default_rng(11)
            tissue.capacity = n_cells(tissue) + 150
            for step in range(6):
                tissue.state[(tissue.state > 0) & (random.random(tissue.state.shape) < 0.1)] = 0
                tissue.hits[:] = random.integers(0, 3, tissue.state.shape)
                tissue.last_hit[:] = random.integers(0, 99, tissue.state.shape)
                born = np.argwhere((tissue.state > 0) & (random.random(tissue.state.shape) < 0.15))
                state = divide(tissue, *map(tuple, born), step=6 * step)
            return remember(state)

    as_ever = steps(1, False)
    assert steps(1, True) == as_ever
    assert steps(3, False) == as_ever


def test_births_of_a_wide_mass_are_all_placed_whatever_its_reach_was() -> None:
    tissue = disc(radius=15.0, size=81)
    before, born = n_cells(tissue), 0
    for _ in range(4):
        chosen = np.argwhere(tissue.state > 0)[::2]
        divide(tissue, *map(tuple, chosen))
        born += len(chosen)
        assert n_cells(tissue) == tissue.n_cells == before + born


def test_the_order_of_action_is_that_of_the_draws_over_thousands_of_events() -> None:
    stream, shape = RandomStream(*(np.uint32(word) for word in (1, 2, 3, 4))), (1, 101, 101)
    sites = np.random.default_rng(4).permutation(101 * 101)[:5000].astype(np.int64)
    expected = sites[np.argsort(rays.words_of(stream, 7, sites, Lattice(shape, (0, 50, 50)))[:, 0], kind="stable")]
    assert (rays.in_order(stream, 7, sites, Lattice(shape, (0, 50, 50))) == expected).all()


def test_births_are_placed_in_a_block_too() -> None:
    tissue = bare_tissue((11, 11, 11))
    tissue.state[4:7, 4:7, 4:7] = CellState.PROLIFERATING
    divide(tissue, (5, 5, 5), (4, 4, 4), (6, 5, 5))
    assert n_cells(tissue) == 30 and n_parts(tissue) == 1


@pytest.mark.parametrize(("mother", "daughter"), [
    (CellState.PROLIFERATING, CellState.PROLIFERATING), (CellState.QUIESCENT, CellState.PROLIFERATING),
    (CellState.DOOMED, CellState.DOOMED)])
def test_a_daughter_is_of_her_mothers_kind_with_her_pd_l1_and_no_hits(mother: int, daughter: int) -> None:
    tissue = bare_tissue()
    tissue.state[0, 10, 10], tissue.pd_l1[0, 10, 10], tissue.hits[0, 10, 10] = mother, 1, 2
    divide(tissue, (0, 10, 10))
    born = tuple(site[0] for site in np.nonzero((tissue.state > 0) & (np.arange(441).reshape(1, 21, 21) != 220)))
    assert (tissue.state[born], tissue.pd_l1[born], tissue.hits[born]) == (daughter, 1, 0)
    assert tissue.hits[0, 10, 10] == 2


def test_cells_move_with_their_pd_l1_and_hits() -> None:
    """Marked by kind: necrotic cells carry PD-L1 and two hits, the others neither."""
    tissue = disc()
    tissue.state[(tissue.state > 0) & (np.indices(tissue.state.shape).sum(axis=0) % 3 == 0)] = CellState.NECROTIC
    tissue.state[0, 10, 10] = CellState.PROLIFERATING
    marked = tissue.state == CellState.NECROTIC
    tissue.pd_l1[marked], tissue.hits[marked], tissue.last_hit[marked] = 1, 2, 33
    before = n_cells(tissue)
    for step in range(1, 20):
        divide(tissue, (0, 10, 10), step=step)
    now = tissue.state == CellState.NECROTIC
    assert n_cells(tissue) == before + 19 and now.sum() == marked.sum() and (now != marked).any()
    assert (tissue.pd_l1[tissue.state > 0] == now[tissue.state > 0]).all()
    assert (tissue.hits[now] == 2).all() and (tissue.last_hit[now] == 33).all()


def test_vessels_and_t_cells_keep_their_place() -> None:
    tissue = disc()
    tissue.vessel[0, ::3, ::3] = 1
    add_t_cells(tissue, [220, 221], target=222)
    freeze(tissue, "vessel", "maturity", "perfusion", "oxygen", "t_count", "fate")
    state = state_of(tissue)
    tissue.state[0, 10, 5] = CellState.STROMA
    before = remember(state)
    update(state, P, clock_at(0))
    assert changed(before, state) <= {"state", "pd_l1", "hits", "last_hit", "n_cells"}


def test_a_full_section_keeps_its_count_and_reports_each_cell_it_drops() -> None:
    tissue = disc()
    tissue.capacity = n_cells(tissue)
    divide(tissue, (0, 10, 10), (0, 11, 10), (0, 8, 13))
    assert n_cells(tissue) == tissue.capacity and n_parts(tissue) == 1
    assert tissue.n_dropped == 3


def test_a_mass_that_fills_its_box_drops_what_has_no_room() -> None:
    tissue = bare_tissue((1, 9, 9))
    tissue.state.fill(CellState.PROLIFERATING)
    divide(tissue, (0, 4, 4), (0, 2, 6))
    assert n_cells(tissue) == 81 and tissue.n_dropped == 2


def test_a_gap_closes_and_no_cell_is_lost() -> None:
    tissue = disc()
    tissue.state[0, 10, 8] = CellState.STROMA
    before = n_cells(tissue)
    update(state_of(tissue), P, clock_at(0))
    assert n_cells(tissue) == before
    assert tissue.state[0, 10, 8] != CellState.STROMA


def test_holes_are_gone_within_a_day() -> None:
    tissue = disc()
    tissue.state[0, 9:12, 7:10] = CellState.STROMA
    before = n_cells(tissue)
    for step in range(0, 24, int(GAPS_EVERY_H)):
        update(state_of(tissue), P, clock_at(step))
    mass = tissue.state[0] > 0
    assert n_cells(tissue) == before
    assert (binary_fill_holes(mass) == mass).all()


def test_gaps_close_every_few_hours_only() -> None:
    tissue = disc(n_cells=113)
    tissue.state[0, 10, 8] = CellState.STROMA
    tissue.n_cells = n_cells(tissue)
    state = state_of(tissue)
    before = remember(state)
    update(state, P, clock_at(int(GAPS_EVERY_H) - 1))
    assert changed(before, state) == set()
    update(state, P, clock_at(int(GAPS_EVERY_H)))
    assert "state" in changed(before, state)


def test_a_compact_mass_without_births_rests() -> None:
    tissue = disc()
    tissue.n_cells = n_cells(tissue)
    state = state_of(tissue)
    before = remember(state)
    update(state, P, clock_at(0))
    assert changed(before, state) == set()


def grown(seed: int) -> Tissue:
    """Return a disc of radius 10 sites that has grown about ninefold by random births."""
    tissue, random = disc(10.0, 101), np.random.default_rng(seed)
    state = state_of(tissue, seed=seed)
    for step in range(110):
        tissue.fate.fill(NO_FATE)
        tissue.fate[(tissue.state > 0) & (random.random(tissue.state.shape) < 0.02)] = Hazard.DIVISION
        update(state, P, clock_at(step))
    return tissue


def test_growth_stays_round_whole_and_alike_along_axes_and_diagonals() -> None:
    """Means over eight masses: no direction of the lattice is preferred by 3 %, and none is grown far out of round."""
    height_to_width, axes_to_diagonals, elongation = [], [], []
    for seed in range(8):
        tissue = grown(seed)
        n = n_cells(tissue)
        assert n > 2000 and largest_part(tissue) > 0.99
        long, short, _ = mass_axes(tissue.state, tissue.window, False)
        assert math.sqrt(long * short) == pytest.approx(2.0 * math.sqrt(n / math.pi), rel=0.02)
        elongation.append(long / short)
        y, x = (np.nonzero(tissue.state)[axis] - 50.0 for axis in (1, 2))
        height_to_width.append(math.sqrt((y**2).mean() / (x**2).mean()))
        # Cells go as the square of the radius, and half of a disc lies nearer to an axis than to a diagonal.
        is_diagonal = np.rint(np.arctan2(y, x) / (np.pi / 4)).astype(int) % 2
        axes_to_diagonals.append(math.sqrt((is_diagonal == 0).sum() / (is_diagonal == 1).sum()))
    assert np.mean(height_to_width) == pytest.approx(1.0, abs=0.03)
    assert np.mean(axes_to_diagonals) == pytest.approx(1.0, abs=0.03)
    assert np.mean(elongation) < 1.06


def test_a_cleared_disc_contracts_to_the_size_of_what_is_left() -> None:
    tissue = disc(20.0, 61)
    random = np.random.default_rng(0)
    left = 0.4
    for day in range(40):
        dying = (tissue.state > 0) & (random.random(tissue.state.shape) < 1.0 - left ** (1.0 / 40))
        tissue.state[dying] = CellState.STROMA
        update(state_of(tissue), P, clock_at(6 * day))
    n = n_cells(tissue)
    for day in range(5):
        update(state_of(tissue), P, clock_at(240 + 6 * day))
    assert n_cells(tissue) == n < 600
    assert n_parts(tissue) == 1
    long, short, _ = mass_axes(tissue.state, tissue.window, False)
    assert long / short < 1.1
    assert math.sqrt(long * short) == pytest.approx(2.0 * math.sqrt(n / math.pi), rel=0.03)


@pytest.mark.parametrize(("shape", "is_block"), [((1, 61, 71), False), ((4, 61, 71), False), ((31, 61, 71), True)])
@pytest.mark.parametrize("step", range(4))
def test_both_rays_of_an_event_keep_to_the_half_of_its_region(shape: tuple[int, int, int], is_block: bool, step: int) -> None:
    """So the events of two halves touch no site in common; which axis is halved first is random."""
    centre = tuple(n // 2 for n in shape)
    sites = np.random.default_rng(3).permutation(np.prod(shape))[:2000].astype(np.int64)
    stream, called = RandomStream(*(np.uint32(word) for word in (1, 2, step, 4))), []
    lattice = Lattice(shape, centre)
    rays.by_region(stream, 5, sites, lattice, is_block, called.append)
    assert sorted(np.concatenate(called)) == list(range(len(sites))) and all((np.diff(which) > 0).all() for which in called)
    words, first = rays.words_of(stream, 5, sites, lattice), 2 if draw(stream, 5, np.uint32(0))[0] & 1 else 1
    assert len(called[4]) < 0.1 * len(sites) and min(map(len, called[:4])) > 50
    for region, which in enumerate(called[:4]):
        axis = first if region < 2 else 3 - first
        for i, k in itertools.product(which[:200], range(2)):
            place = place_of(sites[i], shape)
            way_out = rays.outward_ray(place, lattice, is_block, words[i, 2 * k], words[i, 2 * k + 1])
            ray = rays.ray_from(place, way_out, shape, whole(shape), is_block)
            along = [rays.place_on(ray, n, shape[0])[axis] for n in range(ray.n)]
            assert min(along) >= centre[axis] if region % 2 else max(along) < centre[axis]


def test_either_axis_is_halved_first() -> None:
    streams = [RandomStream(np.uint32(1), np.uint32(2), np.uint32(step), np.uint32(4)) for step in range(20)]
    assert {int(draw(stream, 5, np.uint32(0))[0] & 1) for stream in streams} == {0, 1}


def test_a_wider_box_changes_no_event() -> None:
    """Births and gaps over some steps in a narrow box and in a wide one, whichever way events act."""
    masses = []
    for size in (61, 121):
        tissue, random = disc(radius=15.0, size=size), np.random.default_rng(5)
        middle = size // 2
        for step in range(6):
            occupied = np.argwhere(tissue.state > 0)
            born = occupied[random.permutation(len(occupied))[: len(occupied) // 20]]
            tissue.state[tuple(occupied[random.random(len(occupied)) < 0.05].T)] = 0
            divide(tissue, *(tuple(site) for site in born if tissue.state[tuple(site)]), step=6 * step)
        masses.append(tissue.state[0, middle - 25 : middle + 26, middle - 25 : middle + 26].copy())
    assert (masses[0] == masses[1]).all() and masses[0].any()


@pytest.mark.parametrize("room", [0, 7, 1000])
def test_births_take_the_room_there_is_and_no_more(room: int) -> None:
    tissue = disc(radius=9.0, size=41)
    before = n_cells(tissue)
    tissue.capacity = before + room
    divide(tissue, *map(tuple, np.argwhere(tissue.state > 0)[::3]))
    n_births = len(np.arange(before)[::3])
    assert tissue.n_cells == n_cells(tissue) == before + min(room, n_births)
    assert tissue.n_dropped == n_births - min(room, n_births)


@pytest.mark.parametrize(("half_axes", "layers", "is_block"), [((0, 20, 20), 1, False), ((0, 5, 25), 1, False), ((0, 3, 24), 1, False),
                                                              ((0, 12, 18), 4, False), ((5, 8, 14), 15, True), ((2, 2, 16), 15, True)])
def test_a_ray_is_searched_far_enough(half_axes: tuple[int, int, int], layers: int, is_block: bool) -> None:
    """Births and gaps of a ragged, long or thick mass: the bound by its elliptical radius never hides a cell from a ray."""
    random, shape = np.random.default_rng(7), (layers, 71, 71)
    centre = (layers // 2, 35, 35)
    scales = (half_axes[2] / half_axes[0] if is_block else 0.0, half_axes[2] / half_axes[1])
    z, y, x = np.indices(shape)
    radius = ((z - centre[0]) * scales[0]) ** 2 + ((y - 35) * scales[1]) ** 2 + (x - 35) ** 2
    start = ((radius <= half_axes[2] ** 2) & (random.random(shape) < 0.85)).astype(np.uint8)
    _, tight, furthest = extent(start, whole(shape), centre, scales)
    geometry = displacement.Geometry(Lattice(shape, centre), scales, is_block)
    stream = RandomStream(*(np.uint32(word) for word in (1, 2, 3, 4)))
    results = []
    for bound in (displacement.Bound(widen(tight, shape, 2), furthest), displacement.Bound(widen(tight, shape, 2), 1e9)):
        cells, last_hit = start.copy(), np.zeros(start.size, np.int32)
        births = random_births(start)
        _, _, bound = displacement._push(stream, births, np.full(len(births), 1, np.uint8), geometry, start.size - int(start.sum()),
                                         bound, cells.reshape(-1), last_hit)
        displacement._pull(stream, displacement._gaps(cells, bound.window), geometry, bound, cells.reshape(-1), last_hit)
        results.append(cells)
    assert (results[0] == results[1]).all() and (results[0] != start).any()


def random_births(state: np.ndarray) -> np.ndarray:
    """Return the flat sites of a tenth of the cells, in random order."""
    occupied = np.flatnonzero(state)
    return np.random.default_rng(8).permutation(occupied)[: len(occupied) // 10].astype(np.int64)
