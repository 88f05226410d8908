"""Synergy against numbers worked out by hand: additive logs give nothing, a planted interaction comes back, bounds stay bounds."""

from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lesionlab.analysis.clinical.outcome import Outcome, read_outcome
from lesionlab.analysis.comparison.regimen import Factorial
from lesionlab.analysis.comparison.synergy import (
    bliss,
    clonogens_on,
    contrasts,
    delays,
    growth_times,
    highest_single,
    log_cells,
    target_lesions,
)
from lesionlab.analysis.records.record import load
from lesionlab.analysis.statistics.paired import Table
from tests.made_record import make_record, row_times_d

FACTORS = ("a", "b", "c")
DAYS = np.array([0.0, 10.0, 20.0])
CELLS = [frozenset(name for name, is_in in zip(FACTORS, setting, strict=True) if is_in) for setting in product((0, 1), repeat=3)]
KILL = {"a": 2.0, "b": 0.5, "c": -0.25}
AB, ABC = frozenset("ab"), frozenset("abc")


def logs_with(n: int = 6, pair: float = 0.0, triple: float = 0.0, stream: float = 0.3) -> dict[frozenset[str], Table]:
    """Return logs (n, 3) of a factorial with common random numbers: additive kills, and planted interactions of a with b and of
    all three."""
    shared = 9 + stream * np.random.default_rng(5).normal(size=(n, 1)) + DAYS / 20
    ramp = DAYS / 20
    kill = {cell: sum(KILL[name] for name in cell) + pair * cell.issuperset(AB) + triple * (cell == ABC) for cell in CELLS}
    return {cell: shared - ramp * kill[cell] for cell in CELLS}


def test_additive_logs_have_no_synergy_and_no_interaction_however_large_the_shared_randomness() -> None:
    logs = logs_with(stream=2.0)
    for combination in (AB, ABC):
        course = bliss(logs, combination, DAYS)
        np.testing.assert_allclose([course.value, course.low, course.high], 0, atol=1e-12)
    found = contrasts(logs, FACTORS, DAYS)
    assert len(found) == 7
    for chosen, course in found.items():
        expected = -KILL[next(iter(chosen))] * DAYS / 20 if len(chosen) == 1 else np.zeros(3)
        np.testing.assert_allclose(course.value, expected, atol=1e-12)


def test_a_planted_interaction_comes_back_as_it_was_planted() -> None:
    logs = logs_with(pair=0.7, triple=0.4)
    assert bliss(logs, AB, DAYS).value == pytest.approx([0, 0.35, 0.7])
    assert bliss(logs, ABC, DAYS).value == pytest.approx([0, 0.55, 1.1])
    assert bliss(logs, frozenset("bc"), DAYS).value == pytest.approx([0, 0, 0])
    found = {"".join(sorted(chosen)): course.value[-1] for chosen, course in contrasts(logs, FACTORS, DAYS).items()}
    # Averaged over the other settings: the triple counts a quarter in a main effect, half in a pair, whole in itself.
    assert found == pytest.approx({"a": -2 - 0.35 - 0.1, "b": -0.5 - 0.35 - 0.1, "c": 0.25 - 0.1, "ab": -0.7 - 0.2, "ac": -0.2,
                                   "bc": -0.2, "abc": -0.4})


def test_an_interval_of_noise_of_an_arms_own_holds_zero_for_none_and_not_for_a_planted_one() -> None:
    noise = np.random.default_rng(8)
    for pair, is_seen in ((0.0, False), (0.7, True)):
        logs = {cell: table + noise.normal(0, 0.1, table.shape) for cell, table in logs_with(n=12, pair=pair).items()}
        course = bliss(logs, AB, DAYS)
        assert bool(course.low[-1] > 0) == is_seen and course.low[-1] < course.value[-1] < course.high[-1] and course.high[-1] > 0


def test_the_best_part_is_the_one_with_the_largest_mean_kill() -> None:
    course = highest_single(logs_with(), AB, DAYS)
    assert course.value == pytest.approx([0, 0.25, 0.5])
    assert highest_single(logs_with(), ABC, DAYS).value[-1] == pytest.approx(2.25 - 2.0)


