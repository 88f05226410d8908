"""One burn-in for all arms of a patient: runs that are alike in everything that acts before day 0 begin from the same state there.

No course acts in the burn-in, so arms that differ in nothing else have its end in common, to the byte. Mechanisms and parameters do
act there: runs that differ in one each take a burn-in of their own.
"""

import hashlib
from collections import OrderedDict

import numpy as np

from lesionlab.sim.parameters.version import model_version
from lesionlab.sim.runs.job import Job
from lesionlab.sim.runs.reporters import Reporter
from lesionlab.sim.simulation import Simulation
from lesionlab.sim.state.clock import Clock

MOST_BYTES = 256_000_000
"""States of day 0 that a process keeps, in all; a larger one is not kept. The case's three sections of 30,000 cells take about 20 MB."""
Arrays = dict[str, np.ndarray]


def past_of(job: Job) -> str:
    """Return the hash of everything that acts on a job before day 0: sources, streams, lesions, parameters, mechanisms, burn-in, step."""
    scenario = job.as_run
    lesions = {name: lesion.model_dump_json(by_alias=True) for name, lesion in scenario.lesions.items()}
    parts = (model_version(), scenario.seed, scenario.patient, job.replicate, scenario.burn_in_d, scenario.time_step_h, lesions,
             scenario.all_parameters(), scenario.forms.model_dump_json())
    return hashlib.sha256(repr(parts).encode()).hexdigest()


class DayZeroStates:
    """The states on day 0 of the latest pasts, in memory."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes, self._kept = most_bytes, OrderedDict[str, Arrays]()

    def of(self, past: str) -> Arrays | None:
        """Return the state of a past, as `Simulation` takes it up, or None."""
        if past in self._kept:
            self._kept.move_to_end(past)
        return self._kept.get(past)

    def keep(self, past: str, arrays: Arrays) -> None:
        """Keep a copy of a state, and as many of the latest others as there is room for."""
        if _bytes_of(arrays) > self.most_bytes:
            return
        self._kept[past] = {name: array.copy() for name, array in arrays.items()}
        while sum(map(_bytes_of, self._kept.values())) > self.most_bytes:
            self._kept.popitem(last=False)


class KeepDayZero(Reporter):
    """Keeps the state that a run has on day 0 for other runs of the same past."""

    def __init__(self, states: DayZeroStates, past: str) -> None:
        self.states, self.past = states, past

    def due(self, clock: Clock) -> bool:
        return clock.t_h == 0.0 and self.states.of(self.past) is None

    def report(self, model: Simulation) -> None:
        """Keep the state, if this is day 0: a run may end later without another report."""
        if self.due(model.clock):
            self.states.keep(self.past, model.checkpoint())


def _bytes_of(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values())
