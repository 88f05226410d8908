"""The JSON Schema of scenario files, by which an editor completes keys and marks what is unknown.

It is looser than the check: a file that extends another states only what differs, and null takes a key away.
"""

import json
from typing import Any

from lesionlab.sim.scenario.scenario import scenario_model

DROPPED = frozenset({"title", "required", "default", "low", "high", "evidence", "source"})
COMMAND = "lesionlab describe --schema > scenarios/scenario.schema.json"


def schema_text() -> str:
    """Return the schema as it is kept beside the scenarios."""
    schema = _without(scenario_model().model_json_schema(by_alias=True), DROPPED)
    schema["properties"] = {name: _or_null(known) for name, known in schema["properties"].items()}
    for name in ("lesions", "drugs"):
        blocks = schema["properties"][name]["anyOf"][0]
        blocks["patternProperties"] = {pattern: _or_null(known) for pattern, known in blocks["patternProperties"].items()}
    schema["properties"]["extends"] = {"type": "string", "description": "another scenario file; state only what differs"}
    schema["title"] = "LesionLab scenario"
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=1, ensure_ascii=False) + "\n"


def _or_null(known: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [known, {"type": "null"}]}


def _without(node: Any, dropped: frozenset[str], is_names: bool = False) -> Any:
    """Return a schema without some keywords; keys of `properties` and the like are names, not keywords."""
    if isinstance(node, list):
        return [_without(below, dropped) for below in node]
    if not isinstance(node, dict):
        return node
    names = ("properties", "patternProperties", "$defs")
    return {key: _without(below, dropped, not is_names and key in names) for key, below in node.items() if is_names or key not in dropped}
