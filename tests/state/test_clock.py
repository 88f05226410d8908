"""Clock: burn-in before day 0, micro-steps of six minutes whatever the step, what is due when."""

from itertools import pairwise

import pytest

from lesionlab.sim.state.clock import MICRO_STEP_MIN, Clock


def test_time_is_negative_in_the_burn_in_and_zero_at_the_start() -> None:
    assert [Clock(step, 2.0, 12).t_h for step in (0, 12, 15)] == [-24.0, 0.0, 6.0]


@pytest.mark.parametrize("dt_h", [0.5, 1.0, 2.0, 24.0])
def test_micro_steps_fill_a_step_whatever_its_length(dt_h: float) -> None:
    clock = Clock(3, dt_h, 0)
    assert clock.n_micro_steps * MICRO_STEP_MIN == dt_h * 60
    assert Clock(3, dt_h, 0, clock.n_micro_steps).minute == Clock(4, dt_h, 0).minute == 4 * dt_h * 60


@pytest.mark.parametrize(("dt_h", "every_h", "span_h"), [
    (1.0, 6.0, 6.0), (0.5, 6.0, 6.0), (2.0, 6.0, 6.0), (8.0, 6.0, 8.0), (24.0, 1.0, 24.0),
])
def test_what_is_due_every_few_hours_covers_all_hours_once(dt_h: float, every_h: float, span_h: float) -> None:
    due = [step for step in range(200) if Clock(step, dt_h, 0).is_due(every_h)]
    assert Clock(0, dt_h, 0).span_h(every_h) == span_h
    assert {(later - earlier) * dt_h for earlier, later in pairwise(due)} == {span_h}
