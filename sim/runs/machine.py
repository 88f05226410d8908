"""Resources of this machine: cores, the plan of workers and threads, and which engine to use."""

import contextlib
import importlib.util
import os
from pathlib import Path
from typing import NamedTuple

from lesionlab.sim.parameters.errors import UserError


class Plan(NamedTuple):
    """Workers and threads of each, and the cores they share with the reason for their number."""

    workers: int
    threads: int
    cores: int
    reason: str

    def describe(self) -> str:
        """Return the plan as a line of text."""
        return (f"{count(self.workers, 'worker')} x {count(self.threads, 'thread')} "
                f"on {count(self.cores, 'core')} ({self.reason})")


def count(number: int, noun: str) -> str:
    """Return a number with its noun: `1 core`, `2 cores`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def available_cores() -> tuple[int, str]:
    """Return how many cores this process may use, and the source of the limit: machine, affinity, container or SLURM."""
    limits = {"all of the machine": os.cpu_count() or 1}
    if hasattr(os, "sched_getaffinity"):
        limits["affinity"] = len(os.sched_getaffinity(0))
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        limits["container limit"] = max(1, int(quota) // int(period))
    with contextlib.suppress(KeyError, ValueError):
        limits["SLURM_CPUS_PER_TASK"] = max(1, int(os.environ["SLURM_CPUS_PER_TASK"]))
    reason = min(limits, key=lambda name: limits[name])
    return limits[reason], reason


def plan_local(n_jobs: int, workers: int | None = None) -> Plan:
    """Lay out the jobs on this machine; cores that jobs do not fill become threads of the workers."""
    cores, reason = available_cores()
    chosen = max(1, min(n_jobs, workers or cores))
    return Plan(chosen, max(1, cores // chosen), cores, reason)


def plan_alone(threads: int | None = None) -> Plan:
    """Lay out a single run in this process: a thread a core, or so many; raises UserError for none."""
    if threads is not None and threads < 1:
        raise UserError(f"--threads {threads}: at least one thread is needed")
    cores, reason = available_cores()
    return Plan(1, threads or cores, cores, reason)


def choose_engine(engine: str | None, n_jobs: int, workers: int | None = None) -> str:
    """Return `serial`, `local` or a scheduler's address; where none is named, `local` if it can help."""
    if workers is not None and workers < 1:
        raise UserError(f"--workers {workers}: at least one worker is needed")
    has_dask = importlib.util.find_spec("distributed") is not None
    if engine is None:
        return "local" if has_dask and plan_local(n_jobs, workers).workers > 1 else "serial"
    if engine not in ("serial", "local") and not engine.startswith(("tcp://", "tls://")):
        raise UserError(f"--engine {engine}: the engines are serial, local and tcp://HOST:PORT")
    if engine != "serial" and not has_dask:
        raise UserError(f"--engine {engine} needs Dask: pip install 'lesionlab[sweep]', or use --engine serial")
    return engine
