"""Virtual patients: values are a pure function of (seed, patient, path) and follow their distributions within the allowed ranges."""

import math
from pathlib import Path

import numpy as np
import pytest

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.scenario.load import load_scenario, scenario_folder
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.studies.population import Population, limits_of, read_population, values_of
from tests.studies.tiny_screen import POPULATION, write

ENTRY = "t_cell_entry.entry_per_vessel_per_d"
VESSELS = "lesions.tumour.vessel_density_factor"
N = 1000


@pytest.fixture
def loaded(tmp_path: Path) -> tuple[Scenario, Population]:
    scenario, population = write(tmp_path)
    read = load_scenario(scenario)
    return read, read_population(population, read)


def test_values_depend_on_seed_patient_and_path_alone(loaded: tuple[Scenario, Population], tmp_path: Path) -> None:
    scenario, population = loaded
    later = [values_of(population, scenario, 5, patient) for patient in (2, 1, 0)]
    assert [values_of(population, scenario, 5, patient) for patient in (0, 1, 2)] == later[::-1]
    assert values_of(population, scenario, 6, 0) != later[2]
    without = population.model_copy(update={"varies": {ENTRY: population.varies[ENTRY]}})
    assert values_of(without, scenario, 5, 0) == {ENTRY: later[2][ENTRY]}


def test_a_median_left_out_is_the_scenarios_own_and_scales_with_it(loaded: tuple[Scenario, Population], tmp_path: Path) -> None:
    scenario, population = loaded
    drawn = np.array([values_of(population, scenario, 5, patient)[ENTRY] for patient in range(N)])
    # The median of a log-normal has the standard error 1.25 sd / sqrt(n) in its logarithm; the cut at 0.02 and 1.5 moves it by less than
    # a tenth of that.
    assert math.log(np.median(drawn) / 0.2) == pytest.approx(0.0, abs=3 * 1.2533 * math.log(2.5) / math.sqrt(N))
    low, high = limits_of(ENTRY) or (0.0, 0.0)
    assert (low, high) == (0.02, 1.5) and low <= drawn.min() and drawn.max() <= high
    # Taken anew within the range, not clipped: no value piles up at a limit.
    assert np.count_nonzero(drawn == low) + np.count_nonzero(drawn == high) == 0


def test_classes_hold_their_shares(loaded: tuple[Scenario, Population]) -> None:
    scenario, population = loaded
    drawn = np.array([values_of(population, scenario, 5, patient)[VESSELS] for patient in range(N)])
    assert np.mean(drawn < 1.0) == pytest.approx(0.25, abs=3 * math.sqrt(0.25 * 0.75 / N))
    # The control: the wrong share is noticed.
    assert np.mean(drawn < 1.0) != pytest.approx(0.5, abs=3 * math.sqrt(0.25 / N))


def test_the_population_that_comes_with_lesionlab_fits_its_scenario() -> None:
    scenario = load_scenario("screen")
    population = read_population(scenario_folder() / "populations" / "atc.yaml", scenario)
    drawn = [values_of(population, scenario, 13, patient) for patient in range(200)]
    clearance = np.array([values["drugs.anlotinib.pharmacokinetics.clearance_l_per_h"] for values in drawn])
    # A coefficient of variation of 29 %, within 3 standard errors.
    assert clearance.std(ddof=1) / clearance.mean() == pytest.approx(0.29, abs=3 * 0.29 / math.sqrt(2 * 200) * 1.5)


@pytest.mark.parametrize(("old", "new", "said"), [
    ("t_cell_entry.entry_per_vessel_per_d: {kind", "t_cell_entry.entry_per_vesel: {kind", "did you mean 'entry_per_vessel_per_d'"),
    ("shares: [0.25, 0.75]", "shares: [0.25, 0.5]", "must add up to 1 (got 0.75)"),
    ("within: [3, 30], ", "", "needs `within`"),
    ("kind: classes", "kind: clases", "tiny.yaml:7:"),
    ("low: 0.05, high: 0.8", "low: 0.9, high: 0.8", "must be above low"),
])
def test_a_mistake_is_shown_with_its_place(old: str, new: str, said: str, tmp_path: Path) -> None:
    scenario, population = write(tmp_path, population=POPULATION.replace(old, new))
    with pytest.raises(UserError) as caught:
        read_population(population, load_scenario(scenario))
    assert said in str(caught.value) and "tiny.yaml:" in str(caught.value)
