"""The classes and the library of drugs, described for reading and for the page of parameters."""

from typing import Any

from lesionlab.sim.processes.pharmacokinetics import Pharmacokinetics
from lesionlab.sim.treatment.drug_classes import DRUG_CLASSES
from lesionlab.sim.treatment.drug_library import KnownDrug, library

MEANING_OF_MASS = "molar mass"


def classes() -> list[dict[str, Any]]:
    """Return each class: name, label, process, the couplings that depend on it, and the names of its drugs in the library."""
    return [{"name": row.name, "label": row.label, "process": row.process, "couplings": list(row.couplings),
             "drugs": [name for name, drug in library().items() if drug.file.drug_class == row.name]} for row in DRUG_CLASSES]


def drug(name: str) -> dict[str, Any]:
    """Return a drug of the library: class, compartment model, and every value with its meaning, unit, evidence and source."""
    known = library()[name]
    return {"name": name, "label": known.file.label, "class": known.file.drug_class, "model": known.kinetics.model,
            "note": known.file.note, "values": list(_values(known))}


def _values(known: KnownDrug) -> list[dict[str, Any]]:
    stated = {**known.file.pharmacokinetics, "molar_mass": known.file.molar_mass}
    return [{"name": key, "meaning": _meaning(known.kinetics, key), **one.model_dump()} for key, one in stated.items()]


def _meaning(kinetics: Pharmacokinetics, key: str) -> str:
    fields = type(kinetics).model_fields
    return fields[key].description or "" if key in fields else MEANING_OF_MASS


def text_of_classes() -> str:
    """Return classes and drugs for reading."""
    lines = []
    for row in classes():
        lines += [f"{row['name']} ({row['label']}): effect in {row['process']}",
                  f"    couplings that need it: {', '.join(row['couplings']) or 'none'}"]
        lines += [text_of_drug(drug(name), "    ") for name in row["drugs"]]
    return "\n".join(lines)


def text_of_drug(described: dict[str, Any], indent: str = "") -> str:
    """Return one drug for reading, a line a value."""
    lines = [f"{described['name']}: {described['class']}, {described['model'].replace('_', ' ')}"]
    lines += [f"    {described['note']}"] if described["note"] else []
    lines += [f"    {one['name']} = {one['value']:g} {one['unit']}: {one['meaning']}\n{indent}        {one['evidence']}: {one['source']}"
              for one in described["values"]]
    return "\n".join(indent + line for line in lines)
