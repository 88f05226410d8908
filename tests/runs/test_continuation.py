"""Continuation: a run that stopped ends as if it had not, whenever it stopped; a fork shares its parent's past and random streams."""

import json
import os
import resource
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.reader import read_run
from lesionlab.sim.record.writer import RecordWriter
from lesionlab.sim.runs import reporters
from lesionlab.sim.runs.job import Job, is_done
from lesionlab.sim.runs.lifecycle import finish, forked, perform, resumed, simulate
from lesionlab.sim.runs.reporters import Progress
from lesionlab.sim.scenario.load import scenario_from_text
from lesionlab.sim.scenario.scenario import Scenario
from tests.resealed import resealed
from tests.same_record import differences
from tests.tiny_arm import TREATED

MakeScenario = Callable[..., Scenario]
LIVER = "lesions.liver={size_cm: [0.1, 0.1], measured: 2021-07-05, is_occult: true, dormant_until: 2021-07-07, section_cells: 500}"
ROUND_THE_CLOCK = ("output.scalars_every_h=5", "output.snapshots_every_d=0.5")
ORIGIN = ("attribute parent_", "attribute fork_", "checkpoints")


def resume(path: Path, **options: Any) -> None:
    """Go on with a record to its end."""
    finish(resumed(read_run(path), **options))


def fork(parent: Path, at_d: float, scenario: Scenario, path: Path, until_d: float | None = None, is_forced: bool = False) -> None:
    """Give a record another future, to its end."""
    run = read_run(parent)
    finish(forked(run, at_d, Job(scenario, run.replicate, path, until_d, run.is_quick), is_forced=is_forced))


