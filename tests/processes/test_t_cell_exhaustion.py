"""T-cell exhaustion: by PD-1 signals and by kills, undone by blockade in the stem-like; lives end on their day."""

import numpy as np
import pytest
from scipy.stats import binom

from lesionlab.sim.processes.t_cell_exhaustion import EXHAUSTION_EVERY_H, Parameters, update
from lesionlab.sim.state.state import Tissue
from tests.invariants import check
from tests.made_state import add_t_cells, bare_tissue, changed, clock_at, freeze, remember, state_of

P = Parameters()
N = 4000
AT = 220


def crowd(pd_l1_share: float = 1.0, target: int = AT, **flags: int) -> Tissue:
    """Return a section with many T cells; those with a target are engaged among cells of a PD-L1-positive share."""
    tissue = bare_tissue((1, 70, 70))
    tissue.pd_l1_share.fill(pd_l1_share)
    add_t_cells(tissue, range(N), target=target, **flags)
    return tissue


def n_exhausted(tissue: Tissue, occupancy: float = 0.0, p: Parameters = P) -> int:
    """Return how many of the first N are exhausted after one due step."""
    update(state_of(tissue, pd1_occupancy=occupancy), p, clock_at())
    t = tissue.t_cells
    return int(t.is_exhausted[: t.n][t.id[: t.n] < N].sum())


@pytest.mark.parametrize(("pd_l1_share", "occupancy"), [(1.0, 0.0), (0.5, 0.0), (1.0, 0.5)])
def test_the_engaged_exhaust_at_the_rate_of_free_pd_1_and_pd_l1(pd_l1_share: float, occupancy: float) -> None:
    p = P._replace(exhaustion_per_d=0.5)
    share = pd_l1_share * -np.expm1(-0.5 * (1.0 - occupancy) * EXHAUSTION_EVERY_H / 24.0)
    low, high = binom.interval(0.9999, N, share)
    assert low <= n_exhausted(crowd(pd_l1_share), occupancy, p) <= high


@pytest.mark.parametrize(("made", "occupancy"), [
    ({"target": -1}, 0.0), ({"pd_l1_share": 0.0}, 0.0), ({}, 1.0), ({"is_specific": 0}, 0.0),
], ids=["free", "no PD-L1", "PD-1 occupied", "bystander"])
def test_no_t_cell_exhausts_without_a_signal(made: dict, occupancy: float) -> None:
    assert n_exhausted(crowd(**made), occupancy, P._replace(exhaustion_per_d=1e6)) == 0


@pytest.mark.parametrize(("kills", "is_spent"), [(P.kill_capacity - 1, False), (P.kill_capacity, True)])
def test_a_t_cell_is_exhausted_by_its_last_kill(kills: int, is_spent: bool) -> None:
    assert n_exhausted(crowd(target=-1, kills=kills)) == (N if is_spent else 0)


@pytest.mark.parametrize(("flags", "occupancy", "n_left"), [
    ({"is_stem_like": 1}, 1.0, 0), ({"is_stem_like": 1}, 0.0, N), ({"is_stem_like": 0}, 1.0, N)])
def test_only_the_stem_like_recover_and_only_under_blockade(flags: dict, occupancy: float, n_left: int) -> None:
    tissue = crowd(is_exhausted=1, kills=P.kill_capacity, **flags)
    assert n_exhausted(tissue, occupancy, P._replace(recovery_per_d=1e6)) == n_left
    t = tissue.t_cells
    assert (t.kills[: t.n][t.id[: t.n] < N] == (P.kill_capacity if n_left else 0)).all()


