"""Reporters: what is kept or shown of a run on its way. Each says when it is due; none changes a byte of the results."""

from collections.abc import Callable, Sequence
from math import inf
from time import monotonic
from typing import Any

import numpy as np

from lesionlab.sim.measures.series import measure
from lesionlab.sim.processes.oxygen import whole_field
from lesionlab.sim.record.reader import Past
from lesionlab.sim.record.writer import RecordWriter, hash_arrays
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.simulation import Simulation
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.state import Tissue

COMMIT_EVERY_D, COMMIT_EVERY_S = 30.0, 60.0
COMMIT_SHARE, LARGEST_COMMIT_SHARE = 0.03, 0.1
"""Limits on the share of time spent on commits. Monthly commits are left out where they would exceed the first, all others
where they would exceed the second: a section of millions of cells takes longer than a minute to write."""


class Reporter:
    """One thing that is reported of a run: where `due` says so, and in any case of the state in which the run ends."""

    def due(self, clock: Clock) -> bool:
        """Return whether a report is due at the clock's time, negative in the burn-in: from day 0 on always. Asked once a step."""
        return clock.t_h >= 0.0

    def report(self, model: Simulation) -> None:
        """Report the state. The next step changes its arrays: what is to be kept is copied."""

    def close(self, model: Simulation | None) -> None:
        """Conclude, with the last state of the run: its end, or where it was stopped; None if it failed within a step."""


def report_due(model: Simulation, reporters: Sequence[Reporter]) -> None:
    """Let every reporter report that is due, and all of them at the end of the run."""
    for reporter in reporters:
        if reporter.due(model.clock) or not model.running:
            reporter.report(model)


class Regular(Reporter):
    """Something written every so many hours from day 0 on, and at the end; once a time.

    Args:
        write: takes what is written, here the model: a function of one's own; the kinds below hand on what their docstring says.
        last_d: the day of the last that is written already.
    """

    def __init__(self, write: Callable[..., None], every_h: float, last_d: float = -inf) -> None:
        self.write, self.every_h, self.last_d = write, every_h, last_d

    def due(self, clock: Clock) -> bool:
        return clock.t_h >= 0.0 and clock.is_due(self.every_h)

    def report(self, model: Simulation) -> None:
        """Write, unless this time is written: an arm may end without another step, at the lethal burden."""
        if model.time_d > self.last_d:
            self.last_d = model.time_d
            self.take(model)

    def take(self, model: Simulation) -> None:
        """Write what this reporter is for."""
        self.write(model)


class Rows(Regular):
    """Rows of all series: `write(day, series by name)`."""

    def take(self, model: Simulation) -> None:
        self.write(model.time_d, measure(model.state))


class Pictures(Regular):
    """Pictures of all sections, arrays (z, y, x): `write(lesion, day, cell_state, oxygen (mmHg), t_cells, vessels, scale)`."""

    def take(self, model: Simulation) -> None:
        for tissue in model.state.tissues:
            self.write(tissue.name, model.time_d, cell_state=tissue.state, oxygen=whole_field(tissue, model.parameters["oxygen"]),
                       t_cells=tissue.t_count, vessels=vessel_codes(tissue), scale=tissue.scale)


def vessel_codes(tissue: Tissue) -> np.ndarray:
    """Return uint8 (z, y, x): 0 for no vessel, 1 for one that is not perfused, 2 for one that is."""
    return tissue.vessel + (tissue.perfusion > 0.0)


class Progress(Reporter):
    """Calls `tell(day)` once a simulated day, and at the end with the last day of the calendar."""

    def __init__(self, tell: Callable[[float], None]) -> None:
        self.tell, self.has_begun = tell, False

    def due(self, clock: Clock) -> bool:
        """Return whether a day has passed. The state that a run begins with is none: compilation may follow, at no day's pace."""
        has_begun, self.has_begun = self.has_begun, True
        return has_begun and clock.is_due(24.0)

    def report(self, model: Simulation) -> None:
        self.tell(model.time_d if model.running else model.days)


class Ending(Reporter):
    """How a run ended: `outcome` holds arm, replicate, end_reason, days and state_sha256; nothing before the end."""

    def __init__(self) -> None:
        self.outcome: dict[str, Any] = {}

    def close(self, model: Simulation | None) -> None:
        if model is not None and not model.running:
            self.outcome = {"arm": model.arm.arm, "replicate": model.replicate, "end_reason": model.end_reason, "days": model.time_d,
                            "state_sha256": hash_arrays(model.checkpoint())}


class Commits(Reporter):
    """Commits of a record: rows and pictures so far, events, and the state they belong to.

    The first is due as day 0, or the state to go on from, is there; then the calendar decides where that is cheap, always the wall
    clock, and the days of which the record keeps the checkpoint: day 0, where arms part, and those asked for. A run that is stopped
    between two steps is committed there.
    """

    def __init__(self, writer: RecordWriter, arm: Scenario, past: Past | None = None) -> None:
        self.writer, self.kept_d = writer, {0.0, *(arm.day(day) for day in arm.output.checkpoints)}
        if past is not None and not past.is_same_run:
            self.kept_d.add(past.time_d)
        self.n_events, self.ended_s, self.took_s = 0, -inf, 0.0

    def due(self, clock: Clock) -> bool:
        if clock.t_h < 0.0 or clock.t_h / 24.0 in self.kept_d:
            return clock.t_h >= 0.0
        since_s = monotonic() - self.ended_s
        if since_s > COMMIT_EVERY_S:
            return since_s * LARGEST_COMMIT_SHARE > self.took_s
        return clock.is_due(24.0 * COMMIT_EVERY_D) and since_s * COMMIT_SHARE > self.took_s

    def report(self, model: Simulation) -> None:
        """Commit, and remember when and how long it took; at the end of the run the record is then complete."""
        started_s = monotonic()
        for event in model.events[self.n_events:]:
            self.writer.event(*event)
        self.n_events, arrays = len(model.events), model.checkpoint()
        self.writer.commit(arrays, hash_arrays(arrays), model.time_d, is_kept=model.time_d in self.kept_d, end_reason=model.end_reason)
        self.ended_s = monotonic()
        self.took_s = self.ended_s - started_s

    def close(self, model: Simulation | None) -> None:
        """Commit the state at which the run is stopped; of a burn-in nothing is kept."""
        if model is not None and model.running and model.time_d >= 0.0:
            self.report(model)
