"""T-cell killing: engagement, hits that add up and are forgotten, suppression by PD-L1 and its release by blockade."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from lesionlab.sim.processes.t_cell_killing import Parameters, update
from lesionlab.sim.state.clock import MICRO_STEP_MIN
from lesionlab.sim.state.codes import CellState, Hazard
from lesionlab.sim.state.state import Tissue
from tests.made_state import DEAD, LIVING, add_t_cells, bare_tissue, changed, clock_at, freeze, remember, state_of

P = Parameters()
SURE = P._replace(hit_rate_per_h=1e9, engagement_min=1e12)  # every micro-step a hit, no letting go
AT, CELL = 220, (0, 10, 10)
LAST = 9  # the last micro-step of an hour


def duel(n: int = 1, code: int = CellState.PROLIFERATING, **flags: int) -> Tissue:
    """Return one tumour cell with n T cells on its site."""
    tissue = bare_tissue()
    tissue.state[CELL] = code
    add_t_cells(tissue, [AT] * n, **flags)
    return tissue


def killing(tissue: Tissue, micro_steps: int, p: Parameters = SURE, occupancy: float = 0.0, start: int = 0) -> Tissue:
    """Let T cells act for some micro-steps from `start` on; step 100, so no hit is older than the run."""
    state = state_of(tissue, pd1_occupancy=occupancy)
    for micro_step in range(start, start + micro_steps):
        update(state, p, clock_at(100, micro_step=micro_step))
    return tissue


def is_killed(tissue: Tissue) -> bool:
    return bool(tissue.hazard[Hazard.T_CELL][CELL] > 100.0)


def test_a_t_cell_engages_first_and_then_hits_each_micro_step() -> None:
    tissue = killing(duel(), 1)
    assert (tissue.t_cells.target[0], tissue.hits[CELL]) == (AT, 0)
    killing(tissue, 2, start=1)
    assert (tissue.hits[CELL], tissue.last_hit[CELL]) == (2, 100 * 60 + 2 * MICRO_STEP_MIN)


@pytest.mark.parametrize(("start", "n_hits"), [(LAST - SURE.n_hits, SURE.n_hits), (LAST - SURE.n_hits + 1, SURE.n_hits - 1)])
def test_three_hits_kill_and_two_do_not(start: int, n_hits: int) -> None:
    """One micro-step to engage, then a hit in each until the hour ends."""
    tissue = killing(duel(), LAST + 1 - start, start=start)
    assert tissue.hits[CELL] == n_hits
    assert is_killed(tissue) == (n_hits >= SURE.n_hits)
    assert tissue.t_cells.kills[0] == (n_hits >= SURE.n_hits)


def test_kills_are_written_after_the_last_micro_step_only() -> None:
    tissue = killing(duel(), LAST)
    assert tissue.hits[CELL] >= SURE.n_hits and not is_killed(tissue)
    assert is_killed(killing(tissue, 1, start=LAST))


@pytest.mark.parametrize(("ago_min", "n_hits"), [(P.memory_min - 2, P.n_hits), (P.memory_min, 1)])
def test_a_hit_after_50_minutes_is_forgotten(ago_min: float, n_hits: int) -> None:
    tissue = duel(target=AT)
    tissue.hits[CELL], tissue.last_hit[CELL] = P.n_hits - 1, 100 * 60 + LAST * MICRO_STEP_MIN - round(ago_min)
    killing(tissue, 1, start=LAST)
    assert tissue.hits[CELL] == n_hits
    assert is_killed(tissue) == (n_hits == P.n_hits)


@pytest.mark.parametrize("n_hits", [1, P.n_hits - 1, P.n_hits])
@pytest.mark.parametrize("ago_min", [P.memory_min - MICRO_STEP_MIN - 1, P.memory_min - MICRO_STEP_MIN])
def test_only_what_no_later_hit_could_add_to_is_forgotten_at_the_end_of_an_hour(ago_min: float, n_hits: int) -> None:
    """The next hit can fall a micro-step later; a cell with enough hits dies of them however old they are."""
    tissue = duel()
    tissue.t_cells.is_exhausted[0] = 1
    tissue.hits[CELL], tissue.last_hit[CELL] = n_hits, 100 * 60 + LAST * MICRO_STEP_MIN - round(ago_min)
    killing(tissue, LAST)
    assert tissue.hits[CELL] == n_hits
    killing(tissue, 1, start=LAST)
    is_old = ago_min + MICRO_STEP_MIN >= P.memory_min
    assert tissue.hits[CELL] == (0 if is_old and n_hits < P.n_hits else n_hits)
    assert is_killed(tissue) == (n_hits == P.n_hits)


def test_several_t_cells_kill_together_and_each_books_the_kill() -> None:
    tissue = killing(duel(P.n_hits, target=AT), 1, start=LAST)
    assert is_killed(tissue)
    assert tissue.t_cells.kills[: P.n_hits].tolist() == [1] * P.n_hits


def test_a_kill_is_booked_once_and_the_dead_are_let_go() -> None:
    tissue = killing(duel(), LAST + 1)
    assert tissue.t_cells.kills[0] == 1
    assert tissue.t_cells.target[0] == -1


@pytest.mark.parametrize("flags", [{"is_specific": 0}, {"is_exhausted": 1}])
def test_a_bystander_or_exhausted_t_cell_never_hits(flags: dict) -> None:
    tissue = killing(duel(4, target=AT, **flags), 10)
    assert not tissue.hits.any() and not tissue.hazard.any()
    assert (tissue.t_cells.target[:4] == -1).all()


@pytest.mark.parametrize(("code", "is_engaged"), [
    *((code, True) for code in LIVING), *((code, False) for code in (CellState.STROMA, *DEAD))])
def test_only_living_tumour_cells_are_engaged(code: int, is_engaged: bool) -> None:
    tissue = killing(duel(code=code), 10)
    assert is_killed(tissue) == bool(tissue.hits.any()) == is_engaged


def test_a_neighbour_is_engaged_where_the_own_site_is_empty() -> None:
    tissue = duel()
    tissue.t_cells.site[0], tissue.t_count[CELL], tissue.t_count[0, 9, 9] = AT - 22, 0, 1
    killing(tissue, 40)
    assert tissue.hits[CELL] > 0


def n_hit(pd_l1_share: float, occupancy: float, p: Parameters = P, n: int = 2500) -> int:
    """Return how many of n engaged T cells, each with its own target, hit in one micro-step."""
    tissue = bare_tissue((1, 50, 50))
    tissue.state.fill(CellState.PROLIFERATING)
    tissue.pd_l1_share.fill(pd_l1_share)
    add_t_cells(tissue, range(n))
    tissue.t_cells.target[:n] = np.arange(n)
    killing(tissue, 1, p, occupancy)
    return int(tissue.hits.sum())


@pytest.mark.parametrize(("pd_l1_share", "occupancy"), [(0.0, 0.0), (P.suppression_half, 0.0), (1.0, 0.0), (1.0, 0.5), (1.0, 1.0)])
def test_hits_come_at_their_rate_in_the_pairs_that_are_not_suppressed(pd_l1_share: float, occupancy: float) -> None:
    stays = math.exp(-MICRO_STEP_MIN / P.engagement_min)
    hits = -math.expm1(-P.hit_rate_per_h * MICRO_STEP_MIN / 60.0)
    low, high = binom.interval(0.9999, 2500, stays * hits * (1.0 - suppressed(pd_l1_share, occupancy)))
    assert low <= n_hit(pd_l1_share, occupancy) <= high


def suppressed(pd_l1_share: float, occupancy: float) -> float:
    """Return the share of pairs that are suppressed."""
    level, half = pd_l1_share**P.suppression_exponent, P.suppression_half**P.suppression_exponent
    return (1.0 - occupancy) * level / (level + half)


def killed_of_pairs(pd_l1_share: float, occupancy: float, step: int = 100) -> np.ndarray:
    """Return which of 2500 pairs end in a kill within an hour of certain hits; a hit cell has all its hits or none."""
    tissue = bare_tissue((1, 50, 50))
    tissue.state.fill(CellState.PROLIFERATING)
    tissue.pd_l1_share.fill(pd_l1_share)
    add_t_cells(tissue, range(2500))
    tissue.t_cells.target[:2500] = np.arange(2500)
    state = state_of(tissue, pd1_occupancy=occupancy)
    for micro_step in range(SURE.n_hits):
        update(state, SURE, clock_at(step, micro_step=micro_step))
    assert set(np.unique(tissue.hits)) <= {0, SURE.n_hits}
    return tissue.hits.reshape(-1) == SURE.n_hits


@pytest.mark.parametrize(("pd_l1_share", "occupancy"), [(P.suppression_half, 0.0), (0.15, 0.0), (1.0, 0.5), (1.0, 0.9)])
def test_kills_and_not_only_hits_scale_with_the_unsuppressed_share(pd_l1_share: float, occupancy: float) -> None:
    """Three hits at a thinned rate would scale kills with the cube of the share."""
    low, high = binom.interval(0.9999, 2500, 1.0 - suppressed(pd_l1_share, occupancy))
    assert low <= killed_of_pairs(pd_l1_share, occupancy).sum() <= high


def test_a_pair_stays_suppressed_from_hour_to_hour_and_blockade_only_frees() -> None:
    free = killed_of_pairs(0.15, 0.0)
    assert (killed_of_pairs(0.15, 0.0, step=777) == free).all()
    freed = killed_of_pairs(0.15, 0.7)
    assert freed[free].all() and freed.sum() > free.sum()


def test_occupied_pd_1_restores_the_hits_on_pd_l1_positive_cells_exactly() -> None:
    """The same draws decide, so the numbers are equal, not only alike."""
    p = P._replace(hit_rate_per_h=6.0)
    assert n_hit(1.0, 1.0, p) == n_hit(0.0, 0.0, p) > n_hit(1.0, 0.0, p)


@pytest.mark.parametrize("minutes", [20.0, 360.0])
def test_engagements_last_their_mean_duration(minutes: float) -> None:
    tissue = bare_tissue((1, 50, 50))
    tissue.state.fill(CellState.PROLIFERATING)
    add_t_cells(tissue, range(2500))
    tissue.t_cells.target[:2500] = np.arange(2500)
    killing(tissue, 1, P._replace(engagement_min=minutes, hit_rate_per_h=0.0))
    low, high = binom.interval(0.9999, 2500, math.exp(-MICRO_STEP_MIN / minutes))
    assert low <= (tissue.t_cells.target[:2500] >= 0).sum() <= high


def test_a_hit_rate_of_nothing_never_kills() -> None:
    tissue = killing(duel(5), 10, P._replace(hit_rate_per_h=0.0))
    assert not tissue.hits.any() and not tissue.hazard.any()


def test_without_t_cells_nothing_changes() -> None:
    state = state_of(duel(0))
    before = remember(state)
    update(state, SURE, clock_at(micro_step=LAST))
    assert changed(before, state) == set()


def test_it_reads_cells_and_writes_hits_and_the_hazard_of_t_cells() -> None:
    tissue = duel(3, target=AT)
    freeze(tissue, "state", "pd_l1", "pd_l1_share")
    state = state_of(tissue)
    before = remember(state)
    update(state, SURE, clock_at(100, micro_step=LAST))
    assert changed(before, state) == {"hits", "last_hit", "hazard", "kills"}
    assert np.flatnonzero(tissue.hazard.any(axis=(1, 2, 3))) == [Hazard.T_CELL]


def under_weighted(**flags: int) -> Tissue:
    """Return a duel in a section whose clonogens stand for hardly anything."""
    tissue = duel(**flags)
    tissue.volume_weight = 1e12
    return tissue


def test_in_an_under_weighted_section_the_contact_is_a_ghost_and_the_t_cell_stays_free() -> None:
    tissue = killing(under_weighted(), 1)
    ghost_contacts = tissue.ghost_contacts
    assert (tissue.t_cells.target[0], ghost_contacts.n) == (-1, 1)
    assert (ghost_contacts.t_cell[0], ghost_contacts.clonogen[0], ghost_contacts.site[0], ghost_contacts.is_engaged[0]) == (0, AT, AT, 1)
    killing(tissue, LAST, start=1)
    assert is_killed(tissue) and tissue.t_cells.kills[0] == 0
    assert tissue.ghost_contacts.n == 0, "the clonogen is gone, and so is its ghost contact"


def test_a_t_cell_has_one_ghost_contact_a_clonogen() -> None:
    harmless = P._replace(hit_rate_per_h=0.0, engagement_min=1e12)
    assert killing(under_weighted(), 9, harmless).ghost_contacts.n == 1
    assert killing(under_weighted(n=3), 9, harmless).ghost_contacts.n == 3


def test_a_ghost_contact_far_from_its_clonogen_is_gone() -> None:
    harmless = P._replace(hit_rate_per_h=0.0)
    for sites, n in ((0, 1), (2, 1), (3, 0)):
        tissue = killing(under_weighted(), 1, harmless)
        tissue.ghost_contacts.site[0], tissue.ghost_contacts.is_engaged[0] = AT + sites, 0
        tissue.t_cells.n = tissue.t_count[CELL] = 0
        assert killing(tissue, 1, harmless, start=1).ghost_contacts.n == n


def test_doomed_cells_keep_t_cells_busy_in_an_under_weighted_section_too() -> None:
    """A doomed cell stands for all its site does."""
    tissue = killing(under_weighted(code=CellState.DOOMED), 1)
    assert (tissue.t_cells.target[0], tissue.ghost_contacts.n) == (AT, 0)


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_a_t_cell_is_busy_in_the_share_of_cases_that_the_lesion_has_clonogens_for(share: float) -> None:
    tissue = bare_tissue((1, 50, 50))
    tissue.state.fill(CellState.PROLIFERATING)
    tissue.weight, tissue.volume_weight = share, 1.0
    add_t_cells(tissue, range(2500))
    killing(tissue, 1)
    busy_at_home = int((tissue.t_cells.target[:2500] == np.arange(2500)).sum())
    low, high = binom.interval(0.9999, 2500, share)
    assert low <= busy_at_home <= high
