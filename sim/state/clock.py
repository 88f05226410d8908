"""Time: steps of dt hours counted from the start of the burn-in; day 0 is the scenario's start."""

from dataclasses import dataclass

MICRO_STEP_MIN = 6
"""T cells move and hit in micro-steps of this many minutes whatever the step is."""


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
        """Tell whether something done every `every_h` hours is due in this step."""
        return self.step % max(round(every_h / self.dt_h), 1) == 0

    def span_h(self, every_h: float) -> float:
        """Return the hours that a process due every `every_h` hours covers: a whole number of steps."""
        return max(round(every_h / self.dt_h), 1) * self.dt_h
