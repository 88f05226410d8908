"""The numbers of README and docs: the quick ones are those that their command gives today; the others carry version and command."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def numbers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_numbers", ROOT / "docs/made_numbers.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made(numbers: ModuleType) -> dict[str, str]:
    return {name: make() for name, make in numbers.QUICK.items()}


def test_quick_numbers_are_those_of_today(numbers: ModuleType, made: dict[str, str]) -> None:
    assert [line for page in numbers.pages() for line in numbers.differing(made, page.read_text(encoding="utf-8"), page.name)] == []


def test_every_block_has_a_command_and_every_command_a_block(numbers: ModuleType) -> None:
    found = {name for page in numbers.pages() for _, name, _ in numbers.BLOCK.findall(page.read_text(encoding="utf-8"))}
    assert found == set(numbers.QUICK | numbers.SLOW)


def test_numbers_of_runs_carry_their_version(numbers: ModuleType) -> None:
    blocks = [found for page in numbers.pages() for found in numbers.BLOCK.finditer(page.read_text(encoding="utf-8"))]
    slow = [found.group() for found in blocks if found[2] in numbers.SLOW]
    assert slow and all(re.search(r"model \d+\.\d+\.\d+\S*\+[0-9a-f]{12}", block) for block in slow)


def test_a_number_that_was_changed_by_hand_is_found_and_written_anew(numbers: ModuleType, made: dict[str, str]) -> None:
    right = f"before\n<!-- numbers: regimen -->\n{made['regimen']}<!-- end of numbers -->\nafter\n"
    wrong = right.replace("40 Gy", "41 Gy")
    assert wrong != right and list(numbers.differing(made, right, "a.md")) == []
    assert list(numbers.differing(made, wrong, "a.md")) == ["a.md: the numbers of regimen are not those of today; run `make numbers`"]
    assert numbers.rewritten(made, wrong) == right
