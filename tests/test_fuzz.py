"""A short search for inputs gone wrong, in seconds; `python -m tests.fuzz` searches long."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.scenario.load import scenario_from_text
from tests import fuzz
from tests.fuzz import BITS, CORPUS, PATHS
from tests.tiny_arm import TREATED

QUICK = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
FAULTS = ("TRACEBACK", "SLOW", "ACCEPTED")
PIECES = st.lists(st.sampled_from([*BITS, *CORPUS]) | st.text(max_size=8), max_size=4).map("".join)


def ends(text: str, overrides: list[str]) -> None:
    """Read a scenario: it is taken, or refused with a message."""
    said = "taken"
    try:
        scenario_from_text(text, overrides=overrides)
    except UserError as error:
        said = str(error)
    assert said.strip()


@pytest.mark.parametrize("line", CORPUS)
def test_every_line_of_the_corpus_is_taken_or_refused(line: str) -> None:
    ends(f"{TREATED}{line}\n", [])


@QUICK
@given(place=st.integers(0, len(TREATED)), length=st.integers(0, 20), piece=PIECES)
def test_a_scenario_with_a_piece_put_in_is_taken_or_refused(place: int, length: int, piece: str) -> None:
    ends(TREATED[:place] + piece + TREATED[place + length:], [])


@QUICK
@given(path=st.sampled_from(PATHS) | st.text(max_size=12), value=PIECES)
def test_any_set_is_taken_or_refused(path: str, value: str) -> None:
    ends(TREATED, [f"{path}={value}"])


@pytest.mark.parametrize("number", range(6))
def test_mutated_designs_are_taken_or_refused(number: int, tmp_path: Path) -> None:
    assert not fuzz.one("designs", 7, number, tmp_path).startswith(FAULTS)


@pytest.mark.parametrize("number", range(6))
def test_damaged_records_are_shown(number: int, tmp_path: Path, record: bytes) -> None:
    (tmp_path / "whole.h5").write_bytes(record)
    (tmp_path / "own").mkdir()
    assert not fuzz.one("records", 7, number, tmp_path / "own").startswith(FAULTS)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    fuzz.whole_record(folder := tmp_path_factory.mktemp("whole"))
    return (folder / "whole.h5").read_bytes()


def test_a_fault_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(stream: random.Random, folder: Path) -> str:
        raise IndexError("out of range")

    monkeypatch.setitem(fuzz.KINDS, "sets", (breaks, 1))
    assert fuzz.one("sets", 1, 1, tmp_path).startswith("TRACEBACK IndexError: out of range (test_fuzz.py:")