def stop(scenario: Scenario, path: Path, n_commits: int, monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
    """Run an arm that would commit after every step, and interrupt it in its n-th commit, the one before being its last."""
    commit, done = RecordWriter.commit, [0]

    def count(*arguments: Any, **keywords: Any) -> None:
        done[0] += 1
        if done[0] == n_commits:
            raise KeyboardInterrupt
        if done[0] in (1, n_commits - 1):
            commit(*arguments, **keywords)

    with monkeypatch.context() as patched:
        patched.setattr(reporters, "COMMIT_EVERY_S", -1.0)
        patched.setattr(reporters, "LARGEST_COMMIT_SHARE", 1e9)
        patched.setattr(RecordWriter, "commit", count)
        with pytest.raises(KeyboardInterrupt):
            simulate(scenario, path, **options)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return the record of the treated arm with overrides that was left alone; each is computed once."""
    folder = tmp_path_factory.mktemp("alone")

    @cache
    def computed(*overrides: str, replicate: int = 0) -> Path:
        path = folder / f"{len(os.listdir(folder))}.h5"
        simulate(scenario_from_text(TREATED, overrides=overrides), path, replicate=replicate)
        return path

    return computed


@pytest.fixture
def whole(alone: Callable[..., Path]) -> Path:
    """The record of the treated arm that was left alone."""
    return alone()


@pytest.mark.parametrize("n_commits", [1, 2, 3, 26, 72, 73])
def test_an_interrupted_run_ends_as_if_it_had_not_been(n_commits: int, treated: Scenario, whole: Path, tmp_path: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    stop(treated, tmp_path / "run.h5", n_commits, monkeypatch)
    run = read_run(tmp_path / "run.h5")
    assert run.attributes["status"] == "interrupted"
    assert run.committed_d == (None if n_commits == 1 else pytest.approx((n_commits - 2) / 24))
    resume(tmp_path / "run.h5")
    assert differences(whole, tmp_path / "run.h5") == []
    assert os.listdir(tmp_path) == ["run.h5"]


@pytest.mark.parametrize("n_commits", [20, 49, 50, 60])
def test_nothing_of_the_state_is_forgotten(n_commits: int, alone: Callable[..., Path], tiny: MakeScenario, tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lesions, one asleep until the third day, rows and pictures on odd hours, another replicate, two-hour steps."""
    overrides = (LIVER, *ROUND_THE_CLOCK, "time_step_h=0.5" if n_commits == 60 else "time_step_h=1")
    stop(tiny(*overrides), tmp_path / "run.h5", n_commits, monkeypatch, replicate=3)
    resume(tmp_path / "run.h5")
    assert differences(alone(*overrides, replicate=3), tmp_path / "run.h5") == []


@pytest.mark.parametrize("until_d", [0.5, 1.0, 1.125, 2.0])
def test_a_run_that_ended_early_goes_further_and_repeats_nothing(until_d: float, alone: Callable[..., Path], tiny: MakeScenario,
                                                                 tmp_path: Path) -> None:
    """Its last row, pictures and what fell due at its very end are not what the longer run holds."""
    simulate(tiny(LIVER, *ROUND_THE_CLOCK), tmp_path / "run.h5", until_d=until_d)
    with pytest.raises(UserError, match=rf"complete to day {until_d:g}: there is nothing to resume; add --until .* at most to day 3"):
        resume(tmp_path / "run.h5")
    with pytest.raises(UserError, match="nothing to resume"):
        resume(tmp_path / "run.h5", until_d=until_d / 2)
    resume(tmp_path / "run.h5", until_d=3.0)
    assert differences(alone(LIVER, *ROUND_THE_CLOCK), tmp_path / "run.h5") == []
    with pytest.raises(UserError, match=r"complete to day 3: there is nothing to resume$"):
        resume(tmp_path / "run.h5")


def test_a_lethal_burden_is_the_end(tiny: MakeScenario, tmp_path: Path) -> None:
    simulate(tiny("lesions.neck.size_cm=[20, 20, 20]", "clinic.lethal_burden_cells=4e11"), tmp_path / "run.h5")
    with pytest.raises(UserError, match="the burden was lethal on day 0"):
        resume(tmp_path / "run.h5", until_d=3.0)
    with h5py.File(tmp_path / "run.h5") as file:
        assert file["snapshots/neck/snapshot_time"][:].tolist() == [0.0]


def test_other_code_goes_on_only_by_force_and_the_record_says_so(treated: Scenario, whole: Path, tmp_path: Path,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    stop(treated, tmp_path / "run.h5", 30, monkeypatch)
    with resealed(tmp_path / "run.h5") as file:
        file.attrs["code_version"] = "0.0.9+abc"
    before = (tmp_path / "run.h5").read_bytes()
    with pytest.raises(UserError, match=r"made by other code, 0\.0\.9\+abc; this is 0\..*--force"):
        resume(tmp_path / "run.h5")
    with pytest.raises(UserError, match=r"made by other code, 0\.0\.9\+abc"):
        fork(tmp_path / "run.h5", 1.0, treated, tmp_path / "fork.h5")
    assert (tmp_path / "run.h5").read_bytes() == before
    resume(tmp_path / "run.h5", is_forced=True)
    assert differences(whole, tmp_path / "run.h5") == ["attribute code_version", "attribute continued_with"]
    (part,) = json.loads(read_run(tmp_path / "run.h5").attributes["continued_with"])
    assert (part["from_day"], part["code_version"]) == (pytest.approx(28 / 24), read_run(whole).code_version)


@pytest.mark.parametrize("at_d", [0.0, 1.0, 2.0])
def test_a_fork_without_a_change_is_its_parent(at_d: float, treated: Scenario, whole: Path, tmp_path: Path) -> None:
    fork(whole, at_d, treated, tmp_path / "fork.h5")
    assert differences(whole, tmp_path / "fork.h5", ORIGIN) == []
    attributes = read_run(tmp_path / "fork.h5").attributes
    assert (attributes["parent_record"], attributes["parent_arm"], attributes["fork_day"]) == (str(whole), "tiny", at_d)
    assert attributes["parent_state_sha256"] == read_run(whole).attributes["state_sha256"]
    assert read_run(tmp_path / "fork.h5").kept_d == (at_d,)


@pytest.mark.parametrize(("later", "at_d"), [
    (["radiotherapy[0].start=2021-07-07"], 1.0), (["drugs.anlotinib.start=2021-07-07"], 1.0), (["drugs.anlotinib=null"], 1.0),
    (["drugs=null", "radiotherapy=[]"], 0.0), (["drugs.toripalimab=null"], 0.0), (["end=2021-07-09", "output.snapshots_every_d=2"], 0.0),
    (["mechanisms={oxygen_effect: false}"], 0.0)])
def test_a_fork_is_the_run_that_was_another_from_the_start_but_the_same_until_then(
        later: list[str], at_d: float, tiny: MakeScenario, whole: Path, tmp_path: Path) -> None:
    """Arms that are the same until a day have the same bytes until that day, and a shared patient changes no draw."""
    simulate(tiny(*later), tmp_path / "alone.h5")
    fork(whole, at_d, tiny(*later), tmp_path / "fork.h5")
    assert differences(tmp_path / "alone.h5", tmp_path / "fork.h5", ORIGIN) == []


def test_a_fork_that_stopped_goes_on_too(tiny: MakeScenario, whole: Path, tmp_path: Path) -> None:
    other = tiny("radiotherapy=[]")
    fork(whole, 1.0, other, tmp_path / "whole.h5")
    fork(whole, 1.0, other, tmp_path / "fork.h5", until_d=1.7)
    resume(tmp_path / "fork.h5", until_d=3.0)
    assert differences(tmp_path / "whole.h5", tmp_path / "fork.h5") == []
    fork(tmp_path / "fork.h5", 2.0, other, tmp_path / "again.h5")
    assert differences(tmp_path / "whole.h5", tmp_path / "again.h5", ORIGIN) == []
    with pytest.raises(UserError, match="none is of day 0 or before"):
        fork(tmp_path / "fork.h5", 0.0, other, tmp_path / "early.h5")


def test_a_fork_has_a_row_on_its_first_day_where_its_own_calendar_has_one(tiny: MakeScenario, tmp_path: Path) -> None:
    """Rows of the parent stand at 0, 5, 10, 15 and 20 h; the fork's at whole days, so that one is due as it begins."""
    simulate(tiny("output.scalars_every_h=5"), tmp_path / "run.h5", until_d=1.0)
    fork(tmp_path / "run.h5", 1.0, tiny(), tmp_path / "fork.h5", until_d=1.125)
    with h5py.File(tmp_path / "fork.h5") as file:
        assert (24.0 * file["time"][:]).tolist() == pytest.approx([0.0, 5.0, 10.0, 15.0, 20.0, 24.0, 27.0])
    resume(tmp_path / "fork.h5", until_d=1.25)
    with h5py.File(tmp_path / "fork.h5") as file:
        assert (24.0 * file["time"][:]).tolist() == pytest.approx([0.0, 5.0, 10.0, 15.0, 20.0, 24.0, 30.0])


def test_a_drug_that_is_left_out_washes_out(tiny: MakeScenario, whole: Path, tmp_path: Path) -> None:
    fork(whole, 2.0, tiny("drugs=null"), tmp_path / "fork.h5")
    with h5py.File(whole) as parent, h5py.File(tmp_path / "fork.h5") as child:
        assert child["drug"].asstr()[:].tolist() == ["toripalimab", "anlotinib"]
        assert child["drug_level"][:3].tobytes() == parent["drug_level"][:3].tobytes()
        assert 0 < child["drug_level"][3, 1] < parent["drug_level"][3, 1]
        doses = child["event_time_d"][:][child["event_kind"].asstr()[:] == "dose"]
        assert doses.tolist() == [0.0, 1.0]
    assert {name: drug.until.isoformat() for name, drug in read_run(tmp_path / "fork.h5").scenario.drugs.items()} == {
        "toripalimab": "2021-07-06", "anlotinib": "2021-07-06"}


def test_checkpoints_that_are_asked_for_are_kept_and_used(tiny: MakeScenario, whole: Path, tmp_path: Path,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = tiny("output.checkpoints=[2021-07-06, 2021-07-07]")
    simulate(scenario, tmp_path / "run.h5")
    assert read_run(tmp_path / "run.h5").kept_d == (0.0, 1.0, 2.0)
    assert differences(whole, tmp_path / "run.h5", ("scenario_yaml", "checkpoints")) == []
    monkeypatch.setattr("lesionlab.sim.runs.lifecycle._compare_with_row", None)
    fork(tmp_path / "run.h5", 2.0, tiny(), tmp_path / "fork.h5")
    assert differences(whole, tmp_path / "fork.h5", ORIGIN) == []
    with pytest.raises(UserError, match=r"output\.checkpoints\[0\]: must not be after the scenario's end"):
        tiny("output.checkpoints=[2022-07-06]")


@pytest.mark.parametrize(("change", "message"), [
    ("lesions.neck.section_cells=600", "lesions.neck.section_cells is 600, there 500"),
    (LIVER, "lesions are neck, liver; there neck"), ("burn_in_d=2", "burn_in_d is 2.0, there 1.0"), ("seed=8", "seed is 8, there 7"),
    ("time_step_h=2", "time_step_h is 2.0, there 1.0"), ("tissue.margin_sites=20", "tissue.margin_sites is 20, there 12"),
    ("end=2021-07-06", "it ends on day 1, not after the fork on day 1"),
    ("drugs.anlotinib.pharmacokinetics={absorption_per_h: 1, clearance_l_per_h: 9.26, volume_l: 2010, half_effect_ng_per_ml: 2.9, "
     "molar_mass_g_per_mol: 407.4}",
     r"drugs.anlotinib.pharmacokinetics.absorption_per_h is 1.0, there 0.64$")])
def test_a_future_cannot_change_the_past(change: str, message: str, tiny: MakeScenario, whole: Path, tmp_path: Path) -> None:
    short = ["drugs=null", "radiotherapy=[]", "scans=[]"] if change.startswith("end") else []
    with pytest.raises(UserError, match=message):
        fork(whole, 1.0, tiny(*short, change), tmp_path / "fork.h5")
    assert os.listdir(tmp_path) == []


def test_a_fork_needs_a_past_and_a_place(treated: Scenario, whole: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--at 5: .*: it holds days 0 to 3"):
        fork(whole, 5.0, treated, tmp_path / "fork.h5")
    with pytest.raises(UserError, match="is the parent itself"):
        fork(whole, 1.0, treated, whole, is_forced=True)
    (tmp_path / "fork.h5").write_text("mine")
    with pytest.raises(UserError, match="exists already"):
        fork(whole, 1.0, treated, tmp_path / "fork.h5")
    assert (tmp_path / "fork.h5").read_text() == "mine"


def test_a_past_that_comes_out_otherwise_is_refused(treated: Scenario, whole: Path, tmp_path: Path) -> None:
    (tmp_path / "other.h5").write_bytes(whole.read_bytes())
    with resealed(tmp_path / "other.h5") as file:
        file["burden_cells"][1] += 1.0
    with pytest.raises(UserError, match="computed again to day 1, its run comes out otherwise here, as in burden_cells"):
        fork(tmp_path / "other.h5", 1.0, treated, tmp_path / "fork.h5")


def test_a_damaged_checkpoint_is_refused(treated: Scenario, tmp_path: Path) -> None:
    simulate(treated, tmp_path / "run.h5", until_d=0.5)
    with resealed(tmp_path / "run.h5") as file:
        file["checkpoint/lesion.neck.state"][0, 0, 0] ^= 1
    with pytest.raises(UserError, match=r"the checkpoint of day 0\.5 is damaged"):
        resume(tmp_path / "run.h5", until_d=1.0)


def test_a_job_goes_on_where_its_record_stopped(treated: Scenario, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, seen = Job(treated, 0, tmp_path / "run.h5"), []
    stop(treated, one.path, 50, monkeypatch)
    assert not is_done(one)
    perform(one, seen.append)
    assert is_done(one) and min(seen) > 2.0
    assert differences(whole, one.path) == ["attribute run_identity"]
    perform(one, lambda day: seen.append(-day))
    assert min(seen) > 2.0, "a complete record is not computed again"


@pytest.mark.parametrize("first_d", [0.5, 1.0])
def test_a_job_with_a_later_end_goes_on_where_the_first_ended(first_d: float, treated: Scenario, whole: Path, tmp_path: Path) -> None:
    """The trials of a calibration: an early part, then the rest."""
    one, seen = Job(treated, 0, tmp_path / "run.h5", first_d), list[float]()
    perform(one)
    perform(whole_one := Job(treated, 0, one.path), seen.append)
    assert min(seen) > first_d and is_done(whole_one) and not is_done(one)
    assert differences(whole, one.path) == ["attribute run_identity"]


def test_a_patient_who_died_early_is_not_simulated_again(tiny: MakeScenario, tmp_path: Path) -> None:
    scenario = tiny("lesions.neck.size_cm=[20, 20, 20]", "clinic.lethal_burden_cells=4e11")
    early, late = (Job(scenario, 0, tmp_path / "run.h5", until_d) for until_d in (1.0, None))
    perform(early)
    perform(late, lambda day: pytest.fail(f"computed to day {day}"))
    assert is_done(late) and read_run(late.path).until_d == 1.0


@pytest.mark.parametrize("other", [{"replicate": 1}, {"until_d": 2.5}, {"is_quick": True}])
def test_a_job_begins_anew_where_the_record_is_anothers(other: dict[str, Any], treated: Scenario, tmp_path: Path,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    one, seen = Job(treated, **({"replicate": 0} | other), path=tmp_path / "run.h5"), []  # type: ignore[arg-type]
    stop(treated, one.path, 50, monkeypatch)
    perform(one, seen.append)
    assert is_done(one) and seen[0] <= 1.0, "from the beginning, not from day 2, where that record stopped"


def test_a_full_disk_loses_nothing_that_was_committed(treated: Scenario, whole: Path, tmp_path: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.h5"
    stop(treated, path, 40, monkeypatch)
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(UserError, match=r"run\.h5: cannot be written: File too large$"):
            resume(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["run.h5"]
    resume(path)
    assert differences(whole, path) == []


def test_one_record_has_one_writer(treated: Scenario, tmp_path: Path) -> None:
    path = tmp_path / "run.h5"

    def meddle(_: float) -> None:
        with pytest.raises(UserError, match="another program has it open"):
            resume(path)
        with pytest.raises(UserError, match="another program has it open"):
            simulate(treated, path, is_forced=True)
        assert "another program has it open" in read_run(path).outlook

    simulate(treated, path, until_d=1.0, reporters=[Progress(meddle)])
    assert read_run(path).outlook == f"complete to day 1 of 3; lesionlab resume {path} --until DATE|DAYS goes further"


def test_rows_of_the_record_are_those_of_the_clock(whole: Path) -> None:
    with h5py.File(whole) as file:
        assert file["time"][:].tolist() == file["snapshots/neck/snapshot_time"][:].tolist() == [0.0, 1.0, 2.0, 3.0]
        assert np.all(np.diff(file["event"][:]) == 1)
