"""A YAML 1.2 text as plain values with their positions, so that each mistake is reported with its position.

Duplicate keys, missing values and other mistakes in a readable text are collected, not raised, so that a user sees all at once.
"""

import re
import warnings
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from lesionlab.sim.parameters.errors import UserError, nearest
from lesionlab.sim.parameters.messages import Mistake, Path, path_text

DEEPEST, MOST_VALUES = 10, 100_000
"""Limits on nesting and on the number of values, with anchors expanded; both are above those of any scenario."""
UNSAYABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""Control characters other than tab and line feed, and lone surrogates."""
CONSTRUCTED = {f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float")}


@dataclass
class Document:
    """A scenario as plain values, the position (`file:line:col`) of each key and value, and the mistakes found so far.

    `is_part`: a file that it extends cannot be had.
    """

    content: Any = field(default_factory=dict)
    places: dict[Path, tuple[str, str]] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)
    reported: set[Path] = field(default_factory=set)
    n_values: int = 0
    is_part: bool = False

    def report(self, mistake: Mistake) -> None:
        """Record the first mistake of each path with its position; a missing key gets that of the nearest enclosing block."""
        if mistake.path in self.reported:
            return
        self.reported.add(mistake.path)
        path = mistake.path
        while path and path not in self.places:
            path = path[:-1]
        place = self.places[path][0 if mistake.is_key else 1]
        where = path_text(mistake.path)
        self.mistakes.append(f"{place}: {where}: {mistake.message}" if where else f"{place}: {mistake.message}")



def parse(text: str, source: str) -> Document:
    """Return the document of one YAML text; raises UserError if the text is not YAML or not a block of keys."""
    document = _parsed(text, source, source)
    if not isinstance(document.content, dict):
        raise UserError(f"{source}:1:1: a scenario is a block of keys, such as `schema: 1`")
    return document


def _parsed(text: str, source: str, place_of_all: str) -> Document:
    """Return the document of one YAML text with any content; an empty text is an empty block."""
    document = Document(places={(): (f"{source}:1:1", f"{source}:1:1")})
    yaml = YAML(typ="safe", pure=True)
    try:
        with warnings.catch_warnings(action="ignore"):
            root = yaml.compose(text)
        document.content = {} if root is None else _plain(root, (), document, yaml)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        raise UserError(f"{place}: not readable as YAML: {error.problem or error.context}") from None
    except RecursionError:
        raise UserError(f"{place_of_all}: not readable as YAML: nested too deeply") from None
    except Exception as error:
        # The library raises more kinds of errors than it documents.
        said = str(error).splitlines() or [type(error).__name__]
        raise UserError(f"{place_of_all}: not readable as YAML: {said[0]}") from None
    return document


def _plain(node: Node, path: Path, document: Document, yaml: YAML) -> Any:
    """Return a node's plain value and record the positions of everything in it."""
    document.n_values += 1
    if len(path) > DEEPEST:
        raise RecursionError
    if document.n_values > MOST_VALUES:
        raise ValueError(f"it stands for more than {MOST_VALUES} values")
    if isinstance(node, MappingNode):
        return _block(node, path, document, yaml)
    if isinstance(node, SequenceNode):
        for number, item in enumerate(node.value):
            place = _place(item, document)
            document.places[(*path, number)] = (place, place)
        return [_plain(item, (*path, number), document, yaml) for number, item in enumerate(node.value)]
    return _single(node, path, document, yaml)


def _single(node: Node, path: Path, document: Document, yaml: YAML) -> Any:
    """Return the value of a scalar. Dates stay text: pydantic parses them and reports those that do not exist."""
    try:
        value = yaml.constructor.construct_object(node) if node.tag in CONSTRUCTED else node.value
    except Exception:
        value, wrong = None, f"'{node.value}' is no {str(node.tag).rpartition(':')[2]}, as its tag says"
    else:
        wrong = f"holds {unsayable(value)}, which no text may" if isinstance(value, str) and unsayable(value) else ""
        if isinstance(value, int) and abs(value) >= 2**63:
            wrong = "is too large a number"
    if wrong:
        document.report(Mistake(path, wrong))
    return None if wrong else value


def unsayable(text: str) -> str:
    """Return a short description of the first character that records and messages cannot hold; "" if there is none."""
    wrong = UNSAYABLE.search(text)
    return f"the character U+{ord(wrong[0]):04X}" if wrong else ""


def _block(node: MappingNode, path: Path, document: Document, yaml: YAML) -> dict[str, Any]:
    """Return the plain values of a block of keys; if a key is given twice, the first value is used."""
    content: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key, place = str(key_node.value), _place(key_node, document)
        wrong = _wrong_key(key_node)
        if wrong:
            document.mistakes.append(f"{place}: {path_text(path)}: {wrong}" if path else f"{place}: {wrong}")
            continue
        below = (*path, key)
        if key in content:
            first = document.places[below][0].rsplit(":", 2)[1]
            document.mistakes.append(f"{place}: {path_text(below)}: this key is given twice (first on line {first})")
            continue
        is_single = not isinstance(value_node, MappingNode | SequenceNode)
        document.places[below] = (place, _place(value_node, document) if is_single else place)
        content[key] = _plain(value_node, below, document, yaml)
    return content


