"""T-cell entry: what leaves the blood arrives, at perfused vessels of the mass, in proportion to every gain; never more than there is."""

import math

import numpy as np
import pytest

from lesionlab.sim.numerics.random import RandomStream
from lesionlab.sim.processes.t_cell_entry import Parameters, admit, ungated_now, update
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import State, Tissue
from lesionlab.sim.state.t_cells import TCells
from tests.made_state import KEY, bare_tissue, changed, clock_at, freeze, remember, state_of

P = Parameters()
W = 1e5
POOL = P.reference_blood_cells
BEFORE_DAY_0 = 10**6


def lesion(name: str = "made", n_vessels: int = 10, **numbers: float) -> Tissue:
    """Return a section full of cells with perfused vessels in a row."""
    tissue = bare_tissue(name=name, **({"weight": W, "volume_weight": W} | numbers))
    tissue.state.fill(CellState.PROLIFERATING)
    tissue.vessel[0, 10, :n_vessels] = 1
    tissue.perfusion[0, 10, :n_vessels] = 1.0
    return tissue


def arrivals(state: State, steps: int = 500) -> np.ndarray:
    """Return the T cells that arrived in each lesion over some hours at a constant pool."""
    for step in range(steps):
        update(state, P, clock_at(step, burn_in_steps=BEFORE_DAY_0))
    return np.array([tissue.t_cells.n for tissue in state.tissues])


@pytest.mark.parametrize(("numbers", "systemic", "gain"), [
    ({}, {}, 1.0), ({"n_vessels": 5}, {}, 0.5), ({"t_cell_entry_factor": 3.0}, {}, 3.0), ({"t_cell_entry_factor": 0.0}, {}, 0.0),
    ({}, {"normalisation": 1.0}, 1.0 + P.normalisation_gain), ({"low_dose_gain": 1.0}, {}, P.low_dose_gain),
    ({"low_dose_gain": 0.5}, {"normalisation": 0.5}, (1.0 + 0.5 * P.normalisation_gain) * (1.0 + 0.5 * (P.low_dose_gain - 1.0))),
], ids=["as it is", "half the vessels", "site factor 3", "site factor 0", "normalised", "low dose", "both halfway"])
def test_arrivals_follow_vessels_site_factor_normalisation_and_low_dose(numbers: dict, systemic: dict, gain: float) -> None:
    n = arrivals(state_of(lesion(**numbers), specific_blood=0.2 * POOL, bystander_blood=0.8 * POOL, **systemic))[0]
    expected = P.entry_per_vessel_per_d * 10 * gain * 500 / 24.0
    # Stochastic rounding: two draws a step, standard deviation at most one half each.
    assert abs(n - expected) < 3.3 * 0.5 * math.sqrt(2 * 500) + 0.001 * expected
    assert (n == 0) == (gain == 0.0)


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_arrivals_follow_the_blood_pool(share: float) -> None:
    n = arrivals(state_of(lesion(), bystander_blood=share * POOL))[0]
    assert abs(n - P.entry_per_vessel_per_d * 10 * share * 500 / 24.0) < 3.3 * 0.5 * math.sqrt(500)


def test_the_antigen_gate_stands_open_in_the_first_third_of_the_burn_in() -> None:
    p = P._replace(ungated_share=0.1)
    assert [ungated_now(p, clock_at(step, burn_in_steps=90)) for step in (0, 29, 30, 90, 500)] == [1.0, 1.0, 0.1, 0.1, 0.1]
    assert ungated_now(p, clock_at(0)) == 0.1


@pytest.mark.parametrize("interferon", [0.0, 0.01, 0.1])
def test_arrivals_follow_the_interferon_at_the_vessel(interferon: float) -> None:
    p, tissue = P._replace(ungated_share=0.1, interferon_half=0.01), lesion()
    tissue.ifn_gamma.fill(interferon)
    state = state_of(tissue, bystander_blood=POOL)
    for step in range(1000):
        update(state, p, clock_at(10**5 + step, burn_in_steps=10**5 + 10**4))
    expected = P.entry_per_vessel_per_d * 10 * (0.1 + 0.9 * interferon / (interferon + 0.01)) * 1000 / 24.0
    assert tissue.t_cells.n == pytest.approx(expected, abs=3.3 * 0.5 * math.sqrt(1000))


def test_what_leaves_the_blood_arrives_to_the_cell() -> None:
    state = state_of(lesion(), lesion("other", 20), specific_blood=0.2 * POOL, bystander_blood=0.8 * POOL)
    for step in range(200):
        update(state, P, clock_at(step))
    specific = sum(int(tissue.t_cells.is_specific[: tissue.t_cells.n].sum()) for tissue in state.tissues)
    total = sum(tissue.t_cells.n for tissue in state.tissues)
    assert specific > 0 and total > specific
    assert state.systemic.specific_blood == pytest.approx(0.2 * POOL - specific * W, rel=1e-12)
    assert state.systemic.bystander_blood == pytest.approx(0.8 * POOL - (total - specific) * W, rel=1e-12)
    assert state.systemic.left_blood == pytest.approx(total * W, rel=1e-12)


