"""Clock: burn-in before day 0, micro-steps of six minutes whatever the step, what is due when."""

from itertools import pairwise

import pytest

from lesionlab.sim.state.clock import MICRO_STEP_MIN, STEPS_H, Clock, not_whole


def test_time_is_negative_in_the_burn_in_and_zero_at_the_start() -> None:
    assert [Clock(step, 2.0, 12).t_h for step in (0, 12, 15)] == [-24.0, 0.0, 6.0]


@pytest.mark.parametrize("dt_h", [0.5, 1.0, 2.0, 24.0])
def test_micro_steps_fill_a_step_whatever_its_length(dt_h: float) -> None:
    clock = Clock(3, dt_h, 0)
    assert clock.n_micro_steps * MICRO_STEP_MIN == dt_h * 60
    assert Clock(3, dt_h, 0, clock.n_micro_steps).minute == Clock(4, dt_h, 0).minute == 4 * dt_h * 60


@pytest.mark.parametrize(("dt_h", "burn_in_d", "every_h"), [(1.0, 5, 72.0), (1.0, 5, 168.0), (2.0, 1, 30.0), (1.5, 1, 4.5)])
def test_what_recurs_counts_from_day_0_whatever_the_burn_in(dt_h: float, burn_in_d: int, every_h: float) -> None:
    burn_in = round(24 * burn_in_d / dt_h)
    due = [clock.t_h for step in range(burn_in + 400) if (clock := Clock(step, dt_h, burn_in)).is_due(every_h)]
    assert {time_h % every_h for time_h in due} == {0.0} and 0.0 in due and due[0] <= every_h - 24 * burn_in_d


@pytest.mark.parametrize(("day", "dt_h", "step"), [
    (0.0, 1.0, 48), (1.0, 1.0, 72), (0.7, 1.0, 65), (0.7, 0.1, 648), (0.3, 0.3, 184), (7 + 8 / 24, 0.5, 448), (1333.7, 2.0, 16029),
    (0.1, 24.0, 3)])
def test_a_day_begins_at_the_first_step_at_or_after_it(day: float, dt_h: float, step: int) -> None:
    """By hand, after a burn-in of two days: 0.7 d are 16.8 h, the 17th step of an hour and the 168th of six minutes."""
    assert Clock(0, dt_h, round(48 / dt_h)).step_at(day) == step


@pytest.mark.parametrize(("time_h", "step_h", "kept"), [
    (1.5, 1.0, "1 h or 2 h"), (0.4, 1.0, "1 h"), (1.0, 2.0, "2 h"), (7.0, 0.3, "6.9 h or 7.2 h"), (1e-9, 0.1, "0.1 h"),
    (25.0, 24.0, "24 h or 48 h"), (float("inf"), 1.0, "1 h"), (float("nan"), 1.0, "1 h")])
def test_a_time_that_is_no_whole_number_of_steps_is_shown_with_those_beside_it(time_h: float, step_h: float, kept: str) -> None:
    seen = not_whole(time_h, step_h)
    assert seen is not None and f"{kept} can be kept (got {time_h:g} h)" in seen


@pytest.mark.parametrize("step_h", STEPS_H)
def test_every_multiple_of_every_step_is_whole(step_h: float) -> None:
    assert not any(not_whole(n * step_h, step_h) for n in range(2000)) and not any(not_whole(24.0 * day, step_h) for day in range(1400))
    assert round(24 / step_h) * step_h == 24.0


@pytest.mark.parametrize(("dt_h", "every_h", "span_h"), [
    (1.0, 6.0, 6.0), (0.5, 6.0, 6.0), (2.0, 6.0, 6.0), (8.0, 6.0, 8.0), (24.0, 1.0, 24.0),
])
def test_what_is_due_every_few_hours_covers_all_hours_once(dt_h: float, every_h: float, span_h: float) -> None:
    due = [step for step in range(200) if Clock(step, dt_h, 0).is_due(every_h)]
    assert Clock(0, dt_h, 0).span_h(every_h) == span_h
    assert {(later - earlier) * dt_h for earlier, later in pairwise(due)} == {span_h}
