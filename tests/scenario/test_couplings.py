"""Mechanism switches: what each one removes, that it changes no other draw, and how a scenario and a record name it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lesionlab.sim.model import TumourModel
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.processes import (
    cell_cycle,
    pd_l1,
    radiobiology,
    t_cell_entry,
    t_cell_exhaustion,
    t_cell_killing,
    t_cell_motion,
    t_cell_priming,
    vegf,
    vegf_suppression,
    vessels,
)
from lesionlab.sim.runs.lifecycle import simulate
from lesionlab.sim.scenario.couplings import MECHANISMS, apply
from lesionlab.sim.scenario.load import scenario_from_text
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.schedule import PARAMETERS
from lesionlab.sim.state.codes import CellState, Hazard
from lesionlab.sim.state.state import DrugLevel, Fraction, Orders, State, Tissue
from tests.made_state import add_t_cells, bare_tissue, clock_at, remember, state_of
from tests.tiny_arm import TREATED, UNTREATED

MakeScenario = Callable[..., Scenario]
DEFAULTS: dict[str, Any] = {name: group() for name, group in PARAMETERS.items()}
BEFORE_DAY_0 = 10**6


GATED = t_cell_entry.Parameters(ungated_share=0.2)


def on_and_off(section: str, name: str) -> tuple[Any, Any]:
    """Return the parameters of a process with a mechanism on and off."""
    return DEFAULTS[section], apply(DEFAULTS, (name,))[section]


def packed(n: int = 40) -> Tissue:
    """Return a section full of tumour cells, n x n sites."""
    tissue = bare_tissue((1, n, n), weight=1e5, volume_weight=1e5)
    tissue.state.fill(CellState.PROLIFERATING)
    return tissue


def irradiated(p: radiobiology.Parameters, oxygen_mmHg: float = 40.0, dose_gy: float = 3.0, **systemic: float) -> State:
    """Return a packed section with 200 T cells after one fraction."""
    tissue = packed()
    tissue.oxygen.fill(oxygen_mmHg)
    add_t_cells(tissue, range(200))
    state = state_of(tissue, **systemic)
    state.orders = Orders(fractions=[Fraction("made", dose_gy, dose_gy, 0.5, 20e-4)])
    radiobiology.update(state, p, clock_at())
    return state


def vascular(p: vessels.Parameters, maturity: float = 0.3, vegf_level: float = 2.0, **systemic: float) -> tuple[bytes, ...]:
    """Return vessels, maturity and perfusion of a packed section after ten days."""
    tissue = packed(120)
    tissue.vegf.fill(vegf_level)
    tissue.vessel[0, 2::5, 2::5] = 1
    tissue.maturity[tissue.vessel == 1] = maturity
    for day in range(10):
        vessels.update(state_of(tissue, **systemic), p, clock_at(24 * day))
    return tissue.vessel.tobytes(), tissue.maturity.tobytes(), tissue.perfusion.tobytes()


def intake(p: t_cell_entry.Parameters, low_dose_gain: float = 0.0, **systemic: float) -> int:
    """Return the T cells that enter a packed section with 40 perfused vessels in ten days."""
    tissue = packed()
    tissue.low_dose_gain = low_dose_gain
    tissue.vessel[0, 20], tissue.perfusion[0, 20] = 1, 1.0
    state = state_of(tissue, specific_blood=2e8, bystander_blood=8e8, **systemic)
    for step in range(240):
        t_cell_entry.update(state, p, clock_at(step, burn_in_steps=BEFORE_DAY_0))
    return tissue.t_cells.n


def test_oxygen_effect_off_the_log_kill_is_that_of_full_oxygen_at_any_oxygen() -> None:
    on, off = on_and_off("radiobiology", "oxygen_effect")
    log_kill = {(p, mmHg): irradiated(p, mmHg).tissues[0].hazard[Hazard.RADIATION] for p in (on, off) for mmHg in (1.0, 40.0)}
    assert (log_kill[off, 1.0] == log_kill[off, 40.0]).all()
    assert (log_kill[on, 1.0] < 0.7 * log_kill[on, 40.0]).all()
    assert log_kill[off, 1.0][0, 20, 20] == pytest.approx(off.alpha_per_gy * 3.0 * (1.0 + 3.0 / off.alpha_beta_gy))


def test_radiation_to_antigen_off_only_cells_killed_by_radiation_do_not_prime() -> None:
    on, off = on_and_off("t_cell_priming", "radiation_to_antigen")

    def released(p: t_cell_priming.Parameters, cause: Hazard) -> float:
        state = state_of(bare_tissue())
        state.tissues[0].ledger[cause] = 1e9
        t_cell_priming.update(state, p, clock_at(burn_in_steps=BEFORE_DAY_0))
        return float(state.systemic.antigen[0])

    assert released(off, Hazard.RADIATION) == 0.0 < released(on, Hazard.RADIATION)
    for cause in (Hazard.T_CELL, Hazard.HYPOXIA, Hazard.APOPTOSIS):
        assert released(off, cause) == released(on, cause) > 0.0


def test_radiation_to_vessels_off_a_fraction_matures_none() -> None:
    on, off = on_and_off("radiobiology", "radiation_to_vessels")
    assert irradiated(off).tissues[0].radiation_maturity == 0.0 < irradiated(on).tissues[0].radiation_maturity


def test_radiation_loss_of_t_cells_off_a_fraction_spares_them_in_lesion_and_blood() -> None:
    on, off = on_and_off("radiobiology", "radiation_loss_of_t_cells")

    def left(p: radiobiology.Parameters) -> tuple[float, ...]:
        state = irradiated(p, specific_blood=2e8, bystander_blood=8e8)
        systemic, lives = state.systemic, state.tissues[0].t_cells.dies_at_h[:200]
        return systemic.specific_blood, systemic.bystander_blood, systemic.naive, float((lives > 0.0).sum())

    assert left(off) == (2e8, 8e8, 1.0, 200.0)
    assert all(spared < whole for spared, whole in zip(left(on), left(off), strict=True))


def test_low_dose_to_entry_off_the_intake_is_that_without_low_doses() -> None:
    on, off = on_and_off("t_cell_entry", "low_dose_to_entry")
    assert intake(off, low_dose_gain=1.0) == intake(off) == intake(on)
    assert intake(on, low_dose_gain=1.0) > 2 * intake(on)


def test_normalisation_to_perfusion_off_vessels_do_not_see_normalisation() -> None:
    on, off = on_and_off("vessels", "normalisation_to_perfusion")
    assert vascular(off, normalisation=1.0) == vascular(on)
    assert vascular(on, normalisation=1.0)[2] != vascular(on)[2]
    assert vascular(off, pruning=0.5) == vascular(on, pruning=0.5) != vascular(on)


def test_antigen_to_entry_off_entry_needs_no_interferon() -> None:
    off = apply({"t_cell_entry": GATED}, ("antigen_to_entry",))["t_cell_entry"]
    assert off == DEFAULTS["t_cell_entry"]

    def entered(p: t_cell_entry.Parameters, interferon: float) -> int:
        tissue = packed()
        tissue.ifn_gamma.fill(interferon)
        tissue.vessel[0, 20], tissue.perfusion[0, 20] = 1, 1.0
        state = state_of(tissue, specific_blood=2e8, bystander_blood=8e8)
        for step in range(240):
            t_cell_entry.update(state, p, clock_at(step))
        return tissue.t_cells.n

    assert entered(off, 0.0) == entered(off, 1.0)
    assert entered(GATED, 0.0) == pytest.approx(0.2 * entered(off, 0.0), abs=25)
    assert entered(GATED, GATED.interferon_half) == pytest.approx(0.6 * entered(off, 0.0), abs=25)


def test_normalisation_to_entry_off_the_intake_is_that_without_normalisation() -> None:
    on, off = on_and_off("t_cell_entry", "normalisation_to_entry")
    assert intake(off, normalisation=1.0) == intake(off) == intake(on) < intake(on, normalisation=1.0)


def test_blockade_to_pruning_off_vessels_are_lost_and_sprout_as_without_blockade() -> None:
    on, off = on_and_off("vessels", "blockade_to_pruning")
    assert vascular(off, pruning=1.0) == vascular(on)
    assert vascular(on, pruning=1.0)[0].count(1) < vascular(on)[0].count(1)
    assert vascular(off, normalisation=0.5) == vascular(on, normalisation=0.5) != vascular(on)


def test_tki_to_division_off_cells_divide_under_the_inhibitor_as_without() -> None:
    on, off = on_and_off("cell_cycle", "tki_to_division")

    def division(p: cell_cycle.Parameters, inhibitor_uM: float) -> float:
        tissue = packed()
        tissue.oxygen.fill(40.0)
        cell_cycle.update(state_of(tissue, drugs=[DrugLevel("anlotinib", "vegfr_tki", concentration_uM=inhibitor_uM)]), p, clock_at())
        return float(tissue.hazard[Hazard.DIVISION, 0, 5, 5])

    assert division(off, 5.0) == division(off, 0.0) == division(on, 0.0) > division(on, 5.0)


def test_depth_to_vessels_off_vessels_sprout_in_the_core_as_at_the_rim() -> None:
    """Eight others within 80 um are half of the rim's limit and more than the core's, whose middle lies eight lengths of e deep."""
    on, off = (p._replace(sprouting_per_d=0.1, collapse_per_d=0.0, regression_per_d=0.0, density_depth_um=p.density_depth_um / 3.0)
               for p in on_and_off("vessels", "depth_to_vessels"))

    def sprouts(p: vessels.Parameters, inner: bool) -> float:
        tissue = packed(120)
        tissue.vegf.fill(2.0)
        tissue.vessel[0, 1::3, 1::3] = 1
        before = tissue.vessel.copy()
        for day in range(8):
            vessels.update(state_of(tissue), p, clock_at(24 * day))
        part = np.zeros((1, 120, 120), bool)
        part[0, 40:80, 40:80] = True
        part = part if inner else ~part
        return float((tissue.vessel & ~before)[part].mean())

    assert off.density_depth_um == 0.0
    assert sprouts(off, True) == pytest.approx(sprouts(off, False), rel=0.35)
    assert sprouts(on, True) < 0.7 * sprouts(on, False)


def test_size_to_perfusion_off_a_large_lesion_is_perfused_like_a_small_one() -> None:
    on, off = on_and_off("vessels", "size_to_perfusion")

    def perfused(p: vessels.Parameters, volume_cm3: float) -> float:
        tissue = packed(120)
        tissue.baseline_volume_cm3 = volume_cm3
        tissue.vegf.fill(2.0)
        tissue.vessel[0, 2::5, 2::5], tissue.maturity[0, 2::5, 2::5] = 1, 0.3
        vessels.update(state_of(tissue), p, clock_at())
        return float(tissue.perfusion.sum())

    assert perfused(off, 1e3) == perfused(off, 1.0) == perfused(on, on.reference_volume_cm3)
    assert perfused(on, 1e3) < perfused(on, 1.0)


def test_vegf_independent_vessels_off_every_vessel_is_pruned_as_it_is_immature() -> None:
    """On, a part stays whatever the dose; off, normalised vessels are spared by their maturity and no vessel by its mark."""
    on, off = on_and_off("vessels", "vegf_independent_vessels")
    only_pruned = {"sprouting_per_d": 0.0, "collapse_per_d": 0.0, "regression_per_d": 0.0, "repair_per_d": 0.0, "pruning_per_d": 0.3}
    on = on._replace(vegf_dependent_fraction=0.6)
    left = {name: vascular(p._replace(**only_pruned), pruning=1.0)[0].count(1) / 576 for name, p in (("on", on), ("off", off))}
    spared = vascular(off._replace(**only_pruned, maturity_tumour=0.999, maturity_normal=1.0), maturity=1.0, pruning=1.0)[0].count(1) / 576
    assert left["on"] == pytest.approx(0.4 + 0.6 * np.exp(-3.0), abs=0.06) and left["off"] == pytest.approx(np.exp(-3.0 * 0.7), abs=0.06)
    assert spared > 0.99


def test_vegf_to_t_cells_off_vegf_holds_nothing_back() -> None:
    on, off = on_and_off("vegf_suppression", "vegf_to_t_cells")

    def left(p: vegf_suppression.Parameters, level: float) -> tuple[float, float]:
        tissue = packed()
        tissue.vegf.fill(level)
        state = state_of(tissue)
        vegf_suppression.update(state, p, clock_at())
        return state.systemic.vegf_silenced_limit, state.systemic.priming_left

    assert left(off, 10.0) == left(off, 0.0) == (0.0, 1.0)
    assert left(on, 10.0)[0] > 0.0 and left(on, 10.0)[1] < left(on, 1.0)[1] < 1.0


def test_hypoxia_to_vegf_off_hypoxic_and_normoxic_cells_secrete_alike() -> None:
    on, off = on_and_off("vegf", "hypoxia_to_vegf")

    def secreted(p: vegf.Parameters, oxygen_mmHg: float) -> np.ndarray:
        tissue = packed()
        tissue.oxygen.fill(oxygen_mmHg)
        vegf.update(state_of(tissue), p, clock_at())
        return tissue.vegf

    assert (secreted(off, 0.0) == secreted(off, 40.0)).all() and (secreted(off, 40.0) == secreted(on, 40.0)).all()
    assert np.allclose(secreted(on, 0.0), on.hypoxic_ratio * secreted(on, 40.0))


def test_crowding_to_collapse_off_no_vessel_is_squeezed() -> None:
    """With plenty of VEGF and no drug nothing else takes a vessel; no sprouting, so that none is replaced."""
    on, off = (p._replace(sprouting_per_d=0.0) for p in on_and_off("vessels", "crowding_to_collapse"))
    full = 24 * 24
    assert vascular(off, maturity=0.1, vegf_level=1e9)[0].count(1) == full > vascular(on, maturity=0.1, vegf_level=1e9)[0].count(1)


def test_pd_l1_induction_off_interferon_raises_none() -> None:
    on, off = on_and_off("pd_l1", "pd_l1_induction")

    def expressed(p: pd_l1.Parameters, ifn: float) -> np.ndarray:
        tissue = packed()
        tissue.ifn_gamma.fill(ifn)
        for step in range(0, 240, 6):
            pd_l1.update(state_of(tissue), p, clock_at(step))
        return tissue.pd_l1

    assert (expressed(off, 1.0) == expressed(on, 0.0)).all()
    assert expressed(on, 1.0).mean() > 0.5 > 0.2 > expressed(off, 1.0).mean() > 0.1


def test_pd_1_to_killing_off_every_hit_lands_on_pd_l1_rich_cells_without_drug() -> None:
    on, off = on_and_off("t_cell_killing", "pd_1_to_killing")

    def hits(p: t_cell_killing.Parameters, occupancy: float) -> np.ndarray:
        tissue = packed()
        tissue.pd_l1_share.fill(1.0)
        add_t_cells(tissue, range(1600))
        tissue.t_cells.target[:1600] = np.arange(1600)
        state = state_of(tissue, pd1_occupancy=occupancy)
        for micro_step in range(5):
            t_cell_killing.update(state, p, clock_at(100, micro_step=micro_step))
        return tissue.hits

    assert (hits(off, 0.0) == hits(on, 1.0)).all() and (hits(off, 0.0) == hits(off, 1.0)).all()
    assert hits(off, 0.0).sum() > 10 * hits(on, 0.0).sum()


def test_pd_1_to_exhaustion_off_engagement_exhausts_no_t_cell_and_kills_still_do() -> None:
    on, off = on_and_off("t_cell_exhaustion", "pd_1_to_exhaustion")

    def exhausted(p: t_cell_exhaustion.Parameters, kills: int) -> int:
        tissue = packed()
        tissue.pd_l1_share.fill(1.0)
        add_t_cells(tissue, range(1000), target=5, kills=kills)
        for step in range(0, 48, 6):
            t_cell_exhaustion.update(state_of(tissue), p, clock_at(step))
        return int(tissue.t_cells.is_exhausted.sum())

    assert exhausted(off, 0) == 0 < exhausted(on, 0)
    assert exhausted(off, off.kill_capacity) == 1000


def test_chemotaxis_off_t_cells_walk_as_without_a_gradient() -> None:
    on, off = on_and_off("t_cell_motion", "chemotaxis")

    def walked(p: t_cell_motion.Parameters, slope: float) -> list[int]:
        tissue = bare_tissue((1, 60, 60))
        tissue.chemoattractant[:] = slope * np.arange(60, dtype=np.float32)
        add_t_cells(tissue, range(0, 3600, 12))
        state = state_of(tissue)
        for i in range(50):
            t_cell_motion.update(state, p, clock_at(i // 10, micro_step=i % 10))
        sites: list[int] = tissue.t_cells.site[:300].tolist()
        return sites

    assert walked(off, 0.1) == walked(off, 0.0) == walked(on, 0.0)
    assert np.mod(walked(on, 0.1), 60).sum() > np.mod(walked(off, 0.1), 60).sum()


def test_emptying_to_vessels_off_vessels_stay_immature_where_no_tumour_cell_lives() -> None:
    on, off = on_and_off("vessels", "emptying_to_vessels")

    def maturity(p: vessels.Parameters) -> float:
        tissue = bare_tissue()
        tissue.vessel[0, 5, 5], tissue.maturity[0, 5, 5] = 1, p.maturity_tumour
        vessels.update(state_of(tissue), p, clock_at())
        return float(tissue.maturity[0, 5, 5])

    assert maturity(off) == pytest.approx(off.maturity_tumour) and maturity(on) > on.maturity_tumour + 0.1


def test_memory_off_there_is_none_at_rest_or_later_and_the_pools_still_rest() -> None:
    on, off = on_and_off("t_cell_priming", "memory")

    def passed(p: t_cell_priming.Parameters, antigen_per_d: float) -> State:
        state = state_of(bare_tissue(), antigen_ledger=3e11, specific_blood=2e8, bystander_blood=8e8)
        t_cell_priming.hold_baseline(state.systemic, p, 30.0)
        for step in range(90 * 24):
            state.tissues[0].ledger[Hazard.RADIATION] += antigen_per_d / 24.0
            t_cell_priming.update(state, p, clock_at(step))
        return state

    rested = passed(off, 1e10).systemic
    assert rested.memory == 0.0 < passed(on, 1e10).systemic.memory
    assert rested.specific_blood == pytest.approx(2e8, rel=0.005)
    # Antigen gone: only memory supplies effectors.
    assert passed(off, 0.0).systemic.specific_blood < 0.01 * 2e8 < 0.2 * 2e8 < passed(on, 0.0).systemic.specific_blood


def test_every_switch_has_its_test() -> None:
    """Each test above is named after its switch."""
    names = [name.removeprefix("test_") for name in globals() if name.startswith("test_")]
    assert [switch for switch in MECHANISMS if not any(name.startswith(f"{switch}_off_") for name in names)] == []
    assert len(MECHANISMS) == 22


@pytest.mark.parametrize("name", MECHANISMS)
def test_a_switch_names_parameters_that_exist_and_moves_them_alone(name: str) -> None:
    given = DEFAULTS | {"t_cell_entry": GATED}
    before = dict(given)
    changed = apply(given, (name,))
    assert before == given
    moved = {(section, field): getattr(changed[section], field) for section in given for field in given[section]._fields
             if getattr(changed[section], field) != getattr(given[section], field)}
    assert moved and moved == {(section, field): value for section, field, value in MECHANISMS[name].off
                               if value != getattr(given[section], field)}
    # A value of another type would compile every kernel again.
    assert all(type(value) is type(getattr(given[section], field)) for (section, field), value in moved.items())


@pytest.mark.parametrize("name", MECHANISMS)
def test_a_scenario_hands_its_switches_to_the_model(name: str, tiny: MakeScenario) -> None:
    arm = tiny(f"mechanisms.{name}=false", "burn_in_d=0", "t_cell_priming.memory_lifespan_d=500")
    expected = apply({section: arm.parameters(section) for section in PARAMETERS}, (name,))
    given = TumourModel(arm, until_d=0.1).parameters
    assert {section: given[section] for section in PARAMETERS if section != "pharmacokinetics"} == {
        section: expected[section] for section in PARAMETERS if section != "pharmacokinetics"}


def test_a_switch_that_is_on_changes_nothing(tiny: MakeScenario) -> None:
    arm = tiny(f"mechanisms={{{', '.join(f'{name}: true' for name in MECHANISMS)}}}")
    assert arm.all_parameters() == tiny().all_parameters()


BARE = UNTREATED.replace("section_cells: 500", "section_cells: 500, t_cell_entry_factor: 0") + "t_cell_entry: {ungated_share: 0.2}\n"
WITHOUT_VESSELS = UNTREATED.replace("section_cells: 500", "section_cells: 500, vessel_density_factor: 1e-12")
WELL_SUPPLIED = UNTREATED.replace("section_cells: 500", "section_cells: 500, vessel_density_factor: 5") + "vegf: {hif_mmHg: 4}\n"
# Twelve days in which every coupling acts: 2 Gy count as low and mature vessels, T cells are many, blockade is late, vessels are immature.
BUSY = """
schema: 1
start: 2021-07-05
end: 2021-07-17
seed: 7
burn_in_d: 5
lesions: {neck: {size_cm: [4, 3], measured: 2021-07-05, section_cells: 500, t_cell_entry_factor: 20}}
vessels: {maturity_tumour: 0.1, collapse_per_d: 0.2, pruning_per_d: 0.3}
vegf_blockade: {pruning_ratio: 1}
t_cell_entry: {ungated_share: 0.2}
radiotherapy: [{lesion: neck, start: 2021-07-06, fractions: 3, volumes: {mass: {dose_per_fraction_gy: 2}}}]
drugs:
  toripalimab: {class: anti_pd1, dose_mg: 240, start: 2021-07-13, interval_d: 21, until: 2021-07-17}
  anlotinib: {class: vegfr_tki, dose_mg: 12, start: 2021-07-06, interval_d: 1, until: 2021-07-17}
