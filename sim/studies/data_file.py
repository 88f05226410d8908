"""Reading a study's YAML into a strict model: every mistake with its place, as in scenarios."""

import json
from pathlib import Path
from typing import TypeVar

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
