"""Many runs at once: order, failures, dead workers, plans, and how a finished run is recognised."""

import os
import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.runs.engines import STARTS, Outcome, _pack, _remote, _workers_of, execute
from lesionlab.sim.runs.job import STAMP, Job, days_until, is_done, progress_of
from lesionlab.sim.runs.machine import Plan, available_cores, choose_engine, plan_local
from tests.fake_simulation import perform, scenario
from tests.resealed import resealed


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a made-up engine in the real one's place, on workers too."""
    monkeypatch.setattr("lesionlab.sim.runs.engines.perform", perform)
    monkeypatch.setattr("lesionlab.sim.runs.engines.warm_kernels", lambda: None)


class Watcher:
    """Keeps everything that is reported to the parent."""

    def __init__(self) -> None:
        self.announced: list[str] = []
        self.days: list[tuple[Job, float]] = []
        self.ended: list[Outcome] = []

    def announce(self, text: str) -> None:
        self.announced.append(text)

    def advance(self, job: Job, done_d: float) -> None:
        self.days.append((job, done_d))

    def finish(self, outcome: Outcome) -> None:
        self.ended.append(outcome)


def job(folder: Path, arm: str, title: str = "works", **options: float) -> Job:
    return Job(scenario(f"arm={arm}", f"title={title}"), 0, folder / f"{arm}.h5", **options)  # type: ignore[arg-type]


def messages(outcomes: tuple[Outcome, ...]) -> dict[str, str]:
    return {outcome.job.scenario.arm: outcome.message for outcome in outcomes}


def test_serial_runs_go_on_after_a_failure(tmp_path: Path) -> None:
    watcher = Watcher()
    jobs = [job(tmp_path, "one"), job(tmp_path, "two", "fails"), job(tmp_path, "three")]
    said = messages(execute(jobs, watcher, engine="serial"))
    assert said["one"] == said["three"] == ""
    assert said["two"].startswith("RuntimeError: the numbers went wrong (fake_simulation.py:")
    assert [is_done(one) for one in jobs] == [True, False, True]
    assert len(watcher.ended) == 3 and len(watcher.days) == 2


@pytest.mark.parametrize("n_deaths", [0, STARTS - 1, STARTS])
def test_a_worker_that_dies_as_it_starts_is_tried_again_and_then_named_in_one_line(n_deaths: int) -> None:
    begun = []

    def cluster(**options: object) -> str:
        begun.append(options["n_workers"])
        if len(begun) <= n_deaths:
            raise RuntimeError("Nanny failed to start.")
        return "a cluster"

    plan, distributed = Plan(2, 1, 2, ""), SimpleNamespace(LocalCluster=cluster)
    if n_deaths < STARTS:
        assert _workers_of(plan, distributed) == "a cluster" and begun == [2] * (n_deaths + 1)
    else:
        with pytest.raises(UserError, match=r"no workers could be started on this machine \(Nanny failed to start\.\)"):
            _workers_of(plan, distributed)


def test_the_longest_run_starts_first(tmp_path: Path) -> None:
    jobs = [job(tmp_path, "short", until_d=10.0), job(tmp_path, "long"), job(tmp_path, "middle", until_d=100.0)]
    outcomes = execute(jobs, Watcher(), engine="serial")
    assert [outcome.job.scenario.arm for outcome in outcomes] == ["long", "middle", "short"]


