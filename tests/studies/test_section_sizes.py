"""Sections of several sizes: the same patient in each, a table that goes on, biases exact on made cuts."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import nan
from pathlib import Path

import pytest

from lesionlab.analysis.comparison.section_bias import biases, rows, trusted_size
from lesionlab.analysis.report.section_sizes_page import page
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.studies.screen import Plan
from lesionlab.sim.studies.section_sizes import ARMS, COURSE, FILE, Cut, cut_table
from tests.studies.tiny_screen import POPULATION, SCENARIO, write

SIZES = (500, 600)


def made(diameters: dict[int, list[float]]) -> list[Cut]:
    """Return cuts of one arm whose diameters differ by size; all else is equal in all."""
    return [Cut(patient, "untreated", size, nan, diameter, float(patient), 0.0, 0.1 * patient, 10.0 * patient, 50.0 + patient)
            for size, values in diameters.items() for patient, diameter in enumerate(values)]


def test_a_bias_is_the_mean_paired_difference_and_is_held_against_the_spread_between_patients() -> None:
    found = biases(made({500: [9.0, 10.0, 11.5], 1000: [6.0, 7.0, 8.0], 30000: [5.0, 6.0, 7.0]}))
    diameter = found[0]
    assert (diameter.mean, diameter.spread) == pytest.approx((6.0, 1.0))
    assert diameter.differences[500].mean == pytest.approx(25.0 / 6.0)
    # Student's t of two degrees of freedom, the differences 4, 4 and 4.5.
    assert diameter.differences[500].half_width == pytest.approx(4.30265 * 0.288675 / 3**0.5, rel=1e-4)
    assert not diameter.is_within(500) and not diameter.is_within(1000)
    assert trusted_size(found) is None
    assert rows(found)[1][3:] == ["+4.17 ± 0.72 *", "+1.00 ± 0.00 *"]


def test_the_trusted_size_is_the_smallest_above_which_none_is_off() -> None:
    assert trusted_size(biases(made({500: [5.5, 6.5, 7.5], 1000: [5.0, 6.0, 7.0], 30000: [5.0, 6.0, 7.0]}))) == 500
    # A size that happens to be right below one that is not counts for nothing.
    assert trusted_size(biases(made({500: [5.0, 6.0, 7.0], 1000: [8.0, 9.0, 9.0], 2000: [5.0, 6.0, 7.0], 30000: [5.0, 6.0, 7.0]}))) == 2000


def test_patients_who_died_are_left_out_of_a_difference() -> None:
    assert biases(made({500: [5.0, nan, 8.0], 30000: [5.0, 6.0, 7.0]}))[0].differences[500][::2] == (0.5, 2)


def test_every_size_holds_every_arm_of_a_patient_and_the_table_goes_on(tmp_path: Path) -> None:
    scenario = SCENARIO.replace("end: 2024-01-22", "end: 2024-04-30")
    plan = Plan(*write(tmp_path, scenario, POPULATION), settings=(COURSE,))
    with ThreadPoolExecutor(1) as pool:
        first = cut_table(plan, tmp_path, 1, pool, sizes=SIZES)
        assert {(cut.arm, cut.section_cells) for cut in first} == {(arm, size) for arm in ARMS for size in SIZES}
        assert len({cut.longest_diameter_cm_d56 for cut in first}) == len(first)
        kept = (tmp_path / FILE).read_bytes()
        assert repr(cut_table(plan, tmp_path, 1, pool, sizes=SIZES)) == repr(first) and (tmp_path / FILE).read_bytes() == kept
        with pytest.raises(UserError, match="sections of other sizes"):
            cut_table(plan, tmp_path, 1, pool, sizes=(500, 700))
        with pytest.raises(UserError, match="holds another screen"):
            cut_table(replace(plan, seed=6), tmp_path, 1, pool, sizes=SIZES)
    (tmp_path / "short").mkdir()
    short = Plan(*write(tmp_path / "short", SCENARIO), settings=(COURSE,))
    with ThreadPoolExecutor(1) as pool, pytest.raises(UserError, match="must last 112 days"):
        cut_table(short, tmp_path / "short", 1, pool)


def test_the_page_says_which_size_may_be_trusted() -> None:
    fine = page(biases(made({500: [5.5, 6.5, 7.5], 30000: [5.0, 6.0, 7.0]})), 3, 3000, 300, "10 x 3 Gy", "a command", "0")
    assert "**500 cells**" in fine and "300 clonogens" in fine
    off = page(biases(made({500: [9.0, 9.0, 9.0], 30000: [5.0, 6.0, 7.0]})), 3, 3000, 300, "10 x 3 Gy", "a command", "0")
    assert "No size up to 500 cells may be trusted" in off and "+3.00 ± 2.48 *" in off
