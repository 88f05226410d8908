"""Reading scenarios: YAML 1.2 with the position of every key, `extends` and `--set`; all mistakes are reported together.

Files are merged by RFC 7396: maps merge, lists and plain values replace, null removes an inherited key. `arm`, `title`
and the file's top-level `note` belong to that file alone and are not inherited.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lesionlab.sim.parameters.all_mistakes import all_mistakes
from lesionlab.sim.parameters.errors import UserError, did_you_mean
from lesionlab.sim.parameters.messages import Mistake, explain
from lesionlab.sim.scenario.scenario import Scenario, scenario_model
from lesionlab.sim.scenario.yaml_document import Document, merge, override, parse
from lesionlab.sim.treatment.drug_library import completed, unknown

OWN_KEYS = ("arm", "title", "note")
LARGEST_BYTES, MOST_EXTENDED = 2**19, 50


def scenario_folder() -> Path:
    """Return the folder of the scenarios that come with LesionLab."""
    return (Path(__file__).parents[2] / "scenarios").resolve()


@dataclass(frozen=True)
class Source:
    """What a scenario is made of, before any change: its files merged, with their positions, and its name without an `arm`."""

    document: Document
    name: str

    def scenario(self, overrides: Sequence[str] = ()) -> Scenario:
        """Return the validated scenario with `path=value` overrides; the source stays as it is, for the next.

        Raises UserError with all mistakes, one per line: `file:line:col: path: message`.
        """
        own = replace(self.document, content=deepcopy(self.document.content), places=dict(self.document.places),
                      mistakes=list(self.document.mistakes), reported=set(self.document.reported))
        return _checked(own, self.name, overrides)


def read_source(path: str | Path) -> Source:
    """Return what a scenario's file says, or the scenario of this bare name that comes with LesionLab; raises UserError."""
    chosen = _found(Path(path))
    return Source(_read(chosen, ()), chosen.stem)


def source_of_text(text: str, name: str = "scenario") -> Source:
    """Return what a text without `extends` says; `name` stands for the file in errors."""
    return Source(merge(Document(), parse(text, name)), name)


def bundled() -> dict[str, str]:
    """Return every scenario that comes with LesionLab by name, with the question it answers."""
    texts = {path.stem: parse(text_of(path), str(path)).content for path in sorted(scenario_folder().glob("*.yaml"))}
    return {name: str(content.get("title", "")) for name, content in texts.items()}


def load_scenario(path: str | Path, overrides: Sequence[str] = ()) -> Scenario:
    """Read a scenario from a file, or by its bare name if it comes with LesionLab; apply `path=value` overrides.

    Raises UserError with all mistakes, one per line: `file:line:col: path: message`.
    """
    return read_source(path).scenario(overrides)


def assignments(changes: Mapping[str, Any], block: str = "") -> list[str]:
    """Return changes as `path=value` overrides: blocks are taken apart, so that they merge; lists and plain values replace.

    None takes a key away. Dates and numbers of NumPy are written as YAML has them.
    """
    found = []
    for key, value in changes.items():
        path = f"{block}.{key}" if block else str(key)
        found += assignments(value, path) if isinstance(value, Mapping) and value else [f"{path}={typed(value)}"]
    return found


def typed(value: Any) -> str:
    """Return a value as an override takes it."""
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    """Return as plain data what JSON does not know: a date, a number or an array of NumPy, a block of a scenario."""
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    return value.tolist() if hasattr(value, "tolist") else str(value)


def load_all(paths: Sequence[str | Path], overrides: Sequence[str] = ()) -> list[Scenario]:
    """Read several scenarios; raises UserError with the mistakes of all of them, each said once."""
    scenarios, mistakes = [], list[str]()
    for path in paths:
        try:
            scenarios.append(load_scenario(path, overrides))
        except UserError as error:
            mistakes += [line for line in str(error).splitlines() if line not in mistakes]
    if mistakes:
        raise UserError("\n".join(mistakes))
    return scenarios


def files_of(path: str | Path) -> tuple[Path, ...]:
    """Return the file of a readable scenario and the files that it extends, in order of extension."""
    files = [_found(Path(path))]
    while under := _extended(parse(_text(files[-1], ""), str(files[-1])), files[-1]):
        files.append(under[0])
    return tuple(files)


def _found(path: Path, otherwise: Path | None = None) -> Path:
    """Return the path if it exists, else the scenario of this bare name that comes with LesionLab, else `otherwise` or the path."""
    bundled = scenario_folder() / f"{path.stem}.yaml"
    if not os.path.isfile(path) and path.parent == Path() and os.path.isfile(bundled):
        return bundled
    return path if otherwise is None else otherwise


