"""Many runs at once: in this process, on this machine's cores, or on a Dask cluster. The death of one run does not affect the others.

The files decide: a run is done when its record carries its identity, whatever a worker reported.
"""

import contextlib
import os
import pickle
import queue
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from lesionlab.sim.numerics.threads import hired
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.parameters.version import model_version
from lesionlab.sim.runs.day_zero import past_of
from lesionlab.sim.runs.job import Job, is_done
from lesionlab.sim.runs.lifecycle import finish, model_of, perform, steps
from lesionlab.sim.runs.machine import Plan, choose_engine, count, plan_local
from lesionlab.sim.runs.reporters import Pictures, Rows
from lesionlab.sim.scenario.load import scenario_from_text

TOPIC = "lesionlab-progress"
REPORT_EVERY_S = 1.0
CONNECT_S, WORKERS_S = 10.0, 60.0
STARTS = 3
"""Attempts to start the workers of this machine."""
POLL_EVERY_S = 0.1
THREADS = "LESIONLAB_THREADS"
"""How many threads a worker gives to its run: set when the worker is started."""
_THREAD_SETTINGS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Outcome:
    """How one job ended: `message` is empty for a run that is done."""

    job: Job
    message: str = ""


Compute = Callable[[Sequence[Job]], tuple[Outcome, ...]]


class Progress(Protocol):
    """Progress shown by the parent process; called in its main thread only."""

    def announce(self, text: str) -> None:
        """Announce how the work is distributed."""

    def advance(self, job: Job, done_d: float) -> None:
        """Note the day that a run has reached."""

    def finish(self, outcome: Outcome) -> None:
        """Note that a run has ended."""


def execute(jobs: Sequence[Job], progress: Progress, *, engine: str | None = None, workers: int | None = None) -> tuple[Outcome, ...]:
    """Run all jobs, the longest first, and return how each ended; only an interruption or a user's mistake stops the rest.

    Raises UserError for an engine that is unknown, not installed or not reachable.
    """
    choose_engine(engine, len(jobs), workers)
    if not jobs:
        return ()
    with opened(len(jobs), progress, engine=engine, workers=workers) as compute:
        return compute(jobs)


@contextlib.contextmanager
def opened(n_together: int, progress: Progress, *, engine: str | None = None, workers: int | None = None) -> Iterator[Compute]:
    """Yield a function that runs jobs as `execute` does, on the same workers each time; it is given `n_together` jobs at a time."""
    chosen = choose_engine(engine, n_together, workers)
    if chosen == "serial":
        progress.announce("one run after the other in this process")
        with hired(plan_local(1).threads):
            yield lambda jobs: tuple(_serial(_longest_first(jobs), progress))
        return
    with _client(chosen, plan_local(n_together, workers), progress) as client:
        yield lambda jobs: tuple(_distributed(client, _longest_first(jobs), progress))


def _longest_first(jobs: Sequence[Job]) -> list[Job]:
    """Return the jobs in the order to run them: those with a burn-in in common together, the longest first."""
    pasts = {job: past_of(job) for job in jobs}
    longest: dict[str, float] = {}
    for job, past in pasts.items():
        longest[past] = max(job.cost, longest.get(past, 0.0))
    return sorted(jobs, key=lambda job: (-longest[pasts[job]], pasts[job], -job.cost))


def _serial(jobs: Sequence[Job], progress: Progress) -> Iterator[Outcome]:
    for job in jobs:
        message = ""
        try:
            perform(job, partial(progress.advance, job))
        except Exception as error:
            message = explain(error)
        outcome = Outcome(job, message)
        progress.finish(outcome)
        yield outcome


def explain(error: BaseException) -> str:
    """Return what went wrong in one line; for an error that is not the user's mistake, with its place in the code."""
    first = (str(error).strip().splitlines() or [""])[0]
    if isinstance(error, UserError) or type(error).__name__ == "RecordError":
        return first
    if type(error).__name__ == "KilledWorker":
        return "the process died each time the run was tried (killed, out of memory or crashed)"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {first}{place}"


@contextlib.contextmanager
def _client(engine: str, plan: Plan, progress: Progress) -> Iterator[Any]:
    """Yield a Dask client of this machine's workers or of the cluster at an address."""
    if engine != "local":
        with _connected(engine) as client:
            progress.announce(f"{count(len(client.nthreads()), 'worker')} of {engine}")
            _check_versions(client)
            yield client
        return
    progress.announce(plan.describe())
    progress.announce("compiling the rules, once for these sources")
    warm_kernels()
    dask, distributed = import_module("dask"), import_module("distributed")
    settings: dict[str, Any] = {f"distributed.nanny.pre-spawn-environ.{name}": plan.threads for name in (THREADS, *_THREAD_SETTINGS)}
    settings |= {"distributed.scheduler.allowed-failures": 3, "distributed.scheduler.worker-saturation": 1.0,
                 "distributed.worker.multiprocessing-method": "spawn"}
    with _same_environment(), dask.config.set(settings), _workers_of(plan, distributed) as cluster, distributed.Client(cluster) as client:
        yield client


