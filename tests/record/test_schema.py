"""The schema of a record is its one list of names: no other module spells the name of a part or an attribute."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from lesionlab.sim.record.schema import DECLARED, SNAPSHOT_FIELDS, Attribute, Part

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
