"""What holds at every step: cells, T cells, fields; in a slice, a slab and a block, and in the whole patient."""

from collections.abc import Iterator

import numpy as np
import pytest

from lesionlab.sim.model import TumourModel
from lesionlab.sim.runs.job import quick
from lesionlab.sim.scenario.load import load_scenario, scenario_folder, scenario_from_text
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.state.state import SITES_PER_MM2
from tests.invariants import check
from tests.tiny_arm import TREATED

SECTIONS = {"slice": "", "slab": ", section_layers: 4", "block": ", section_shape: block"}


def steps(arm: Scenario, until_d: float) -> Iterator[TumourModel]:
    """Step an arm and check every invariant of the state after each step."""
    model = TumourModel(arm, until_d=until_d)
    while model.running:
        yield model
        model.step()
        check(model.state)


@pytest.mark.parametrize("shape", SECTIONS)
def test_one_code_runs_a_slice_a_slab_and_a_block(shape: str) -> None:
    arm = scenario_from_text(TREATED.replace("section_cells: 500", "section_cells: 2000" + SECTIONS[shape]))
    for model in steps(arm, 3.0):
        tissue = model.state.tissues[0]
    assert tissue.state.shape[0] == {"slice": 1, "slab": 4, "block": tissue.state.shape[0]}[shape] and tissue.is_block == (shape == "block")
    assert tissue.t_cells.n > 0 and tissue.census()[1] > 0, "T cells have come and cells are doomed"
    assert np.count_nonzero(tissue.state) <= tissue.capacity
    if shape == "block":
        assert tissue.state.shape[0] > 10 and tissue.vessel[0].sum() > 0


@pytest.mark.slow
def test_the_patient_keeps_every_invariant_and_her_t_cells_through_the_first_fortnight() -> None:
    """Four lesions, radiotherapy and anti-PD-1: the T cells that leave the blood, and no others, arrive in lesions, step by step."""
    arm = quick(load_scenario(scenario_folder() / "case.yaml", ["t_cell_exhaustion.daughters_per_recovery=0"]))
    arrived: dict[str, tuple[int, float]] = {}
    left = 0.0
    for model in steps(arm, 14.0):
        state = model.state
        if arrived:
            # They came before the view grew, each standing for what a site stood for when the step began.
            came = sum((tissue.t_cells.next_id - arrived[tissue.name][0]) * arrived[tissue.name][1] for tissue in state.tissues)
            assert came == pytest.approx(state.systemic.left_blood - left, rel=1e-9)
        arrived, left = {tissue.name: (tissue.t_cells.next_id, tissue.volume_weight) for tissue in state.tissues}, state.systemic.left_blood
    assert min(arrived[name][0] for name in ("neck", "mediastinum", "pelvis")) > 100


@pytest.mark.slow
def test_untreated_tissue_rests_where_tumours_do() -> None:
    """Means over the three large lesions on day 0, measures of the record and not settings; single sections scatter about them."""
    from lesionlab.sim.measures.series import measure_tissue

    model = TumourModel(load_scenario(scenario_folder() / "untreated.yaml"), until_d=14.0)
    large = [tissue for tissue in model.state.tissues if tissue.name != "liver"]
    rest = [measure_tissue(tissue) for tissue in large]

    def mean(name: str) -> float:
        return float(np.mean([values[name] for values in rest]))

    # The core of human tumours; the rim, which has most of the vessels, lies below the 0.2 to 0.3 that an even density leaves it.
    assert 0.3 <= mean("hypoxic_fraction_core") <= 0.6 and all(0.3 <= values["hypoxic_fraction_core"] <= 0.7 for values in rest)
    assert mean("hypoxic_fraction_rim") <= 0.2 and mean("hypoxic_fraction_rim") <= mean("hypoxic_fraction_core") / 1.5
    assert all(0.6 <= values["growth_fraction"] <= 0.9 for values in rest)
    assert all(30.0 <= values["t_cells_per_mm2"] <= 1000.0 for values in rest)
    assert 40.0 <= mean("perfused_vessels_per_mm2") <= 120.0 < SITES_PER_MM2
    while model.running:
        model.step()
    assert all(5.0 <= measure_tissue(tissue)["volume_doubling_time_d"] <= 60.0 for tissue in large)