def test_an_arm_that_ended_is_not_carried_forward_and_the_best_part_does_not_need_the_untreated() -> None:
    logs = logs_with()
    logs[frozenset()][2:, 2] = np.nan
    assert list(bliss(logs, AB, DAYS).n) == [6, 6, 2] and list(highest_single(logs, AB, DAYS).n) == [6, 6, 6]
    assert np.isnan(bliss(logs, AB, DAYS).low[2]) and bliss(logs, AB, DAYS).value[2] == pytest.approx(0)
    assert list(contrasts(logs, FACTORS, DAYS)[AB].n) == [6, 6, 2]


def test_cells_are_those_of_the_targets_together_at_least_one_and_unknown_after_the_end(tmp_path: Path) -> None:
    times = row_times_d(10.0, 100.0)
    sizes = np.full((len(times), 4), 2.0)
    sizes[:, 3] = 0.0
    path = make_record(tmp_path / "a.h5", every_d=10.0, end_d=100.0, sizes_cm=sizes)
    record = load(path)
    cells = 0.9e8 * np.pi / 6 * 0.6 * 8
    assert target_lesions(record) == ("neck", "mediastinum")
    np.testing.assert_allclose(log_cells(record, "clonogens", "", np.array([0.0, 55.0, 101.0])), [np.log10(2 * cells)] * 2 + [np.nan])
    assert log_cells(record, "clonogens", "liver", np.array([50.0]))[0] == 0.0
    assert clonogens_on(path, 50.0) == pytest.approx(np.log10(2 * cells)) and np.isnan(clonogens_on(tmp_path / "none.h5", 1.0))


def outcomes(folder: Path, doubling_d: float, replicate: int = 0) -> Outcome:
    """Return a run whose targets double every so many days, observed for a hundred."""
    times = row_times_d(5.0, 100.0)
    sizes = np.repeat(2 ** (times / doubling_d / 3)[:, np.newaxis], 4, axis=1)
    return read_outcome(load(make_record(folder / f"{doubling_d:g}_{replicate}.h5", every_d=5.0, end_d=100.0, sizes_cm=sizes,
                                         replicate=replicate, snapshot_every_d=200.0)))


def test_growth_is_timed_between_rows_and_censored_at_the_end(tmp_path: Path) -> None:
    found = growth_times([outcomes(tmp_path, 20.4), outcomes(tmp_path, 300.0)])
    np.testing.assert_allclose(found.time_d, [20.4, 100.0], atol=1e-6)
    np.testing.assert_array_equal(found.is_event, [True, False])


@pytest.mark.parametrize(("days", "additive", "longest"), [
    ((20, 30, 40, 60), ("exact", 10.0), ("exact", 20.0)),
    ((20, 30, 40, 300), ("at least", 50.0), ("at least", 60.0)),
    ((20, 30, 300, 60), ("at most", -50.0), ("at most", -40.0)),
    ((20, 30, 300, 300), ("unknown", -10.0), ("unknown", 0.0)),
    ((300, 30, 40, 60), ("at least", 90.0), ("exact", 20.0)),
])
def test_delays_are_exact_or_bounds_by_what_was_censored(tmp_path: Path, days: tuple[float, ...], additive: Any, longest: Any) -> None:
    names = ("untreated", "a", "b", "ab")
    design = Factorial(("a", "b"), dict(zip([frozenset(), frozenset("a"), frozenset("b"), AB], names, strict=True)))
    arms = {name: [outcomes(tmp_path, one)] for name, one in zip(names, days, strict=True)}
    found = delays(arms, design, AB, "growth")
    assert [(bound.kind, pytest.approx(bound.value.mean, abs=1e-6)) for bound in found] == [additive, longest]


def test_a_lesion_that_no_scan_can_target_counts_where_there_is_no_other() -> None:
    record: Any = SimpleNamespace(lesions=("a", "b"), roles=("non_target", "non_target"), occult=(False, True))
    assert target_lesions(record) == ("a",)
