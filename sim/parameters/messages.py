"""Messages about mistakes in a scenario, in the user's terms: the place, what is allowed, what was given, the nearest name.

`refuse` raises the mistakes that a block of a scenario finds in itself; `explain` turns pydantic's errors into mistakes.
"""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from lesionlab.sim.parameters.errors import did_you_mean, nearest

Path = tuple[str | int, ...]

WORDS = {
    "missing": "must be given",
    "extra_forbidden": "unknown key",
    "greater_than": "must be greater than {gt:g}{unit}",
    "greater_than_equal": "must be at least {ge:g}{unit}",
    "less_than": "must be less than {lt:g}{unit}",
    "less_than_equal": "must be at most {le:g}{unit}",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "is too large",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "literal_error": "must be {expected}",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "tuple_type": "must be a list",
    "dict_type": "must be a block of keys",
    "model_type": "must be a block of keys",
}
PATTERNS = {
    r"^[a-z][a-z0-9_]*$": "must be a name of lower-case letters, digits and _, starting with a letter",
    r"^[A-Za-z0-9][A-Za-z0-9_.-]*$": "must be a name of letters, digits, _, . and -, starting with a letter or a digit",
}
HANG_ON_THE_REST = {"missing", "mistakes"}
NOTHING_TO_QUOTE = {"missing", "extra_forbidden", "too_short", "too_long"}


class Mistake(NamedTuple):
    """One mistake: the path of what is wrong, the message, and whether the key, not the value, is wrong."""

    path: Path
    message: str
    is_key: bool = False


def refuse(found: Iterable[tuple[Path, str]]) -> None:
    """Raise the mistakes found in a block, each with its path below the block; return if there are none."""
    listed = list(found)
    if listed:
        raise PydanticCustomError("mistakes", "several mistakes", {"found": listed})


def twice(entries: Iterable[Any]) -> list[tuple[int, Any]]:
    """Return the entries of a list that stand there already, each with its place."""
    listed = list(entries)
    return [(index, entry) for index, entry in enumerate(listed) if entry in listed[:index]]


def path_text(path: Path) -> str:
    """Return a path as it is written in messages and in --set: `radiotherapy[0].volumes.mass`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def explain(error: ValidationError, model: type[BaseModel], content: Any, is_part: bool = False) -> list[Mistake]:
    """Return the mistakes in a refused scenario, whose content separates its own keys from the marks that pydantic puts among them.

    A parent is left out where one of its children is reported. Of a part of a scenario (`is_part`) only what is wrong whatever the
    rest may be.
    """
    schema = _schema(model)
    mistakes = [mistake for detail in error.errors(include_url=False) if not (is_part and detail["type"] in HANG_ON_THE_REST)
                for mistake in _mistakes(detail, schema, content)]
    paths = {mistake.path for mistake in mistakes}
    return [mistake for mistake in mistakes
            if mistake.is_key or not any(len(path) > len(mistake.path) and path[:len(mistake.path)] == mistake.path for path in paths)]


def _own_path(detail: ErrorDetails, content: Any) -> Path:
    """Return the path of an error in what the user wrote; a key that is missing is its last part."""
    path: list[str | int] = []
    for number, part in enumerate(detail["loc"]):
        is_last = number == len(detail["loc"]) - 1
        places = range(len(content)) if isinstance(content, list) else content if isinstance(content, dict) else ()
        is_own = part in places
        if is_own:
            content = content[part]
        if is_own or (is_last and detail["type"] == "missing"):
            path.append(part)
    return tuple(path)


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of a model, which takes some time to make."""
    return model.model_json_schema()


def _mistakes(detail: ErrorDetails, schema: dict[str, Any], content: Any) -> list[Mistake]:
    """Return the mistakes that one pydantic error stands for."""
    path = _own_path(detail, content)
    is_name = detail["loc"][-1:] == ("[key]",) and detail["type"] != "extra_forbidden"
    if detail["type"] == "mistakes":
        return [Mistake((*path, *below), message) for below, message in detail["ctx"]["found"]]
    kind, value = detail["type"], detail["input"]
    field = _nodes(schema, path)
    if kind == "extra_forbidden":
        known = [name for node in _nodes(schema, path[:-1]) for name in node.get("properties", ())]
        return [Mistake(path, "unknown key" + did_you_mean(str(path[-1]), known), is_key=True)]
    if is_name and kind == "literal_error":
        known = [name for node in _nodes(schema, path[:-1]) for name in node.get("propertyNames", {}).get("enum", ())]
        return [Mistake(path, "unknown key" + did_you_mean(str(path[-1]), known), is_key=True)]
    message = _words(kind, detail, field)
    if kind not in NOTHING_TO_QUOTE:
        message += f" (got {_quoted(value)})"
    if kind == "literal_error" and isinstance(value, str):
        message += nearest(value, [str(word) for node in field for word in node.get("enum", ())])
    return [Mistake(path, message, is_key=is_name or kind == "missing")]


def _words(kind: str, detail: ErrorDetails, field: list[dict[str, Any]]) -> str:
    """Return what is allowed, with the unit, the whole range and where it comes from if the field declares them."""
    unit = next((f" {node['unit']}" for node in field if node.get("unit", "1") != "1"), "")
    bounded = next((node for node in field if "low" in node), None)
    if bounded is not None and kind in ("greater_than_equal", "less_than_equal"):
        return f"must lie between {bounded['low']:g} and {bounded['high']:g}{unit}, {bounded['evidence']}: {bounded['source']}"
    if kind.startswith("date"):
        return "must be a date such as 2021-07-06"
    if kind == "string_pattern_mismatch":
        pattern = str(detail["ctx"]["pattern"])
        return PATTERNS.get(pattern, f"must match {pattern}")
    return WORDS[kind].format(unit=unit, **detail.get("ctx", {})) if kind in WORDS else detail["msg"]


def _quoted(value: Any) -> str:
    """Return a given value as YAML shows it, cut to one short line."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, default=str)
    text = text.replace("NaN", "nan").replace("Infinity", "inf")
    return text if len(text) <= 60 else text[:57] + "..."


def _nodes(schema: dict[str, Any], path: Path) -> list[dict[str, Any]]:
    """Return the nodes of a JSON schema that describe what stands at a path."""
    nodes = _alternatives(schema, schema)
    for part in path:
        below = []
        for node in nodes:
            if part in node.get("properties", {}):
                below.append(node["properties"][part])
            elif isinstance(part, int):
                below += [node["items"]] if "items" in node else []
            else:
                below += [*node.get("patternProperties", {}).values()]
        nodes = [other for node in below for other in _alternatives(schema, node)]
    return nodes


def schema_nodes(model: type[BaseModel], path: Path) -> list[dict[str, Any]]:
    """Return the nodes of a model's JSON schema that describe what stands at a path."""
    return _nodes(_schema(model), path)


def unit_at(model: type[BaseModel], dotted: str) -> str:
    """Return the unit that a model declares for what stands at a dotted path, as `hypoxia.necrosis_per_h`; "" where it declares none."""
    path = tuple(int(part) if part.isdigit() else part for part in dotted.replace("[", ".").replace("]", "").split("."))
    return next((str(node["unit"]) for node in _nodes(_schema(model), path) if "unit" in node), "")


def _alternatives(schema: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a node and all that it refers to or offers as an alternative."""
    found = [node]
    if "$ref" in node:
        found += _alternatives(schema, schema["$defs"][node["$ref"].rsplit("/", 1)[-1]])
    for choice in (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())):
        found += _alternatives(schema, choice)
    return found