"""
ARMS = {"untreated": UNTREATED, "treated": TREATED, "without T cells": BARE, "without vessels": WITHOUT_VESSELS,
        "well supplied": WELL_SUPPLIED, "busy": BUSY}
ends: dict[str, dict[str, bytes]] = {}


def end_of(arm: str, *switched_off: str) -> dict[str, bytes]:
    """Return the bytes of the whole state at the end of an arm; arms with all mechanisms on are run once."""
    if not switched_off and arm in ends:
        return ends[arm]
    model = TumourModel(scenario_from_text(ARMS[arm], overrides=[f"mechanisms.{name}=false" for name in switched_off]))
    while model.running:
        model.step()
    kept = remember(model.state)
    if not switched_off:
        ends[arm] = kept
    return kept


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> set[str]:
    """Return the paths at which two states differ."""
    return {path for path in one | other if one.get(path) != other.get(path)}


IDLE = (
    *(("untreated", name) for name in ("oxygen_effect", "radiation_to_antigen", "radiation_to_vessels", "radiation_loss_of_t_cells",
                                       "low_dose_to_entry", "normalisation_to_perfusion", "normalisation_to_entry", "blockade_to_pruning",
                                       "tki_to_division")),
    ("treated", "low_dose_to_entry"),
    *(("without T cells", name) for name in ("pd_l1_induction", "pd_1_to_killing", "pd_1_to_exhaustion", "chemotaxis", "antigen_to_entry")),
    *(("without vessels", name) for name in ("crowding_to_collapse", "vegf_independent_vessels", "size_to_perfusion",
                                             "depth_to_vessels")),
    ("well supplied", "hypoxia_to_vegf"),
)


@pytest.mark.parametrize(("arm", "name"), IDLE)
def test_off_where_its_coupling_is_idle_a_switch_changes_no_byte(arm: str, name: str) -> None:
    assert differing(end_of(arm, name), end_of(arm)) == set()


def test_memory_idles_before_day_0() -> None:
    """Every other switch is seen idle over a whole arm, but for two that no arm lets idle: a box holds empty host tissue, and VEGF.

    Memory exists from day 0 on.
    """
    assert set(MECHANISMS) - {name for _, name in IDLE} == {"memory", "emptying_to_vessels", "vegf_to_t_cells"}
    on, off = (remember(TumourModel(scenario_from_text(UNTREATED, overrides=given)).state) for given in ([], ["mechanisms.memory=false"]))
    assert differing(on, off) == {"systemic.memory", "systemic.supply_specific"}


@pytest.mark.parametrize("name", MECHANISMS)
def test_off_where_its_coupling_acts_a_switch_changes_the_arm(name: str) -> None:
    """The gain of entry by normalisation acts only where VEGF holds no T cell back."""
    others = ("vegf_to_t_cells",) if name == "normalisation_to_entry" else ()
    assert differing(end_of("busy", name, *others), end_of("busy", *others)) != set()


@pytest.mark.parametrize(("given", "nearest"), [
    ("oxygen_efect", "oxygen_effect"), ("memori", "memory"), ("pd1_to_killing", "pd_1_to_killing")])
def test_an_unknown_switch_is_an_error_that_names_the_nearest(given: str, nearest: str) -> None:
    with pytest.raises(UserError, match=rf"mechanisms\.{given}: .*did you mean '{nearest}'\?"):
        scenario_from_text(UNTREATED, overrides=[f"mechanisms.{given}=false"])


@pytest.mark.parametrize("value", ["0", "off", "1.0"])
def test_a_switch_is_true_or_false(value: str) -> None:
    with pytest.raises(UserError, match=r"mechanisms\.memory: must be true or false"):
        scenario_from_text(UNTREATED + f"mechanisms: {{memory: {value}}}\n")


def test_the_record_shows_the_switches(tiny: MakeScenario, tmp_path: Path) -> None:
    simulate(tiny("mechanisms={memory: false, chemotaxis: true}"), tmp_path / "run.h5", until_d=0.2)
    with h5py.File(tmp_path / "run.h5") as record:
        text = record["scenario_yaml"][()].decode()
    assert "mechanisms:\n  memory: false\n  chemotaxis: true\n" in text
    assert scenario_from_text(text).mechanisms == {"memory": False, "chemotaxis": True}