@pytest.mark.parametrize("daughters", [0, 1, 3])
def test_the_stem_like_expand_when_they_recover(daughters: int) -> None:
    """Daughters are fresh effectors on their mother's site, not stem-like, that die when she does; ids are never given twice."""
    tissue = crowd(is_exhausted=1, is_stem_like=1, dies_at_h=77.0)
    n_exhausted(tissue, 1.0, P._replace(recovery_per_d=1e6, daughters_per_recovery=daughters))
    t = tissue.t_cells
    assert t.n == N * (1 + daughters) and len(set(t.id[: t.n].tolist())) == t.n == t.next_id
    new = np.flatnonzero(t.id[: t.n] >= N)
    assert (np.bincount(t.site[new], minlength=N)[:N] == daughters).all()
    assert t.is_specific[new].all() and not t.is_stem_like[new].any() and not t.is_exhausted[new].any()
    assert (t.dies_at_h[new] == 77.0).all() and (t.target[new] == -1).all()
    check(state_of(tissue))


def test_recovery_takes_its_time() -> None:
    n_left = n_exhausted(crowd(is_exhausted=1, is_stem_like=1), 1.0)
    low, high = binom.interval(0.9999, N, np.exp(-P.recovery_per_d * EXHAUSTION_EVERY_H / 24.0))
    assert low <= n_left <= high


def test_exhaustion_happens_every_few_hours_only() -> None:
    state = state_of(crowd(kills=200))
    before = remember(state)
    update(state, P, clock_at(1))
    assert changed(before, state) == set()


def test_lives_end_on_time_and_the_others_keep_their_order_and_themselves() -> None:
    tissue = bare_tissue()
    add_t_cells(tissue, [5, 6, 7, 8, 8], kills=1)
    t = tissue.t_cells
    t.dies_at_h[:5] = [9.0, 11.0, 10.0, 10.5, -np.inf]
    t.kills[:5] = [1, 2, 3, 4, 5]
    state = state_of(tissue)
    update(state, P, clock_at(9))
    assert t.n == 2 and t.next_id == 5
    assert (t.site[:2].tolist(), t.id[:2].tolist(), t.kills[:2].tolist()) == ([6, 8], [1, 3], [2, 4])
    check(state)


@pytest.mark.parametrize(("step", "is_sorted"), [(24, True), (25, False)])
def test_once_a_day_rows_stand_in_the_order_of_sites_each_as_it_was(step: int, is_sorted: bool) -> None:
    tissue = bare_tissue()
    add_t_cells(tissue, [30, 9, 30, 7, 9], dies_at_h=1e6)
    t = tissue.t_cells
    t.id[:5] = [4, 3, 2, 1, 0]
    t.kills[:5] = t.id[:5]
    state = state_of(tissue)
    update(state, P, clock_at(step))
    assert t.id[:5].tolist() == ([1, 0, 3, 2, 4] if is_sorted else [4, 3, 2, 1, 0])
    assert (t.kills[:5] == t.id[:5]).all()
    check(state)


def test_daughters_are_named_by_their_mothers_ids_whatever_the_order_of_rows() -> None:
    mothers = []
    for is_turned in (False, True):
        tissue = crowd(is_exhausted=1, is_stem_like=1)
        t = tissue.t_cells
        if is_turned:
            for column in t.columns():
                column[:N] = column[:N][::-1].copy()
        update(state_of(tissue, pd1_occupancy=1.0), P._replace(recovery_per_d=1e6), clock_at(6))
        mothers.append(dict(zip(t.id[N : t.n].tolist(), t.site[N : t.n].tolist(), strict=True)))
    assert mothers[0] == mothers[1] and len(mothers[0]) == N


def test_a_life_ends_within_the_step_that_reaches_it() -> None:
    tissue = bare_tissue()
    add_t_cells(tissue, [5], dies_at_h=10.0)
    for step, n_alive in ((7, 1), (8, 1), (9, 0)):
        update(state_of(tissue), P, clock_at(step))
        assert tissue.t_cells.n == n_alive


def test_it_reads_the_tissue_and_writes_t_cells_only() -> None:
    tissue = crowd(kills=200)
    freeze(tissue, "state", "pd_l1", "pd_l1_share")
    state = state_of(tissue)
    before = remember(state)
    update(state, P, clock_at())
    assert changed(before, state) == {"is_exhausted"}