def scenario_from_text(text: str, source: str = "scenario", overrides: Sequence[str] = ()) -> Scenario:
    """Return the scenario given by a text without `extends`, such as the one stored in a record; `source` names it in errors."""
    return source_of_text(text, source).scenario(overrides)


def _checked(document: Document, name: str, overrides: Sequence[str]) -> Scenario:
    """Return the validated scenario of a merged document."""
    for assignment in overrides:
        try:
            override(document, assignment)
        except UserError as error:
            document.mistakes.append(str(error))
    document.content.setdefault("arm", re.sub(r"[^A-Za-z0-9_.-]+", "_", name).lstrip("_.-") or "scenario")
    model = scenario_model()
    content = _with_library(document)
    try:
        scenario = model.model_validate_json(json.dumps(content))
    except ValidationError as error:
        found = explain(error, model, content, is_part=True) if document.is_part else all_mistakes(error, model, content)
        for mistake in found:
            # An unknown drug is one mistake, not one for each key that it lacks.
            is_said = mistake.is_key and mistake.path[:2] in document.reported and mistake.path[2:] in (("class",), ("pharmacokinetics",))
            if not is_said:
                document.report(mistake)
    if document.mistakes:
        raise UserError("\n".join(document.mistakes))
    return scenario


def _with_library(document: Document) -> dict[str, Any]:
    """Return the content of a document with what the library of drugs knows; report the drugs that it does not know."""
    content: dict[str, Any] = document.content
    drugs = content.get("drugs")
    if not isinstance(drugs, dict):
        return content
    blocks = {name: block for name, block in drugs.items() if isinstance(block, dict)}
    for name, block in blocks.items():
        if not document.is_part and (wrong := unknown(name, block)):
            document.report(Mistake(("drugs", name), wrong))
    return content | {"drugs": drugs | {name: completed(name, block) for name, block in blocks.items()}}


def _read(path: Path, extending: tuple[Path, ...], asked_at: str = "") -> Document:
    """Return a file merged over the files that it extends."""
    if len(extending) > MOST_EXTENDED:
        raise UserError(f"{asked_at}{path}: more than {MOST_EXTENDED} files extend one another")
    document = parse(_text(path, asked_at), str(path))
    own = Path(os.path.realpath(path))
    if own in extending:
        raise UserError(f"{asked_at}{path}: this file extends itself")
    try:
        extended = _extended(document, path)
        if extended is None:
            return merge(Document(), document)
        below, place = extended
        under = _read(below, (*extending, own), place)
    except UserError as error:
        # What is wrong with this file itself is said too.
        return merge(Document(mistakes=str(error).splitlines(), is_part=True), document)
    for key in OWN_KEYS:
        under.content.pop(key, None)
    return merge(under, document)


def _extended(document: Document, path: Path) -> tuple[Path, str] | None:
    """Remove `extends` from a document; return the file that it names, and its position as an error prefix."""
    if document.content.get("extends") is None:
        return None
    below = document.content.pop("extends")
    place = f"{document.places[('extends',)][1]}: extends: "
    if not isinstance(below, str) or not below:
        raise UserError(f"{place}must name one file (got {below!r})")
    beside = Path(os.path.normpath(path.parent / below))
    return beside if os.path.isfile(beside) else _found(Path(below), beside), place


def _text(path: Path, asked_at: str) -> str:
    """Return a file's text; the error for a missing file suggests the scenario with the most similar name."""
    try:
        return text_of(path)
    except FileNotFoundError:
        beside = {name for folder in (path.parent, scenario_folder()) for name in _scenarios_in(folder)}
        raise UserError(f"{asked_at}{path}: no such file{did_you_mean(path.name, sorted(beside))}") from None
    except UserError as error:
        raise UserError(f"{asked_at}{error}") from None


def _scenarios_in(folder: Path) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if name.endswith(".yaml")]
    except OSError:
        return []


def text_of(path: Path) -> str:
    """Return the text of a file of at most `LARGEST_BYTES`.

    Raises:
        FileNotFoundError: the file does not exist.
        UserError: it is no regular file (a pipe might never end), too large, or not UTF-8 text.
    """
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            raise UserError(f"{path}: is a folder" if os.path.isdir(path) else f"{path}: is no regular file")
        with open(path, "rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UserError(f"{path!s:.100}: is no name that a file can have: {error}") from None
    if len(content) > LARGEST_BYTES:
        raise UserError(f"{path}: is larger than {LARGEST_BYTES // 1024} KiB, which no scenario needs")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file in UTF-8") from None
