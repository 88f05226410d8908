"""Simulation: the same seed is the same state; arms share random streams, lesions and replicates have their own; the record opens."""

import gc
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray
from numba.core.dispatcher import Dispatcher

from lesionlab.sim.measures.series import MEASURES
from lesionlab.sim.model import TumourModel
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.reader import read_run
from lesionlab.sim.runs.engines import warm_kernels
from lesionlab.sim.runs.job import QUICK_CELLS, quick
from lesionlab.sim.runs.lifecycle import simulate
from lesionlab.sim.runs.reporters import Progress
from lesionlab.sim.scenario.load import scenario_from_text
from lesionlab.sim.scenario.scenario import Scenario
from tests.made_state import changed_paths, remember
from tests.tiny_arm import UNTREATED

MakeScenario = Callable[..., Scenario]
PELVIS = "lesions.pelvis={size_cm: [3, 2], measured: 2021-07-05, section_cells: 600}"


def digest(scenario: Scenario, folder: Path, name: str, **options: Any) -> str:
    return str(simulate(scenario, folder / f"{name}.h5", until_d=1.5, **options)["state_sha256"])


def test_the_same_seed_ends_in_the_same_state_and_another_seed_or_replicate_does_not(tiny: MakeScenario, tmp_path: Path) -> None:
    first, again = digest(tiny(), tmp_path, "first"), digest(tiny(), tmp_path, "again")
    others = {digest(tiny("seed=8"), tmp_path, "seed"), digest(tiny("patient=3"), tmp_path, "patient"),
              digest(tiny(), tmp_path, "replicate", replicate=1)}
    assert first == again
    assert len({first, *others}) == 4


def test_the_time_between_rows_and_pictures_does_not_change_the_run(tiny: MakeScenario, tmp_path: Path) -> None:
    often = tiny("output.scalars_every_h=1", "output.snapshots_every_d=0.5")
    assert digest(tiny(), tmp_path, "seldom") == digest(often, tmp_path, "often")


def test_ctrl_c_lets_the_step_end_and_commits_it(treated: Scenario, tmp_path: Path) -> None:
    """Commits are a month apart: without this the day would be lost."""
    path, seen = tmp_path / "a.h5", []

    def press(day: float) -> None:
        seen.append(day)
        if day == 1.0:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            simulate(treated, path, reporters=[Progress(press)])
    finally:
        signal.signal(signal.SIGINT, before)
    run = read_run(path)
    assert (run.committed_d, seen[-1], run.attributes["status"]) == (1.0, 1.0, "interrupted")


def stepped(scenario: Scenario, hours: int) -> dict[str, bytes]:
    """Return everything in the state after some hours, without the drugs, by path."""
    model = TumourModel(scenario)
    for _ in range(hours):
        model.step()
    return {path: kept for path, kept in remember(model.state).items() if not path.startswith("systemic.drugs")}


@pytest.mark.parametrize(("later", "hours"), [
    (["radiotherapy[0].start=2021-07-07"], 24), (["drugs.anlotinib.start=2021-07-07"], 24), (["drugs.toripalimab=null"], 0)])
def test_arms_are_identical_until_they_differ(later: list[str], hours: int, tiny: MakeScenario) -> None:
    assert stepped(tiny(), hours) == stepped(tiny(*later), hours)
    assert stepped(tiny(), hours + 2) != stepped(tiny(*later), hours + 2)


def test_an_arm_without_treatment_shares_its_random_stream_until_the_first_dose(treated: Scenario, untreated: Scenario) -> None:
    assert stepped(treated, 0) == stepped(untreated, 0)


def sections(scenario: Scenario, hours: int) -> dict[str, bytes]:
    return {path: kept for path, kept in stepped(scenario, hours).items() if path.startswith("lesion.")}


def test_the_order_of_lesions_changes_no_random_stream() -> None:
    def arm(*lesions: str) -> Scenario:
        text = UNTREATED.replace("burn_in_d: 1", "burn_in_d: 0")
        return scenario_from_text(text.replace(text.splitlines()[7], "lesions: {" + ", ".join(lesions) + "}"))

    neck = "neck: {size_cm: [4, 3], measured: 2021-07-05, section_cells: 500}"
    pelvis = "pelvis: {size_cm: [3, 2], measured: 2021-07-05, section_cells: 600}"
    assert sections(arm(neck, pelvis), 6) == sections(arm(pelvis, neck), 6)
    alone = sections(arm(neck), 0)
    assert alone == {path: kept for path, kept in sections(arm(pelvis, neck), 0).items() if path.startswith("lesion.neck.")}


