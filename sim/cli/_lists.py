"""What a scenario can be made of, one line each: scenarios at hand, mechanism switches, keys of a scenario file."""

from typing import Any

from lesionlab.sim.scenario.couplings import MECHANISMS
from lesionlab.sim.scenario.scenario import scenario_model
from lesionlab.sim.schedule import PARAMETERS

WIDTH = 28
BLOCKS = {"lesions": "Lesion", "radiotherapy": "RadiotherapyCourse", "drugs": "Drug", "output": "Output"}
MEANINGS = {"schema": "version of the file format: 1", "start": "first day, a date", "end": "last day, a date",
            "seed": "number from which every random draw follows", "lesions": "each lesion by its name", "radiotherapy": "list of courses",
            "drugs": "each drug by its name; `describe drugs` lists those that are known", "scans": "dates of the scans",
            "output": "how often rows and pictures are kept", "extends": "another scenario file; state only what differs"}


def mechanisms() -> dict[str, str]:
    """Return every switch: what it couples, and what happens to whom without it."""
    return {name: f"{row.meaning}. Off: {row.without}." for name, row in MECHANISMS.items()}


def keys() -> dict[str, str]:
    """Return the keys of a scenario file, those of its blocks with dots, and the sections of parameters."""
    schema = scenario_model().model_json_schema(by_alias=True)
    found = {"extends": MEANINGS["extends"]}
    for name, node in schema["properties"].items():
        found[name] = f"parameters: {_line(node, name)}" if name in PARAMETERS else _line(node, name)
        place = {"radiotherapy": "radiotherapy[]", "output": "output"}.get(name, f"{name}.NAME")
        below = schema["$defs"][BLOCKS[name]]["properties"] if name in BLOCKS else {}
        found |= {f"{place}.{key}": _line(one, key) for key, one in below.items() if key not in ("evidence", "note")}
    return found


def _line(node: dict[str, Any], name: str) -> str:
    """Return what a key means, with its unit and default where it has them."""
    unit = f" ({node['unit']})" if node.get("unit", "1") != "1" else ""
    default = node.get("default")
    has_default = isinstance(default, int | float | str) and default != ""
    return f"{node.get('description') or MEANINGS.get(name, name.replace('_', ' '))}{unit}{f'; default {default}' if has_default else ''}"


def text(rows: dict[str, str]) -> str:
    """Return the rows for reading, the names in a column."""
    return "\n".join(f"{name:<{WIDTH}}  {line}" for name, line in rows.items())
