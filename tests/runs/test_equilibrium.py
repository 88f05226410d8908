"""The held lesion from one day 0: T cells hold it, it grows once they no longer enter, and falls under PD-1 blockade.

Ten months and eight replicates are in docs/equilibrium.md; here six weeks of one.
"""

import numpy as np
import pytest

from lesionlab.sim.measures.lesion_size import diameters_cm
from lesionlab.sim.scenario.load import load_scenario, scenario_folder
from lesionlab.sim.simulation import Simulation

DAYS = 42.0
Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def day_0() -> Arrays:
    """The state in which the burn-in ends."""
    return {name: array.copy() for name, array in Simulation(load_scenario(scenario_folder() / "equilibrium.yaml")).checkpoint().items()}


def growth(day_0: Arrays, name: str) -> float:
    """Return the diameter of an arm's lesion after six weeks, relative to day 0."""
    model = Simulation(load_scenario(scenario_folder() / f"{name}.yaml"), until_d=DAYS, checkpoint=day_0)
    before = diameters_cm(model.state.tissues[0])[0]
    while model.running:
        model.step()
    return diameters_cm(model.state.tissues[0])[0] / before


@pytest.mark.parametrize(("name", "least", "most"), [
    ("equilibrium", 0.8, 1.2), ("equilibrium_without_t_cells", 1.2, 1.6), ("equilibrium_anti_pd1", 0.0, 0.7)])
def test_a_lesion_is_held_by_t_cells_grows_without_them_and_falls_when_pd_1_is_blocked(
        name: str, least: float, most: float, day_0: Arrays) -> None:
    assert least < growth(day_0, name) < most
