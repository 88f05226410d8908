"""Every mistake of a file at once: what is wrong is replaced by a stand-in, so that the checks which it held back are made too.

A mistake that depends on a stand-in is not the user's. So the content is checked with two different stand-ins, and only what is
found with both is reported.
"""

import json
from copy import deepcopy
from datetime import date, timedelta
from typing import Any

from pydantic import BaseModel, ValidationError

from lesionlab.sim.parameters.messages import Mistake, Path, explain, schema_nodes

MOST_LOOKS = 5
_UNKNOWN = "unknown key"
_NONE = object()


def all_mistakes(error: ValidationError, model: type[BaseModel], content: Any) -> list[Mistake]:
    """Return the mistakes that a validation found, and those that they held back."""
    found = explain(error, model, content)
    for _ in range(MOST_LOOKS):
        first, second = (_judged(model, _repaired(model, content, found, choice)) for choice in (0, 1))
        paths = [mistake.path for mistake in found]
        further = [mistake for mistake in first if mistake in second and not any(_touches(mistake.path, path) for path in paths)]
        if not further:
            break
        found += further
    return found


def _judged(model: type[BaseModel], content: Any) -> list[Mistake]:
    try:
        model.model_validate_json(json.dumps(content))
    except ValidationError as error:
        return explain(error, model, content)
    return []


def _touches(path: Path, other: Path) -> bool:
    """Return whether one path leads to the other or through it."""
    shorter = min(len(path), len(other))
    return path[:shorter] == other[:shorter]


def _repaired(model: type[BaseModel], content: Any, found: list[Mistake], choice: int) -> Any:
    """Return the content with a stand-in for each mistake: nothing where the key may be left out, else a value that the schema allows."""
    repaired = deepcopy(content)
    for mistake in found:
        *above, last = mistake.path or ("",)
        block = _at(repaired, tuple(above))
        is_named = isinstance(block, dict) and isinstance(last, str) and (last in block or mistake.is_key)
        is_listed = isinstance(block, list) and isinstance(last, int) and last < len(block)
        if is_named and (mistake.message.startswith(_UNKNOWN) or _may_be_left_out(model, tuple(above), str(last))):
            block.pop(last, None)
        elif is_named or is_listed:
            beside = block if is_named and last not in ("start", "measured") else content
            value = _sample(model, mistake.path, choice, _day_of(beside, _day_of(content, f"2021-07-0{6 + choice}", choice), choice))
            if value is not _NONE:
                block[last] = value
    return repaired


def _at(content: Any, path: Path) -> Any:
    """Return what stands at a path; None if nothing does."""
    for part in path:
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            return None
    return content


def _day_of(block: Any, otherwise: str, choice: int) -> str:
    """Return a date for stand-ins: the day on which a block starts, if it says one, or the next."""
    try:
        first = date.fromisoformat(block["start"])
        return (first + timedelta(days=choice)).isoformat()
    except (KeyError, TypeError, ValueError, OverflowError):
        return otherwise


def _may_be_left_out(model: type[BaseModel], above: Path, key: str) -> bool:
    """Return whether a block is valid without a key: marks of evidence always, a named entry such as a lesion never."""
    if above[-1:] == ("evidence",):
        return True
    nodes = schema_nodes(model, above)
    return any(key in node.get("properties", {}) for node in nodes) and not any(key in node.get("required", ()) for node in nodes)


def _sample(model: type[BaseModel], path: Path, choice: int, day: str) -> Any:
    """Return a value that the schema allows at a path; `_NONE` if it says too little."""
    for node in schema_nodes(model, path):
        if node.get("enum"):
            return node["enum"][choice % len(node["enum"])]
        if "const" in node:
            return node["const"]
        kind = node.get("type")
        if kind in ("integer", "number"):
            return _number(node, choice)
        if kind == "string":
            return day if node.get("format") == "date" else f"stand_in_{choice}"
        if kind == "array":
            # Two lists of other proportions: a tumour twice as large would have the same shape.
            least = node.get("minItems", 0)
            return [_sample(model, (*path, number), choice * (least - number), day) for number in range(least)]
        if kind == "object":
            values = {key: _sample(model, (*path, key), choice, day) for key in node.get("required", ())}
            return _NONE if _NONE in values.values() else values
    return _NONE


def _number(node: dict[str, Any], choice: int) -> float:
    """Return one of two numbers within the limits of a schema's node, close to the lower one."""
    low = node.get("minimum", node.get("exclusiveMinimum", 0))
    span = node.get("maximum", node.get("exclusiveMaximum", low + 4)) - low
    if node["type"] == "integer":
        return int(min(low + 1 + choice, low + span))
    return float(low + min(1.0 + choice, span * (1 + choice) / 3.0))
