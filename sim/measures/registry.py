"""The list of everything that is measured: a series of the record is one function, listed by its decorator under its own name.

    @of_lesion("mmHg", "mean pO2 over the mass")
    def mean_oxygen_mmHg(section): ...

A process may measure itself in its own file. Order of the record: as listed.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

LESION, DRUG, PATIENT = "lesion", "drug", ""


class Measure(NamedTuple):
    """One series: name, unit, what it is, and over which dimension besides time ("lesion", "drug" or none)."""

    name: str
    unit: str
    long_name: str
    dimension: str


MEASURES: list[Measure] = []
"""Every series, in the order of the record."""
BY_DIMENSION: dict[str, dict[str, Callable[[Any], float]]] = {LESION: {}, DRUG: {}, PATIENT: {}}
"""How the series of each dimension are measured, by name."""
SIZES: set[str] = set()
"""Series that a dormant deposit has too."""

Measuring = TypeVar("Measuring", bound=Callable[[Any], float])


def of_lesion(unit: str, long_name: str, *, is_size: bool = False, name: str = "") -> Callable[[Measuring], Measuring]:
    """List a function of a `MeasuredSection` as a series of each lesion, under its own name unless one is given.

    is_size: a dormant deposit, which is not simulated, has it too.
    """
    return _listed(unit, long_name, LESION, name, is_size)


def of_patient(unit: str, long_name: str) -> Callable[[Measuring], Measuring]:
    """List a function of the state as a series of the patient."""
    return _listed(unit, long_name, PATIENT)


def of_drug(unit: str, long_name: str) -> Callable[[Measuring], Measuring]:
    """List a function of a drug's level as a series of each drug."""
    return _listed(unit, long_name, DRUG)


def _listed(unit: str, long_name: str, dimension: str, name: str = "", is_size: bool = False) -> Callable[[Measuring], Measuring]:
    def add(value: Measuring) -> Measuring:
        measure = Measure(name or value.__name__, unit, long_name, dimension)
        if any(known.name == measure.name for known in MEASURES):
            raise ValueError(f"{measure.name}: two series have this name")
        MEASURES.append(measure)
        BY_DIMENSION[dimension][measure.name] = value
        if is_size:
            SIZES.add(measure.name)
        return value

    return add
