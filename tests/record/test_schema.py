"""The schema of a record is its one list of names: no other module spells the name of a part or an attribute."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lesionlab.analysis.figures.style import DEATH_CAUSES
from lesionlab.analysis.records.record import DEATHS, EXPECTED
from lesionlab.sim.measures.series import MEASURES
from lesionlab.sim.record.schema import DECLARED, SNAPSHOT_FIELDS, Attribute, Part
from lesionlab.sim.state.codes import Hazard

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [*(ROOT / "sim").rglob("*.py"), *(ROOT / "analysis").rglob("*.py")]
ATTRIBUTES, DATASETS = {str(name) for name in Attribute}, {*map(str, Part), *(field.name for field in SNAPSHOT_FIELDS), *DECLARED.datasets}
OF_ATTRIBUTES = ("attributes", "attrs")
OF_DATASETS = {"file", "group", "source", "target", "taken", "pictures", "dataset", "column", "axis", "record"}
"""What holds attributes is called so; what is open as HDF5 has one of these names."""
ALLOWED = {
    "sim/record/seal.py": "it also runs alone, as a script, and imports nothing of ours",
}


def keys(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Yield every text by which something is looked up: line, what it is looked up in, the text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            yield node.lineno, ast.unparse(node.value), str(node.slice.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop", "update"):
            first = [argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)]
            names = [str(word.arg) for word in node.keywords] if node.func.attr == "update" else []
            yield from ((node.lineno, ast.unparse(node.func.value), str(name)) for name in (*first, *names))
        elif isinstance(node, ast.Compare) and isinstance(node.left, ast.Constant) and isinstance(node.ops[0], ast.In | ast.NotIn):
            yield node.lineno, ast.unparse(node.comparators[0]), str(node.left.value)


def copies(text: str) -> list[tuple[int, str]]:
    """Return the lines of a source that spell a name of the schema as a key of a record, with the name."""
    return [(line, key) for line, of, key in keys(ast.parse(text))
            if (of.endswith(OF_ATTRIBUTES) and key in ATTRIBUTES) or (of in OF_DATASETS and key in DATASETS)]


def test_no_module_spells_a_name_that_the_schema_declares() -> None:
    places = {path.relative_to(ROOT).as_posix(): path for path in SOURCES}
    found = [f"{place}:{line}: {name}" for place, path in places.items() if place not in ALLOWED
             for line, name in copies(path.read_text(encoding="utf-8"))]
    assert found == []


def test_what_is_allowed_is_needed() -> None:
    assert [place for place in ALLOWED if not copies((ROOT / place).read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("source", [
    'file["time"]', 'record.attributes.get("seed", 0)', 'group.attrs["units"] = 1', '"fork_day" in run.attributes',
    'file.attrs.update(status="complete")', 'group["cell_state"][:]', 'file.pop("checkpoint", None)'])
def test_a_copied_name_would_be_seen(source: str) -> None:
    assert len(copies(source)) == 1


@pytest.mark.parametrize("source", ["file[Part.TIME]", 'values["scale"]', 'parameters["oxygen"]', 'row["arm"]'])
def test_a_name_of_something_else_is_let_through(source: str) -> None:
    assert copies(source) == []


def test_the_schema_names_every_part_once() -> None:
    assert len(set(Part)) == len(list(Part)) and len(set(Attribute)) == len(list(Attribute))
    assert set(DECLARED.attributes) <= ATTRIBUTES
    assert set(DECLARED.datasets) | set(DECLARED.pictures) <= DATASETS


def series_named(text: str) -> set[str]:
    """Return the names of series that a source of `analysis` reads from a record."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("values", "of_lesion", "Quantity", "curve"):
            texts = [str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)]
            found |= {text for text in texts if re.fullmatch(r"[a-z]+[a-z0-9_]*_\w+", text)}
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith(".series") and isinstance(node.slice, ast.Constant):
            found.add(str(node.slice.value))
    return found


def test_analysis_reads_only_series_that_a_record_has() -> None:
    """A mistyped name would be a line of nothing: a series that is not there is all nan."""
    known = {m.name for m in MEASURES}
    named = {name: path.name for path in (ROOT / "analysis").rglob("*.py") for name in series_named(path.read_text(encoding="utf-8"))}
    assert len(named) > 10 and {name: place for name, place in named.items() if name not in known} == {}


def test_a_mistyped_series_would_be_seen() -> None:
    assert series_named('values(record, "hypoxic_share", lesion); record.series["typo"]; Quantity("t_cells", "T cells")') == {
        "hypoxic_share", "typo", "t_cells"}


def test_units_that_stand_in_for_a_lost_series_are_those_of_the_series() -> None:
    assert {m.name: m.unit for m in MEASURES if m.name in EXPECTED} == EXPECTED


def test_every_cause_of_death_is_drawn() -> None:
    deaths = tuple(m.name for m in MEASURES if m.name.startswith("deaths_"))
    assert deaths == DEATHS == tuple(DEATH_CAUSES)
    assert len(deaths) == len(Hazard) - 1, "all but division"
