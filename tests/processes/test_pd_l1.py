"""PD-L1: the positive share goes to its level, 15 % without interferon, and back again; only living cells switch."""

import numpy as np
import pytest
from scipy.stats import binom

from lesionlab.sim.processes.pd_l1 import EVERY_H, Parameters, local_share, update
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import Tissue
from tests.made_state import LIVING, bare_tissue, changed, clock_at, freeze, remember, state_of, tissue_of_each_state

P = Parameters()
AT_ONCE = P._replace(switching_per_d=1e6)
N = 10_000


def full_section(ifn: float = 0.0, pd_l1: int = 0) -> Tissue:
    tissue = bare_tissue((1, 100, 100))
    tissue.state.fill(CellState.PROLIFERATING)
    tissue.ifn_gamma.fill(ifn)
    tissue.pd_l1.fill(pd_l1)
    return tissue


def is_binomial(n_positive: int, share: float) -> bool:
    low, high = binom.interval(0.9999, N, share)
    return bool(low <= n_positive <= high)


@pytest.mark.parametrize(("ifn", "share"), [
    (0.0, P.baseline_share), (P.ifn_half, (P.baseline_share + P.induced_share) / 2.0), (1e6, P.induced_share)])
@pytest.mark.parametrize("pd_l1", [0, 1])
def test_the_stationary_share_depends_on_interferon_alone(ifn: float, share: float, pd_l1: int) -> None:
    tissue = full_section(ifn, pd_l1)
    update(state_of(tissue), AT_ONCE, clock_at())
    assert is_binomial(int(tissue.pd_l1.sum()), share)


def test_interferon_never_lowers_a_share_above_the_induced_one() -> None:
    tissue = full_section(ifn=1e6)
    update(state_of(tissue), AT_ONCE._replace(baseline_share=0.95), clock_at())
    assert is_binomial(int(tissue.pd_l1.sum()), 0.95)
    assert not is_binomial(int(tissue.pd_l1.sum()), P.induced_share)


@pytest.mark.parametrize("dt_h", [1.0, 12.0])
def test_cells_switch_off_at_their_rate_when_interferon_is_gone(dt_h: float) -> None:
    tissue = full_section(pd_l1=1)
    update(state_of(tissue), P, clock_at(dt_h=dt_h))
    p_any = -np.expm1(-P.switching_per_d * max(dt_h, EVERY_H) / 24.0)
    assert is_binomial(int(tissue.pd_l1.sum()), 1.0 - p_any * (1.0 - P.baseline_share))


def test_only_living_cells_switch() -> None:
    tissue = tissue_of_each_state()
    freeze(tissue, "state", "ifn_gamma")
    state = state_of(tissue)
    before = remember(state)
    update(state, AT_ONCE._replace(baseline_share=1.0, induced_share=1.0), clock_at())
    assert {CellState(code) for code in np.flatnonzero(tissue.pd_l1)} == set(LIVING)
    assert changed(before, state) == {"pd_l1", "pd_l1_share"}


def test_a_t_cell_meets_the_positive_share_of_the_living_within_two_sites() -> None:
    tissue = bare_tissue()
    tissue.state[0, 8:13, 8:13] = CellState.PROLIFERATING
    tissue.state[0, 8, 8:13] = CellState.NECROTIC
    tissue.pd_l1[0, 8:10, 8:13] = 1
    share = local_share(P, tissue.state, tissue.pd_l1, tissue.ifn_gamma)[0]
    # Ten cells of the share without interferon, 0.15, are added.
    assert share[10, 10] == pytest.approx((5 + 1.5) / (20 + 10))
    assert share[12, 12] == pytest.approx(1.5 / (9 + 10)) and share[8, 10] == pytest.approx((5 + 1.5) / (10 + 10))
    assert share[:6] == pytest.approx(P.baseline_share)


def test_suppression_of_a_lone_cell_is_about_that_of_a_crowd_of_the_same_share() -> None:
    """Fed with a lone cell's 0 or 1 it would be its share of positive cells, a quarter of the crowd's."""
    dense, thin = full_section(), bare_tissue((1, 150, 150))
    random = np.random.default_rng(1)
    thin.state[random.random(thin.state.shape) < 0.02] = CellState.PROLIFERATING
    supp = []
    for tissue in (dense, thin):
        tissue.pd_l1[:] = (random.random(tissue.state.shape) < P.baseline_share) & (tissue.state > 0)
        level = local_share(P, tissue.state, tissue.pd_l1, tissue.ifn_gamma)[tissue.state > 0] ** 2
        supp.append((level / (level + 0.1**2)).mean())
    assert supp[1] == pytest.approx(supp[0], abs=0.05) and supp[0] > 0.6


@pytest.mark.parametrize(("step", "p"), [(1, AT_ONCE), (0, P._replace(switching_per_d=0.0))])
def test_nothing_switches_between_its_hours_or_at_a_rate_of_nothing(step: int, p: Parameters) -> None:
    tissue = full_section(pd_l1=1)
    tissue.pd_l1_share = local_share(p, tissue.state, tissue.pd_l1, tissue.ifn_gamma)
    state = state_of(tissue)
    before = remember(state)
    update(state, p, clock_at(step))
    assert changed(before, state) == set()


@pytest.mark.parametrize("ifn", [0.0, P.ifn_half, 1e6])
def test_a_baseline_above_the_induced_share_is_not_lowered_by_interferon(ifn: float) -> None:
    tissue = full_section(ifn)
    update(state_of(tissue), AT_ONCE._replace(baseline_share=0.9, induced_share=0.5), clock_at())
    assert is_binomial(int(tissue.pd_l1.sum()), 0.9)
