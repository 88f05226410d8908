"""The course of a job: start it, or continue what its record holds, to the complete record, and stamp that record."""

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.parameters.version import model_version
from lesionlab.sim.record.files import mark, reason
from lesionlab.sim.record.reader import read_run
from lesionlab.sim.record.schema import Attribute
from lesionlab.sim.runs import simulation
from lesionlab.sim.runs.continuation import resume
from lesionlab.sim.runs.job import STAMP, Job, OnProgress, Simulate


def perform(job: Job, simulate: Simulate | None = None, on_progress: OnProgress | None = None) -> None:
    """Compute one run, or the missing part where its record holds the beginning, and stamp the record as complete.

    Args:
        simulate: a replacement for `simulation.simulate`; with it a run always begins anew.
    """
    if simulate is None and is_begun(job):
        if read_run(job.path).attributes[Attribute.STATUS] != "complete":
            resume(job.path, on_progress=on_progress)
    else:
        compute = simulate or simulation.simulate
        job.path.parent.mkdir(parents=True, exist_ok=True)
        compute(job.scenario, job.path, replicate=job.replicate, until_d=job.until_d, is_quick=job.is_quick, is_forced=True,
                on_progress=on_progress)
    try:
        mark(job.path, **{STAMP: job.identity})
    except OSError as error:
        raise UserError(f"{job.path}: cannot be written: {reason(error)}") from error


def is_begun(job: Job) -> bool:
    """Return whether the job's record was begun by this very job: same code, scenario, replicate, size and end; no fork."""
    try:
        run = read_run(job.path)
    except UserError:
        return False
    scenario = simulation.quick(job.scenario) if job.is_quick else job.scenario
    found = (run.code_version, run.scenario_yaml, run.replicate, run.until_d, run.is_quick, run.is_fork or bool(run.later))
    return found == (model_version(), scenario.resolved_yaml(), job.replicate, job.days, job.is_quick, False)