def _workers_of(plan: Plan, distributed: Any) -> Any:
    """Start this machine's workers; raises UserError where one dies each time before it has begun."""
    for _ in range(STARTS):
        try:
            return distributed.LocalCluster(
                n_workers=plan.workers, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0",
                memory_limit=None, silence_logs="CRITICAL")
        # Dask reports the death of a worker that starts as an error of its own.
        except (RuntimeError, OSError, TimeoutError) as error:
            reason = error
    raise UserError(f"no workers could be started on this machine ({reason}); the same command goes on from what is complete, and "
                    "--engine serial needs no workers")


def _connected(address: str) -> Any:
    """Return a client of the scheduler at an address, with at least one worker; raises UserError if there is none."""
    try:
        client = import_module("distributed").Client(address, timeout=CONNECT_S)
        client.wait_for_workers(1, timeout=WORKERS_S)
    except (OSError, TimeoutError, ValueError) as error:
        raise UserError(f"--engine {address}: no scheduler with workers answers there") from error
    return client


@contextlib.contextmanager
def _same_environment() -> Iterator[None]:
    """Undo what Dask sets in this process's environment for its workers."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _check_versions(client: Any) -> None:
    """Refuse a cluster whose workers hold other model sources than this process."""
    try:
        versions = client.run(model_version)
    except ImportError as error:
        raise UserError(f"the workers cannot import LesionLab: {error}") from error
    others = {address for address, version in versions.items() if version != model_version()}
    if others:
        raise UserError(f"other model sources than here on {', '.join(sorted(others))}: install the same version there")


def _pack(job: Job) -> bytes:
    """Return a job as bytes, with its identity and what performs it; its path is made absolute: workers may stand in another folder."""
    return pickle.dumps((replace(job, path=job.path.absolute()), job.identity, perform))


def _remote(packed: bytes) -> None:
    """Compute one run on a worker and report the day it has reached to the parent.

    The job is unpacked here, not by Dask: a job that cannot be unpacked then fails alone and does not end the worker.
    """
    job, identity, performed_by = pickle.loads(packed)
    if job.identity != identity:
        raise UserError("the worker holds other model sources than the parent: did they change after the start?")
    worker, last = import_module("distributed").get_worker(), time.monotonic()

    def tell(done_d: float) -> None:
        nonlocal last
        if time.monotonic() - last >= REPORT_EVERY_S:
            last = time.monotonic()
            worker.log_event(TOPIC, [str(job.path), float(done_d)])

    with hired(int(os.environ.get(THREADS, "1"))):
        performed_by(job, tell)


def _distributed(client: Any, jobs: Sequence[Job], progress: Progress) -> Iterator[Outcome]:
    """Give each worker one job at a time and yield how each ended, as it ends.

    Nothing queues at a worker: Dask would blame the death of a worker on every job queued there, not only on the running one.
    """
    reports: queue.SimpleQueue[tuple[str, float]] = queue.SimpleQueue()
    client.subscribe_topic(TOPIC, lambda event: reports.put(event[1]))
    waiting, by_path = list(reversed(jobs)), {str(job.path.absolute()): job for job in jobs}
    pending: dict[Any, Job] = {}
    while waiting or pending:
        n_places = max(1, _count_places(client))
        while waiting and len(pending) < n_places:
            job = waiting.pop()
            key = f"{job.run_id}-{uuid.uuid4().hex}"
            pending[client.submit(_remote, _pack(job), key=key, pure=False, retries=1)] = job
        time.sleep(POLL_EVERY_S)
        while not reports.empty():
            path, done_d = reports.get()
            if path in by_path:
                progress.advance(by_path[path], done_d)
        # A finished run whose worker then died is `lost`; it is computed again, so it has not ended yet.
        for future in [future for future in pending if future.status in ("finished", "error", "cancelled")]:
            job = pending.pop(future)
            outcome = Outcome(job, _verdict(future, job))
            progress.finish(outcome)
            yield outcome


def _count_places(client: Any) -> int:
    """Return how many jobs the workers can hold at this moment; raises UserError when the scheduler has gone."""
    try:
        return sum(client.nthreads().values())
    except OSError as error:
        raise UserError("the scheduler was lost; what is complete is kept, the same command goes on from there") from error


def _verdict(future: Any, job: Job) -> str:
    """Return an empty text if the job's record is whole, else the reason why it is not."""
    if is_done(job):
        return ""
    if future.status == "error":
        return explain(future.exception())
    return "the scheduler was lost" if future.status == "cancelled" else f"{job.path} did not arrive here: is the folder shared?"


_WARM_UP = """
schema: 1
arm: warm_up
start: 2021-07-05
end: 2021-07-08
burn_in_d: 1
lesions: {tiny: {size_cm: [4, 4], measured: 2021-07-05, section_cells: 500}}
radiotherapy: [{lesion: tiny, start: 2021-07-05, fractions: 2, volumes: {core: {dose_per_fraction_gy: 4}, mass: {dose_per_fraction_gy: 3}}}]
drugs:
  toripalimab: {class: anti_pd1, dose_mg: 240, start: 2021-07-05, interval_d: 21, until: 2021-07-08}
  anlotinib: {class: vegfr_tki, dose_mg: 12, start: 2021-07-05, interval_d: 1, until: 2021-07-08}
"""


def warm_kernels() -> None:
    """Compile every kernel by a tiny run, so that workers find the cache warm and do not race to fill it."""
    reporters = [kind(lambda *_, **__: None, 24.0) for kind in (Rows, Pictures)]
    finish(steps(model_of(Job(scenario_from_text(_WARM_UP), 0, Path(), until_d=2.0)), reporters))