def _wrong_key(node: Node) -> str:
    """Return what is wrong with a key; "" if it is valid."""
    if not isinstance(node, ScalarNode):
        return "a key must be a word, not a list or a block"
    if node.value == "<<" and not node.style:
        return "YAML 1.2 has no merge keys (<<): write the values out, or put them into a file of their own and extend it"
    return f"a key holds {unsayable(node.value)}, which no text may" if unsayable(node.value) else ""


def _place(node: Node, document: Document) -> str:
    """Return the position of a node as `file:line:col`."""
    source = document.places[()][0].rsplit(":", 2)[0]
    return f"{source}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def merge(under: Document, over: Document) -> Document:
    """Return one document merged over another by RFC 7396: maps merge, other values replace, null removes an inherited key."""
    kept = {path: place for path, place in under.places.items() if not _is_replaced(path, over.content)}
    merged = Document(places=kept | over.places, mistakes=[*under.mistakes, *over.mistakes],
                      reported=under.reported | over.reported, is_part=under.is_part)
    merged.content = _merged(under.content, over.content, (), merged)
    return merged


def _is_replaced(path: Path, over: Any) -> bool:
    """Return whether the value at a path is part of a list or value that the extending document replaces."""
    for key in path:
        if not isinstance(over, dict):
            return True
        if key not in over:
            return False
        over = over[key]
    return False


def _merged(under: Any, over: dict[str, Any], path: Path, document: Document) -> dict[str, Any]:
    """Return one block merged over another; null for a key that is not inherited is a mistake."""
    content = dict(under) if isinstance(under, dict) else {}
    for key, given in over.items():
        below = (*path, key)
        if given is not None:
            content[key] = _merged(content.get(key), given, below, document) if isinstance(given, dict) else given
        elif key in content:
            del content[key]
        else:
            document.report(Mistake(below, "has no value; give one or leave the key out" + nearest(key, content), is_key=True))
    return content


def override(document: Document, assignment: str) -> None:
    """Apply one `path=value` of the command line, such as `radiotherapy[0].fractions=5`; null removes a key."""
    place = f"--set {assignment}"
    written, equals, text = assignment.partition("=")
    if not equals or not re.fullmatch(r"\w+(\.\w+|\[\d{1,9}\])*", written.strip(), re.ASCII):
        raise UserError(f"{place}: must be path=value, such as radiotherapy[0].fractions=5 or lesions.neck.nodal=true")
    path: Path = tuple(int(part[1:-1]) if part[0] == "[" else part for part in re.findall(r"\w+|\[\d+\]", written))
    given = _typed_value(text.strip(), place)
    if given.mistakes:
        raise UserError("\n".join(given.mistakes))
    block = document.content
    for depth, part in enumerate(path[:-1]):
        document.places.setdefault(path[:depth + 1], (place, place))
        block = _step(block, part, path[:depth + 1], place)
    document.places |= {(*path, *below): (place, place) for below in given.places}
    last, value = path[-1], given.content
    if isinstance(block, list) or value is not None:
        block[_known(block, last, path, place)] = value
    elif last in block:
        del block[last]
    else:
        raise UserError(f"{place}: there is nothing to take away")


def _typed_value(text: str, place: str) -> Document:
    """Return the value typed on the command line: a YAML list, block, number or word, else the unchanged text.

    A title may contain `#` and `:`, which would need quotes in a file.
    """
    if not text:
        return Document(None, {(): (place, place)})
    if text[0] in "[{\"'!":
        try:
            return _parsed(text, place, place)
        except UserError as error:
            raise UserError(f"{place}: the value is not readable as YAML: {str(error).rpartition('YAML: ')[2]}") from None
    try:
        given = _parsed(text, place, place)
        is_whole = YAML(typ="safe", pure=True).compose(text).value == text
    except (UserError, AttributeError, YAMLError):
        is_whole = False
    if not is_whole:
        given = Document(text, {(): (place, place)})
    if isinstance(given.content, str) and (wrong := unsayable(given.content)):
        given.mistakes.append(f"{place}: holds {wrong}, which no text may")
    return given


def _step(block: Any, part: str | int, path: Path, place: str) -> Any:
    """Return the value at the next part of a path; a missing block is created."""
    known: Any = _known(block, part, path, place)
    return block[known] if isinstance(block, list) else block.setdefault(known, {})


def _known(block: Any, part: str | int, path: Path, place: str) -> str | int:
    """Return the part of a path if its block can contain it; raises UserError otherwise."""
    if isinstance(block, dict) and isinstance(part, str):
        return part
    if isinstance(block, list) and isinstance(part, int) and part < len(block):
        return part
    kind = f"a list of {len(block)}, counted from [0]" if isinstance(block, list) else "a single value, not a block"
    raise UserError(f"{place}: {path_text(path[:-1])} is {'a block of keys' if isinstance(block, dict) else kind}")
