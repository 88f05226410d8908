"""The teaching scenario of the switches: its treatments leave clonogens, so a link that is cut changes how many, either way."""

from pathlib import Path

import numpy as np
import pytest

from lesionlab.analysis.records.record import load
from lesionlab.sim.runs.engines import perform
from lesionlab.sim.runs.job import Job
from lesionlab.sim.scenario.load import load_scenario

UNTIL_D = 28.0


@pytest.fixture(scope="module")
def decades(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """The decades of clonogens left on day 28 with all links, and with one cut."""
    found, folder = {}, tmp_path_factory.mktemp("teaching")
    for switch in ("", "radiation_to_antigen", "pd_1_to_killing"):
        scenario = load_scenario("teaching_switches", [f"mechanisms.{switch}=false"] if switch else [])
        path: Path = folder / f"run_{switch}.h5"
        perform(Job(scenario, 0, path, UNTIL_D), lambda done_d: None)
        found[switch] = float(np.log10(max(load(path).series["clonogens"][-1, 0], 1.0)))
    return found


def test_the_treatments_hold_the_mass_and_do_not_clear_it(decades: dict[str, float]) -> None:
    assert 3.0 < decades[""] < 9.5


def test_a_link_that_helps_the_patient_and_one_that_helps_the_tumour_show_their_parts(decades: dict[str, float]) -> None:
    assert decades["radiation_to_antigen"] > decades[""] + 0.3
    assert decades["pd_1_to_killing"] < decades[""] - 0.1