def test_radiotherapy_elsewhere_leaves_a_section_alone_for_that_hour(tiny: MakeScenario) -> None:
    """What reaches the other lesion at once goes through the blood only: T cells, never its tumour cells."""
    here, elsewhere = (stepped(tiny(PELVIS, f"radiotherapy[0].lesion={lesion}"), 25) for lesion in ("neck", "pelvis"))
    untouched = ("state", "oxygen", "vessel", "fate", "vegf", "hits")
    spared = stepped(tiny(PELVIS, "radiotherapy=[]"), 25)
    assert all(elsewhere[f"lesion.neck.{array}"] == spared[f"lesion.neck.{array}"] for array in untouched)
    assert here["lesion.neck.fate"] != spared["lesion.neck.fate"]


def test_the_record_of_a_tiny_run_opens_in_xarray(treated: Scenario, tmp_path: Path) -> None:
    path = tmp_path / "tiny.h5"
    seen: list[float] = []
    outcome = simulate(treated, path, reporters=[Progress(seen.append)])
    with xarray.open_dataset(path, engine="h5netcdf") as data:
        assert set(data.sizes) >= {"time", "lesion", "drug"}
        assert data["time"].values.tolist() == [0.0, 1.0, 2.0, 3.0]
        assert {m.name for m in MEASURES} <= set(data.variables)
        assert data["longest_diameter_cm"].isel(time=0).item() == pytest.approx(4.0)
        assert data["oxygen_residual"].max() <= treated.parameters("oxygen").tolerance_mmHg
        assert not np.isnan(data["viable_cells"]).any()
        assert data.attrs["status"] == "complete" and data.attrs["state_sha256"] == outcome["state_sha256"]
    with xarray.open_dataset(path, engine="h5netcdf", group="snapshots/neck") as pictures:
        assert pictures["snapshot_time"].values.tolist() == [0.0, 1.0, 2.0, 3.0]
        assert int((pictures["cell_state"].isel(snapshot_time=0) > 0).sum()) == pytest.approx(500, rel=0.3)
        assert set(np.unique(pictures["vessels"])) <= {0, 1, 2}
    assert {key: outcome[key] for key in ("arm", "replicate", "end_reason", "days")} == {
        "arm": "tiny", "replicate": 0, "end_reason": "end of calendar", "days": 3.0}
    assert seen == [0.0, 1.0, 2.0, 3.0]


def test_a_record_can_be_repeated_from_the_scenario_it_keeps(treated: Scenario, tmp_path: Path) -> None:
    first = digest(treated, tmp_path, "first")
    with h5py.File(tmp_path / "first.h5") as file:
        kept = file["scenario_yaml"][()].decode()
    assert digest(scenario_from_text(kept), tmp_path, "second") == first


def test_the_last_checkpoint_is_the_last_state(treated: Scenario, tmp_path: Path) -> None:
    simulate(treated, tmp_path / "run.h5", until_d=1.0)
    model = TumourModel(treated, until_d=1.0)
    while model.running:
        model.step()
    with h5py.File(tmp_path / "run.h5") as file:
        kept = {name: file["checkpoint"][name][()] for name in file["checkpoint"]}
    arrays = model.state.arrays()
    assert kept.keys() >= {*arrays, "clock.step"}
    assert all(np.asarray(kept[path]).tobytes() == arrays[path].tobytes() for path in arrays)


def test_an_existing_record_is_replaced_only_by_force(treated: Scenario, tmp_path: Path) -> None:
    digest(treated, tmp_path, "run")
    with pytest.raises(UserError):
        digest(treated, tmp_path, "run")
    digest(treated, tmp_path, "run", is_forced=True)


def test_quick_means_small_sections_and_the_record_says_so(tiny: MakeScenario, tmp_path: Path) -> None:
    assert quick(tiny("lesions.neck.section_cells=50000")).lesions["neck"].section_cells == QUICK_CELLS
    assert quick(tiny()).lesions["neck"].section_cells == 500
    simulate(tiny(), tmp_path / "quick.h5", until_d=0.1, is_quick=True)
    with h5py.File(tmp_path / "quick.h5") as file:
        assert file.attrs["is_quick"] == 1


def test_warming_up_leaves_no_kernel_to_compile(treated: Scenario) -> None:
    warm_kernels()
    before = compiled()
    model = TumourModel(treated, until_d=1.2)
    while model.running:
        model.step()
    assert compiled() == before > 0
    assert changed_paths(remember(model.state), model.state) == set()


def compiled() -> int:
    """Return how many signatures this process has compiled or read from the cache; a kernel inside a cached one is neither."""
    return sum(len(one.signatures) for one in gc.get_objects()
               if isinstance(one, Dispatcher) and one.py_func.__module__.startswith("lesionlab."))


def test_under_absolute_priming_a_burn_in_that_does_not_come_to_rest_is_refused(tiny: Callable[..., Scenario]) -> None:
    with pytest.raises(UserError, match=r"burn_in_d: under forms\.absolute_priming the burn-in must come to rest: a burn-in of 20 days"):
        TumourModel(tiny("forms.absolute_priming=true"))
    assert TumourModel(tiny()).time_d == 0.0