def test_a_worker_that_dies_takes_no_other_run_along(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    before = dict(os.environ)
    watcher = Watcher()
    jobs = [job(tmp_path, "a"), job(tmp_path, "b", "dies"), job(tmp_path, "c", "fails"), job(tmp_path, "d"),
            job(tmp_path, "e", f"dies once {tmp_path}"), job(tmp_path, "f")]
    said = messages(execute(jobs, watcher, engine="local", workers=2))
    assert said["b"] == "the process died each time the run was tried (killed, out of memory or crashed)"
    assert said["c"].startswith("RuntimeError: the numbers went wrong")
    assert sorted(arm for arm, message in said.items() if not message) == ["a", "d", "e", "f"]
    assert watcher.announced[0].startswith("2 workers x ")
    assert dict(os.environ) == before


def test_a_worker_with_other_sources_refuses_the_run_before_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = _pack(job(tmp_path, "a"))
    monkeypatch.setattr("lesionlab.sim.runs.job.model_version", lambda: "another")
    with pytest.raises(UserError, match="other model sources"):
        _remote(packed)
    assert not (tmp_path / "a.h5").exists()


def test_a_scheduler_that_does_not_answer_is_the_users_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("lesionlab.sim.runs.engines.CONNECT_S", 0.5)
    with pytest.raises(UserError, match="no scheduler with workers answers"):
        execute([job(tmp_path, "a")], Watcher(), engine="tcp://127.0.0.1:9")


def test_the_plan_fills_cores_with_workers_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lesionlab.sim.runs.machine.available_cores", lambda: (8, "affinity"))
    assert plan_local(100)[:2] == (8, 1)
    assert plan_local(3)[:2] == (3, 2)
    assert plan_local(100, workers=2)[:2] == (2, 4)
    assert Plan(1, 2, 2, "affinity").describe() == "1 worker x 2 threads on 2 cores (affinity)"


def test_slurm_limits_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    assert available_cores()[0] == 1
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "100000")
    assert available_cores()[1] != "SLURM_CPUS_PER_TASK"


def test_engines_that_are_unknown_or_not_installed_are_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="the engines are serial, local and tcp"):
        choose_engine("cloud", 2)
    with pytest.raises(UserError, match="at least one worker"):
        choose_engine("local", 2, workers=0)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert choose_engine(None, 2) == "serial"
    with pytest.raises(UserError, match=r"lesionlab\[sweep\]"):
        choose_engine("local", 2)


def test_a_job_survives_the_way_to_a_worker(tmp_path: Path) -> None:
    sent = job(tmp_path, "a", until_d=12.0, is_quick=True)
    arrived = pickle.loads(pickle.dumps(sent))
    assert arrived.identity == sent.identity and arrived.path == sent.path and arrived.scenario == sent.scenario


def test_identity_knows_everything_that_a_result_depends_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = scenario()
    made = [Job(patient, 0, tmp_path), Job(patient, 1, tmp_path), Job(patient, 0, tmp_path, 10.0), Job(patient, 0, tmp_path, None, True),
            Job(scenario("seed=1"), 0, tmp_path)]
    assert len({one.identity for one in made}) == 5
    assert Job(scenario(), 0, tmp_path / "elsewhere").identity == made[0].identity
    monkeypatch.setattr("lesionlab.sim.runs.job.model_version", lambda: "another")
    assert Job(patient, 0, tmp_path).identity != made[0].identity
    assert made[0].run_id == f"combined_r0_{made[0].identity[:12]}"


def test_only_a_stamped_record_of_the_same_job_counts_as_done(tmp_path: Path) -> None:
    one = job(tmp_path, "combined")
    assert not is_done(one) and progress_of(one.path) == ("missing", 0.0)
    execute([one], Watcher(), engine="serial")
    assert is_done(one) and progress_of(one.path) == ("complete", 365.0)
    with resealed(one.path) as record:
        record.attrs[STAMP] = "of another run"
    assert not is_done(one)
    one.path.write_bytes(b"not a record")
    assert not is_done(one) and progress_of(one.path)[0] == "missing"


@pytest.mark.parametrize(("until", "days"), [("10", 10.0), ("2021-07-16", 10.0), ("0.5", 0.5)])
def test_until_is_a_date_or_a_number_of_days(until: str, days: float) -> None:
    assert days_until(scenario(), until) == days


@pytest.mark.parametrize("until", ["0", "-3", "400", "2021-07-06", "2030-01-01", "soon", "nan"])
def test_until_outside_the_calendar_is_a_mistake(until: str) -> None:
    with pytest.raises(UserError, match=f"--until {until}: must"):
        days_until(scenario(), until)
