"""Time: steps of dt hours, numbered from the start of the burn-in; day 0 is the scenario's start, and what recurs counts from it.

Calendars are whole numbers of micro-steps, the least unit of time: every step is some of them, and sums of whole numbers are exact.
"""

from dataclasses import dataclass
from math import inf

from lesionlab.sim.numerics.jit import kernel

MICRO_STEP_MIN = 6
"""T cells move and hit in micro-steps of this many minutes whatever the step is."""
MICRO_STEPS_PER_H = 60 // MICRO_STEP_MIN
MICRO_STEPS_PER_DAY = 24 * MICRO_STEPS_PER_H
STEPS_H = tuple(n / MICRO_STEPS_PER_H for n in range(1, MICRO_STEPS_PER_DAY + 1) if MICRO_STEPS_PER_DAY % n == 0)
"""The steps that a run may take, in hours: whole micro-steps of which a whole number makes a day."""
_ROUNDING = 0.01
"""Micro-steps by which a time may miss a whole number, so that 0.3333 days are 8 hours."""


def micro_steps(time_h: float) -> int | None:
    """Return a time in hours as a whole number of micro-steps; None where it is none."""
    if not abs(time_h) < inf:
        return None
    number = round(time_h * MICRO_STEPS_PER_H)
    return number if abs(time_h * MICRO_STEPS_PER_H - number) <= _ROUNDING else None


def not_whole(time_h: float, step_h: float, is_in_days: bool = False) -> str | None:
    """Return what is wrong with a time that is no whole number of steps, and which times beside it are; None if nothing is."""
    number, step = micro_steps(time_h), round(step_h * MICRO_STEPS_PER_H)
    if number is not None and number % step == 0 and (number or not time_h):
        return None
    below = int(time_h / step_h) if abs(time_h) < inf else 0
    kept = [n * step / MICRO_STEPS_PER_H for n in (below, below + 1) if n > 0]
    named = " or ".join(f"{hours / 24.0:.6g} d ({hours:g} h)" if is_in_days else f"{hours:g} h" for hours in kept)
    given = f"{time_h / 24.0:.6g} d" if is_in_days else f"{time_h:g} h"
    return f"must be a whole number of steps of {step_h:g} h: {named} can be kept (got {given})"


def _is_due(clock, every_h):  # type: ignore[no-untyped-def]
    return (clock.step - clock.burn_in_steps) % max(round(every_h / clock.dt_h), 1) == 0


def _span_h(clock, every_h):  # type: ignore[no-untyped-def]
    return max(round(every_h / clock.dt_h), 1) * clock.dt_h


# The same two, compiled: a clock's numbers by the same names are then in a record (`lesionlab.sim.layouts.section`).
is_due, span_h = kernel(_is_due), kernel(_span_h)


@dataclass(frozen=True)
class Clock:
    """The step that is about to be taken.

    Attributes:
        step: number of the step, 0 at the start of the burn-in; part of every random draw's key.
        dt_h: length of a step in hours.
        burn_in_steps: steps before day 0.
        micro_step: number of the micro-step inside this step, 0 unless T cells are moving.
    """

    step: int
    dt_h: float
    burn_in_steps: int
    micro_step: int = 0

    @property
    def t_h(self) -> float:
        """Hours since the scenario's start at the beginning of the step; negative during the burn-in."""
        return (self.step - self.burn_in_steps) * self.dt_h

    @property
    def minute(self) -> int:
        """Minutes since the start of the burn-in at the beginning of the micro-step."""
        return round(self.step * self.dt_h * 60) + self.micro_step * MICRO_STEP_MIN

    @property
    def n_micro_steps(self) -> int:
        """Micro-steps in a step."""
        return round(self.dt_h * 60 / MICRO_STEP_MIN)

    def is_due(self, every_h: float) -> bool:
        """Tell whether something done every `every_h` hours, counted from day 0, is due in this step."""
        return bool(_is_due(self, every_h))

    def step_at(self, day: float) -> int:
        """Return the number of the first step at or after a day of the scenario."""
        return self.burn_in_steps - (-round(day * MICRO_STEPS_PER_DAY) // round(self.dt_h * MICRO_STEPS_PER_H))

    def span_h(self, every_h: float) -> float:
        """Return the hours that a process due every `every_h` hours covers: a whole number of steps."""
        return float(_span_h(self, every_h))
