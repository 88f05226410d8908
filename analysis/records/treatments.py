"""Treatments as a record names them: the classes of drugs in their order, and the parts of a regimen after which arms are named.

Analysis knows no class of its own: a new one comes with the record.
"""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

RADIOTHERAPY, SCAN = "radiotherapy", "scan"


class DrugClass(NamedTuple):
    """A class of drugs: its name, its words, the drugs of a record in it (name, words), and the part that arms take away.

    Without `component` that part is named after the drugs.
    """

    name: str
    label: str
    component: str | None
    drugs: tuple[tuple[str, str], ...] = ()


class Part(NamedTuple):
    """A part of a regimen, as arms and factors name it; rank 0 is radiotherapy, 1 the first class of drugs."""

    name: str
    label: str
    rank: int


_BEFORE_0_2 = (DrugClass("anti_pd1", "anti-PD-1", "anti_pd1"), DrugClass("vegfr_tki", "anti-angiogenic", None))
"""The classes of records that were written before records named them."""


def read_classes(text: str, drugs: Sequence[str], names: Sequence[str]) -> tuple[DrugClass, ...]:
    """Return the classes that a record's attribute lists, each with the record's drugs; `names` are the classes of the drugs.

    A class that is missing from the list, as from that of a damaged record, stands at its end.
    """
    try:
        listed = [(DrugClass(str(row["name"]), str(row["label"]), row["component"] and str(row["component"])),
                   {str(drug): str(label) for drug, label in row["drugs"].items()}) for row in json.loads(text)]
    except (ValueError, TypeError, KeyError, AttributeError):
        listed = [(row, {}) for row in _BEFORE_0_2]
    known = {row.name for row, _ in listed}
    listed += [(DrugClass(name, name.replace("_", " "), None), {}) for name in dict.fromkeys(names) if name not in known]
    of_class = [tuple(drug for drug, name in zip(drugs, names, strict=True) if name == row.name) for row, _ in listed]
    return tuple(row._replace(drugs=tuple((drug, labels.get(drug, drug.replace("_", " "))) for drug in of_row))
                 for (row, labels), of_row in zip(listed, of_class, strict=True))


def parts_of(classes: Iterable[Sequence[DrugClass]]) -> tuple[Part, ...]:
    """Return the parts of the regimens of some records, by rank, from the classes of each."""
    parts = {RADIOTHERAPY: Part(RADIOTHERAPY, RADIOTHERAPY, 0)}
    for of_record in classes:
        for rank, row in enumerate(of_record, 1):
            if row.drugs:
                name = row.component or "_".join(drug for drug, _ in row.drugs)
                parts.setdefault(name, Part(name, row.label if row.component else " + ".join(label for _, label in row.drugs), rank))
    return tuple(sorted(parts.values(), key=lambda part: part.rank))
