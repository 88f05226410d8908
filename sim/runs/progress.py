"""Progress of many runs on stderr: a bar on a terminal, a line every 30 s elsewhere."""

import sys
import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any, TextIO

from tqdm import tqdm

from lesionlab.sim.runs.engines import Outcome
from lesionlab.sim.runs.job import Job

LINE_EVERY_S = 30.0
RECENT_S = 120.0
"""Time over which the pace is measured: days with many cells take longer than days with few."""


class Board:
    """Shows simulated days and finished runs of all jobs together; failures are named as they happen."""

    def __init__(self, jobs: Sequence[Job], stream: TextIO | None = None) -> None:
        """Prepare for the jobs; nothing is shown before the first call."""
        self.stream = stream or sys.stderr
        self.n_jobs, self.n_ended, self.n_failed = len(jobs), 0, 0
        self.total_d = sum(job.days + job.scenario.burn_in_d for job in jobs)
        self.reached_d: dict[Job, float] = {}
        self.started = self.last_line = time.monotonic()
        self.bar: Any = None
        self.ticks: deque[tuple[float, float]] = deque()

    def __enter__(self) -> "Board":
        """Open the bar if the stream is a terminal, or a notebook's."""
        if self.stream.isatty() or (self.stream is sys.stderr and "ipykernel" in sys.modules):
            self.bar = tqdm(total=round(self.total_d), unit="d", file=self.stream, dynamic_ncols=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the bar, or print the state of the runs."""
        if self.bar is not None:
            self.bar.close()
        elif self.n_jobs:
            self._say(self.line())

    def announce(self, text: str) -> None:
        """Print a message that stays on the screen."""
        if self.bar is not None:
            self.bar.write(text, file=self.stream)
        else:
            self._say(text)

    def advance(self, job: Job, done_d: float) -> None:
        """Note the day a run has reached, negative in its burn-in, whose days count as any other."""
        self.reached_d[job] = min(done_d, job.days) + job.scenario.burn_in_d
        now = time.monotonic()
        self.ticks.append((now, sum(self.reached_d.values())))
        while len(self.ticks) > 2 and now - self.ticks[1][0] >= RECENT_S:
            self.ticks.popleft()
        self._draw()

    def finish(self, outcome: Outcome) -> None:
        """Note the end of a run; the remaining days of a patient who died early are not counted."""
        self.reached_d[outcome.job] = outcome.job.days + outcome.job.scenario.burn_in_d
        self.n_ended += 1
        if outcome.message:
            self.n_failed += 1
            self.announce(f"failed: {outcome.job.scenario.arm} r{outcome.job.replicate}: {outcome.message}")
        self._draw()

    def reached(self, job: Job) -> str:
        """Return the day a run has reached as words to append, or nothing."""
        if job not in self.reached_d:
            return ""
        day = self.reached_d[job] - job.scenario.burn_in_d
        return f" after day {day:.4g}" if day >= 0 else " in the burn-in"

    def left(self) -> str:
        """Return how long the rest takes at the recent pace, measured from the first day reported: the time before it is compilation."""
        now, reached = time.monotonic(), sum(self.reached_d.values())
        if not self.ticks or reached - self.ticks[0][1] < 1e-9 or self.n_ended == self.n_jobs:
            return ""
        seconds = (self.total_d - reached) * (now - self.ticks[0][0]) / (reached - self.ticks[0][1])
        return f", about {seconds:.0f} s left at this pace" if seconds < 120 else f", about {seconds / 60:.0f} min left at this pace"

    def line(self) -> str:
        """Return the state of all runs as a line of text."""
        failed = f", {self.n_failed} failed" if self.n_failed else ""
        return (f"{self.n_ended} of {self.n_jobs} runs ended{failed}, {sum(self.reached_d.values()):.0f} of {self.total_d:.0f} days, "
                f"burn-in included, {time.monotonic() - self.started:.0f} s{self.left()}")

    def _draw(self) -> None:
        if self.bar is not None:
            self.bar.n = round(sum(self.reached_d.values()))
            self.bar.set_postfix_str(f"{self.n_ended}/{self.n_jobs} runs", refresh=False)
            self.bar.update(0)
        elif time.monotonic() - self.last_line >= LINE_EVERY_S:
            self.last_line = time.monotonic()
            self._say(self.line())

    def _say(self, text: str) -> None:
        self.stream.write(f"{text}\n")
        self.stream.flush()
