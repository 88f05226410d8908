"""`verify`: a table or JSON, one row or all, and an exit code that shows failures."""

import json

import pytest

from lesionlab.sim.cli import main
from lesionlab.sim.cli import verify as verb
from lesionlab.sim.verification import ROWS, Check, number_of


def check(passed: bool, is_control: bool = False) -> Check:
    return Check(99, "a law", "a number", 1.25, 1.0, "within 1 %", "um", passed, is_control)


def pretend(monkeypatch: pytest.MonkeyPatch, *found: Check) -> None:
    monkeypatch.setattr(verb, "verify", lambda numbers=None, on_row=None: found)


def test_one_row_prints_a_table_and_ends_with_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--row", "3"]) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0].split() == ["row", "law", "quantity", "value", "expected", "unit", "tolerance", "verdict"]
    assert all(line.split()[0] == "3" for line in lines[1:-1])
    assert any(line.endswith("fails, as it must") for line in lines)
    assert "0 FAILED" in lines[-1]
    assert "row_03_diffusion" in printed.err


def test_json_holds_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--row", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [set(one) for one in found] == [set(Check._fields)] * len(found)
    assert all(one["passed"] is True and isinstance(one["value"], float) for one in found)


def test_a_failed_check_ends_with_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pretend(monkeypatch, check(True), check(False))
    assert main(["verify"]) == 1
    printed = capsys.readouterr().out
    assert "FAIL" in printed and "1 passed, 1 FAILED" in printed
    assert main(["verify", "--json"]) == 1


def test_a_control_that_meets_the_law_is_a_failure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pretend(monkeypatch, check(False, is_control=True))
    assert main(["verify"]) == 1
    assert capsys.readouterr().out.splitlines()[1].endswith("FAIL")


def test_an_unknown_row_is_the_users_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--row", "77"]) == 2
    assert "error: no row 77; rows are 1, 2, 3" in capsys.readouterr().err


def test_every_row_has_a_number_of_its_own_and_says_its_law() -> None:
    numbers = [number_of(name) for name in ROWS]
    assert numbers == sorted(set(numbers))
