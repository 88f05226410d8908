"""The files of a study: YAML read into a strict model, every mistake with its place, as in scenarios; rows written as CSV."""

import csv
import json
from collections.abc import Iterable, Sequence
from math import isnan
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.parameters.messages import explain
from lesionlab.sim.parameters.quantities import Strict
from lesionlab.sim.scenario.load import text_of
from lesionlab.sim.scenario.yaml_document import Document, parse

Model = TypeVar("Model", bound=Strict)


def read_as(path: Path, model: type[Model]) -> tuple[Model, Document]:
    """Return the checked model of a file and its document; raises UserError with every mistake as `file:line:col: path: message`."""
    try:
        document = parse(text_of(path), str(path))
    except FileNotFoundError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        checked = model.model_validate_json(json.dumps(document.content))
    except ValidationError as error:
        for mistake in explain(error, model, document.content):
            document.report(mistake)
    if document.mistakes:
        raise UserError("\n".join(document.mistakes))
    return checked, document


def write_rows(path: Path, heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows as CSV under a heading; a number that is nan leaves its cell empty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heading)
        writer.writerows(["" if isinstance(value, float) and isnan(value) else value for value in row] for row in rows)
