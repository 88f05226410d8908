"""The drugs that a scenario may name without more: one file a drug in `library/`, each value with unit, evidence and source.

A scenario's block of such a drug may leave out class and pharmacokinetics, or some of the pharmacokinetic values; what it gives counts.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from lesionlab.sim.parameters.errors import UserError, nearest
from lesionlab.sim.parameters.quantities import Evidence
from lesionlab.sim.processes.pharmacokinetics import Kinetics, OneCompartment, Pharmacokinetics, TwoCompartments
from lesionlab.sim.treatment.courses import Drug, DrugClassName
from lesionlab.sim.treatment.drug_classes import DRUG_CLASSES, NAMES

FOLDER = Path(__file__).parent / "library"
_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Stated(BaseModel):
    """One value with its unit, how far it can be trusted, and where it comes from."""

    model_config = _STRICT
    value: float = Field(gt=0)
    unit: str
    evidence: Evidence
    source: str


class DrugFile(BaseModel):
    """What a file of the library says; `has_direct_effect`: the direct effect on division, whose size per uM is a parameter, is its own."""

    model_config = _STRICT
    label: str
    drug_class: DrugClassName = Field(alias="class")
    molar_mass: Stated
    has_direct_effect: bool = False
    note: str | None = None
    pharmacokinetics: dict[str, Stated]


class KnownDrug(NamedTuple):
    """A drug of the library: its file, and its pharmacokinetics as a scenario holds them."""

    name: str
    file: DrugFile
    kinetics: Pharmacokinetics


@cache
def library() -> Mapping[str, KnownDrug]:
    """Return the drugs of the library by name, in the order of their classes.

    Raises:
        UserError: a file is no drug; one line for each mistake.
    """
    found = [_read(path) for path in sorted(FOLDER.glob("*.yaml"))]
    return MappingProxyType({drug.name: drug for drug in sorted(found, key=lambda drug: NAMES.index(drug.file.drug_class))})


def _read(path: Path) -> KnownDrug:
    try:
        file = DrugFile.model_validate(YAML(typ="safe").load(path))
        return KnownDrug(path.stem, file, _kinetics(file))
    except ValidationError as error:
        raise UserError("\n".join(f"{path}: {_words(one)}" for one in error.errors(include_url=False))) from None
    except (YAMLError, ValueError) as error:
        raise UserError(f"{path}: {error}") from None


def _words(detail: ErrorDetails) -> str:
    """Return one of pydantic's errors as the key, what is wrong and what was given."""
    key = ".".join(str(part) for part in detail["loc"] if not str(part).startswith("<"))
    return f"{key}: {detail['msg']} (got {detail['input']!s:.60})"


def _kinetics(file: DrugFile) -> Pharmacokinetics:
    """Return the pharmacokinetics of a file, marked by one word where all values are alike; raise ValueError for a wrong unit."""
    stated = dict(file.pharmacokinetics)
    if file.has_direct_effect:
        stated["molar_mass_g_per_mol"] = file.molar_mass
    marks: dict[str, str] = {key: one.evidence for key, one in stated.items()}
    evidence = marks if len(set(marks.values())) > 1 else next(iter(marks.values()), None)
    values = {key: one.value for key, one in stated.items()}
    kinetics: Pharmacokinetics = TypeAdapter(Kinetics).validate_python(values | {"evidence": evidence})
    for key, one in (*stated.items(), ("molar_mass", file.molar_mass)):
        if one.unit != (unit := "g/mol" if key == "molar_mass" else unit_of(kinetics, key)):
            raise ValueError(f"{key}: must be in {unit} (got {one.unit})")
    return kinetics


def unit_of(kinetics: Pharmacokinetics, key: str) -> str:
    """Return the unit of a pharmacokinetic value."""
    extra: Any = type(kinetics).model_fields[key].json_schema_extra
    return str(extra["unit"])


def label_of(name: str) -> str:
    """Return a drug's name for readers."""
    return library()[name].file.label if name in library() else name.replace("_", " ")


def classes_as_json(drugs: Mapping[str, Drug]) -> str:
    """Return every class in order, with its words and its drugs among those given, as a record names them for analysis."""
    return json.dumps([{"name": row.name, "label": row.label, "component": row.component,
                        "drugs": {name: label_of(name) for name, drug in drugs.items() if drug.drug_class == row.name}}
                       for row in DRUG_CLASSES])


def completed(name: str, block: dict[str, Any]) -> dict[str, Any]:
    """Return a scenario's block of a drug, class and pharmacokinetics filled in from the library; that of an unknown drug as it is.

    Pharmacokinetics that lack a value which their model needs are filled up; those that lack none stand as they are.
    """
    if name not in library():
        return block
    known = library()[name]
    filled = {"class": known.file.drug_class} | {key: value for key, value in block.items() if value is not None}
    return filled | {"pharmacokinetics": _filled_up(known.kinetics, filled.get("pharmacokinetics"))}


def _filled_up(known: Pharmacokinetics, given: Any) -> Any:
    """Return given pharmacokinetics with the values that they lack, if they lack any that the known drug's model needs."""
    own = known.model_dump(exclude_none=True)
    if given is None:
        return own
    fields = type(known).model_fields
    needed = {key for key, field in fields.items() if field.is_required()}
    other = OneCompartment if isinstance(known, TwoCompartments) else TwoCompartments
    is_of_another_model = isinstance(given, dict) and (
        given.get("model", own["model"]) != own["model"] or set(given) & (set(other.model_fields) - set(fields)))
    if not isinstance(given, dict) or is_of_another_model or needed <= set(given):
        return given
    return own | given | {"evidence": _marks(own, given)}


def _marks(own: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mark for each value: that of the block for the values that it gives, if it has one, the library's for the others."""
    known = own["evidence"] if isinstance(own["evidence"], dict) else dict.fromkeys(own, own["evidence"])
    said = given.get("evidence")
    marks = {key: mark for key, mark in known.items() if key not in given and key not in ("model", "evidence", "note")}
    if isinstance(said, dict):
        return marks | said
    values = [key for key in given if key not in ("model", "evidence", "note")]
    return marks | (dict.fromkeys(values, said) if said is not None else {})


def unknown(name: str, block: Mapping[str, Any]) -> str:
    """Return what must be said of a drug that the library lacks and of which a scenario does not say all; "" if it says it."""
    needed = {"class": f"class ({' or '.join(NAMES)})", "pharmacokinetics": "pharmacokinetics"}
    lacking = [words for key, words in needed.items() if block.get(key) is None]
    if name in library() or not lacking:
        return ""
    return f"must give {' and '.join(lacking)}: the library knows {', '.join(library())}{nearest(name, library())}"