@pytest.mark.parametrize("weight", [1.0, 1e5, 1e8])
def test_greedy_lesions_empty_the_blood_and_never_overdraw_it(weight: float) -> None:
    pool = 30.7 * weight
    greedy = {"t_cell_entry_factor": 1e9, "weight": weight, "volume_weight": weight}
    state = state_of(lesion(**greedy), lesion("other", **greedy), specific_blood=pool, bystander_blood=pool)
    for step in range(20):
        update(state, P, clock_at(step, dt_h=24.0))
        assert min(state.systemic.specific_blood, state.systemic.bystander_blood) >= 0.0
    assert 56 <= sum(tissue.t_cells.n for tissue in state.tissues) <= 60


def test_the_pools_stay_during_the_burn_in() -> None:
    state = state_of(lesion(), specific_blood=POOL, bystander_blood=POOL)
    arrivals(state, 100)
    assert (state.systemic.specific_blood, state.systemic.bystander_blood) == (POOL, POOL)
    assert state.systemic.left_blood == state.tissues[0].t_cells.n * W


def test_the_running_mean_of_the_efflux_is_what_leaves_per_day() -> None:
    state = state_of(lesion(t_cell_entry_factor=400.0), specific_blood=0.2 * POOL, bystander_blood=0.8 * POOL)
    arrivals(state, 40 * 24)
    leaving = P.entry_per_vessel_per_d * 10 * 400.0 * W
    assert state.systemic.efflux_specific == pytest.approx(0.2 * leaving, rel=0.05)
    assert state.systemic.efflux_bystander == pytest.approx(0.8 * leaving, rel=0.05)


def test_t_cells_arrive_only_at_perfused_vessels_in_or_beside_the_mass() -> None:
    tissue = bare_tissue(weight=W, volume_weight=W)
    tissue.state[0, 10, 10] = CellState.PROLIFERATING
    for y, perfusion in ((8, 1.0), (10, 0.0), (12, 1.0), (13, 1.0)):
        tissue.vessel[0, y, 10], tissue.perfusion[0, y, 10] = 1, perfusion
    state = state_of(tissue, bystander_blood=5 * POOL)
    arrivals(state)
    t = tissue.t_cells
    assert set(t.site[: t.n].tolist()) == {8 * 21 + 10, 12 * 21 + 10}
    assert (np.bincount(t.site[: t.n], minlength=441) == tissue.t_count.reshape(-1)).all()


def test_the_order_of_lesions_changes_no_arrival() -> None:
    def arrived(names: tuple[str, ...]) -> dict[str, list[int]]:
        tissues = [lesion(name, n_vessels=5 + len(name)) for name in names]
        arrivals(state_of(*tissues, specific_blood=0.2 * POOL, bystander_blood=0.8 * POOL), 100)
        return {tissue.name: tissue.t_cells.site[: tissue.t_cells.n].tolist() for tissue in tissues}

    assert arrived(("neck", "pelvis")) == arrived(("pelvis", "neck"))


def test_arrivals_are_new_fit_and_live_for_their_lifespan() -> None:
    tissue = lesion()
    t = tissue.t_cells
    t.kills[:], t.is_exhausted[:], t.target[:] = 9, 1, 5
    admit(tissue, P, RandomStream(*KEY, np.uint32(0), tissue.entity), 2.0, (3000, 500), np.array([210, 211], np.int32))
    assert t.n == t.next_id == 3500 and t.id[:3500].tolist() == list(range(3500))
    assert not t.kills[:3500].any() and not t.is_exhausted[:3500].any() and (t.target[:3500] == -1).all()
    assert t.is_specific[:3500].tolist() == [1] * 3000 + [0] * 500
    assert not t.is_stem_like[3000:3500].any()
    assert abs(t.is_stem_like[:3000].mean() - P.stem_like_share) < 4 * math.sqrt(P.stem_like_share / 3000)
    lives = t.dies_at_h[:3500] / 24.0 - 2.0
    assert abs(lives.mean() - P.lifespan_d) < 4 * P.lifespan_sd_d / math.sqrt(3500)
    assert lives.std() == pytest.approx(P.lifespan_sd_d, rel=0.05)


def test_without_cells_in_blood_or_vessels_nothing_arrives() -> None:
    for state in (state_of(lesion()), state_of(lesion(n_vessels=0), specific_blood=POOL)):
        before = remember(state)
        update(state, P, clock_at())
        assert changed(before, state) <= {"near_mass"}


def test_entry_reads_the_tissue_and_writes_t_cells_only() -> None:
    tissue = lesion()
    freeze(tissue, "state", "perfusion")
    state = state_of(tissue, bystander_blood=100 * POOL)
    before = remember(state)
    update(state, P, clock_at())
    written = {"n", "next_id", *TCells.COLUMNS, "t_count", "bystander_blood", "left_blood", "efflux_bystander", "near_mass"}
    assert changed(before, state) == written
