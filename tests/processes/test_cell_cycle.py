"""Cell cycle: the oxygen gate, the failed share, and mitotic death of doomed cells."""

import math

import numpy as np
import pytest

from lesionlab.sim.parameters.quantities import describe_group
from lesionlab.sim.processes.cell_cycle import Parameters, update
from lesionlab.sim.processes.pharmacokinetics import OneCompartment
from lesionlab.sim.state.codes import CellState, Hazard
from lesionlab.sim.state.state import DrugLevel, Tissue
from lesionlab.sim.treatment.drug_library import library
from tests.made_state import LIVING, changed, clock_at, freeze, remember, state_of, tissue_of_each_state

P = Parameters()
CLONOGENS = (CellState.PROLIFERATING, CellState.QUIESCENT)


def cycled(oxygen_mmHg: float, p: Parameters = P, dt_h: float = 1.0) -> Tissue:
    tissue = tissue_of_each_state()
    tissue.oxygen.fill(oxygen_mmHg)
    freeze(tissue, "state", "oxygen")
    update(state_of(tissue), p, clock_at(dt_h=dt_h))
    return tissue


@pytest.mark.parametrize("oxygen_mmHg", [0.0, 1.0, P.oxygen_half_mmHg, 40.0])
@pytest.mark.parametrize("dt_h", [1.0, 2.0])
def test_a_clonogen_divides_and_fails_at_the_gated_rate(oxygen_mmHg: float, dt_h: float) -> None:
    tissue = cycled(oxygen_mmHg, dt_h=dt_h)
    rate = math.log(2.0) / P.cycle_time_h * dt_h * oxygen_mmHg**2 / (oxygen_mmHg**2 + P.oxygen_half_mmHg**2)
    for code in CLONOGENS:
        assert tissue.hazard[Hazard.DIVISION, 0, 0, code] == pytest.approx(rate * (1.0 - P.failed_division_share), rel=1e-6)
        assert tissue.hazard[Hazard.FAILED_DIVISION, 0, 0, code] == pytest.approx(rate * P.failed_division_share, rel=1e-6)
        assert tissue.hazard[Hazard.RADIATION, 0, 0, code] == 0.0


def test_the_gate_is_half_open_at_its_half() -> None:
    half, full = cycled(P.oxygen_half_mmHg), cycled(1e6)
    assert half.hazard[Hazard.DIVISION, 0, 0, 1] == pytest.approx(full.hazard[Hazard.DIVISION, 0, 0, 1] / 2.0, rel=1e-6)


@pytest.mark.parametrize("oxygen_mmHg", [0.0, 40.0])
def test_a_doomed_cell_dies_of_radiation_at_mitosis_or_in_waiting(oxygen_mmHg: float) -> None:
    tissue = cycled(oxygen_mmHg)
    rate = math.log(2.0) / P.cycle_time_h * oxygen_mmHg**2 / (oxygen_mmHg**2 + P.oxygen_half_mmHg**2)
    dying = rate * P.doomed_death_per_mitosis + 1.0 / (24.0 * P.doomed_lifetime_d)
    expected = {Hazard.DIVISION: rate * (1.0 - P.doomed_death_per_mitosis), Hazard.FAILED_DIVISION: 0.0, Hazard.RADIATION: dying}
    for cause, hazard in expected.items():
        assert tissue.hazard[cause, 0, 0, CellState.DOOMED] == pytest.approx(hazard, rel=1e-6)


def test_doomed_cells_die_out_when_every_mitosis_kills() -> None:
    tissue = cycled(40.0, P._replace(doomed_death_per_mitosis=1.0))
    assert tissue.hazard[Hazard.DIVISION, 0, 0, CellState.DOOMED] == 0.0


def test_the_cycle_leaves_a_clonogen_the_log_kill_of_its_fraction() -> None:
    """A fraction writes its log kill before the cycle writes; the cycle only speaks for doomed cells."""
    tissue = tissue_of_each_state()
    tissue.hazard[Hazard.RADIATION] = 0.7
    update(state_of(tissue), P, clock_at())
    assert [tissue.hazard[Hazard.RADIATION, 0, 0, code] for code in CLONOGENS] == pytest.approx([0.7, 0.7])


def test_only_living_cells_cycle_and_only_hazards_are_written() -> None:
    tissue = tissue_of_each_state()
    tissue.oxygen.fill(40.0)
    state = state_of(tissue)
    before = remember(state)
    update(state, P, clock_at())
    assert changed(before, state) == {"hazard"}
    assert {CellState(code) for code in np.flatnonzero(tissue.hazard.any(axis=(0, 1, 2)))} == set(LIVING)


def test_without_oxygen_nothing_divides() -> None:
    tissue = cycled(0.0)
    assert (tissue.hazard[[Hazard.DIVISION, Hazard.FAILED_DIVISION]] == 0.0).all()


@pytest.mark.parametrize("inhibitor_uM", [0.0, 0.133, 4.0])
@pytest.mark.parametrize("per_uM", [0.0, 0.9])
def test_vegfr_inhibitors_slow_every_division_and_other_drugs_none(inhibitor_uM: float, per_uM: float) -> None:
    """Two inhibitors add up; failed and abortive divisions slow as the others do, the death of waiting doomed cells does not."""
    drugs = [DrugLevel(name, "vegfr_tki", concentration_uM=share * inhibitor_uM) for name, share in (("one", 0.75), ("two", 0.25))]
    drugs.append(DrugLevel("other", "anti_pd1", concentration_uM=100.0))
    tissue, plain = tissue_of_each_state(), cycled(40.0)
    tissue.oxygen.fill(40.0)
    update(state_of(tissue, drugs=drugs), P._replace(tki_inhibition_per_uM=per_uM), clock_at())
    slower = 1.0 / (1.0 + per_uM * inhibitor_uM)
    for cause in (Hazard.DIVISION, Hazard.FAILED_DIVISION):
        assert np.allclose(tissue.hazard[cause], slower * plain.hazard[cause], rtol=1e-6)
    waiting = 1.0 / 24.0 / P.doomed_lifetime_d
    at_mitosis = plain.hazard[Hazard.RADIATION, 0, 0, CellState.DOOMED] - waiting
    assert tissue.hazard[Hazard.RADIATION, 0, 0, CellState.DOOMED] == pytest.approx(waiting + slower * at_mitosis, rel=1e-5)


def test_at_the_end_of_the_prior_anlotinib_takes_less_than_an_eighth_of_division() -> None:
    """54 ng/mL, the mean level of 12 mg a day, are 0.133 uM of a drug of 407.4 g/mol."""
    known = next(known for known in describe_group(Parameters) if known.name == "tki_inhibition_per_uM")
    kinetics = library()["anlotinib"].kinetics
    assert isinstance(kinetics, OneCompartment) and kinetics.molar_mass_g_per_mol is not None
    concentration_uM = 54.0 / kinetics.molar_mass_g_per_mol
    assert concentration_uM == pytest.approx(0.133, abs=0.001)
    assert 1.0 - 1.0 / (1.0 + known.prior_high * concentration_uM) == pytest.approx(0.117, abs=0.001)
