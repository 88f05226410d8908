"""The treatments of each arm, read from the scenario in its record, and the arms that together form a factorial.

Arms belong to one factorial if their scenarios differ in treatments only: same lesions, parameters, mechanisms, calendar. A
factor is a modality (all courses of radiotherapy, all drugs of a class); where arms take single courses away, each course is one.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from lesionlab.analysis.records.record import Record
from lesionlab.analysis.records.treatments import RADIOTHERAPY

NOT_COMPARED = ("arm", "title", "radiotherapy", "drugs", "output", "reported", "calibration")
COMMENTS = ("evidence", "note")


class Regimen(NamedTuple):
    """The treatments of an arm, and all the rest of its scenario."""

    treatments: frozenset["Treatment"]
    rest: str


class Treatment(NamedTuple):
    """A course or a drug: its factor by modality, its factor by itself, its canonical text, and the rank of its modality."""

    modality: str
    single: str
    text: str
    rank: int

    def factor(self, by: int) -> str:
        """Return its factor by modality (0) or by itself (1)."""
        return self.single if by else self.modality


@dataclass(frozen=True)
class Factorial:
    """Factors, and the arm of each subset of them that was run; the empty set is the untreated arm."""

    factors: tuple[str, ...]
    arms: dict[frozenset[str], str]

    @property
    def full(self) -> str:
        """The arm with every factor."""
        return self.arms[frozenset(self.factors)]

    @property
    def untreated(self) -> str:
        """The arm with none."""
        return self.arms[frozenset()]

    @property
    def singles(self) -> tuple[str, ...]:
        """The arms with one factor each, in the order of the factors."""
        return tuple(self.arms[frozenset([factor])] for factor in self.factors)

    @property
    def is_complete(self) -> bool:
        """Whether every subset of the factors was run."""
        return len(self.arms) == 2 ** len(self.factors)

    @property
    def combinations(self) -> tuple[frozenset[str], ...]:
        """The subsets of two or more factors that were run, the smallest first, in the order of the factors."""
        wide = [subset for subset in self.arms if len(subset) > 1]
        return tuple(sorted(wide, key=lambda subset: (len(subset), sorted(map(self.factors.index, subset)))))


def regimen(record: Record) -> Regimen:
    """Return the treatments of the arm of a record."""
    return _read(record.scenario_yaml, tuple((row.name, row.component) for row in record.classes))


@lru_cache(maxsize=256)
def _read(text: str, classes: tuple[tuple[str, str | None], ...]) -> Regimen:
    try:
        tree = YAML(typ="safe").load(StringIO(text))
    except YAMLError:
        tree = None
    bare = _bare(tree if isinstance(tree, dict) else {"text": text})
    treatments = frozenset(_treatments(bare, classes))
    return Regimen(treatments, _text({key: value for key, value in bare.items() if key not in NOT_COMPARED}))


def _bare(node: Any) -> Any:
    """Return a tree without evidence and notes, which change no result."""
    if isinstance(node, dict):
        return {key: _bare(value) for key, value in node.items() if key not in COMMENTS}
    return [_bare(entry) for entry in node] if isinstance(node, list) else node


def _text(node: Any) -> str:
    return json.dumps(node, sort_keys=True, default=str)


def _treatments(tree: Mapping[str, Any], classes: Sequence[tuple[str, str | None]]) -> Iterator[Treatment]:
    """Yield every course and drug, named as `lesionlab.sim.scenario.arms` names the components of a scenario."""
    seen: dict[str, int] = {}
    for course in tree.get(RADIOTHERAPY) or ():
        name = f"{RADIOTHERAPY}_{course.get('name') or course['lesion']}"
        seen[name] = seen.get(name, 0) + 1
        yield Treatment(RADIOTHERAPY, name if seen[name] == 1 else f"{name}_{seen[name]}", _text(course), 0)
    drugs = tree.get("drugs") or {}
    for rank, (kind, component) in enumerate(classes, 1):
        of_class = {name: drug for name, drug in drugs.items() if drug["class"] == kind}
        factor = component or "_".join(of_class)
        yield from (Treatment(factor, factor, _text({name: drug}), rank) for name, drug in of_class.items())


def factorial(arms: Mapping[str, Record]) -> Factorial | None:
    """Return the factorial among arms (name to one of its records), by modality or course by course, whichever has more arms.

    It holds at least the untreated arm, each factor alone, and all together; None if there is no such set of two or more factors.
    """
    known = {name: regimen(record) for name, record in arms.items()}
    candidates = []
    for whole in known.values():
        alike = {name: one for name, one in known.items() if one.rest == whole.rest and one.treatments <= whole.treatments}
        candidates += [found for by in (0, 1) if (found := _grouped(whole, alike, by)) is not None]
    return max(candidates, key=lambda found: len(found.arms), default=None)


def _grouped(whole: Regimen, alike: Mapping[str, Regimen], by: int) -> Factorial | None:
    """Return the factorial of the arms that are unions of whole factors."""
    ranks = {treatment.factor(by): treatment.rank for treatment in whole.treatments}
    factors = tuple(sorted(ranks, key=lambda name: (ranks[name], name)))
    cells: dict[frozenset[str], str] = {}
    for name, one in alike.items():
        present = frozenset(treatment.factor(by) for treatment in one.treatments)
        if one.treatments == {treatment for treatment in whole.treatments if treatment.factor(by) in present}:
            cells.setdefault(present, name)
    needed = [frozenset(), *(frozenset([factor]) for factor in factors), frozenset(factors)]
    return Factorial(factors, cells) if len(factors) > 1 and all(cell in cells for cell in needed) else None
