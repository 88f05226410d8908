"""The classes of drugs: one row each, read by all code that must know every class."""

from typing import NamedTuple


class DrugClass(NamedTuple):
    """A class of drugs: its name in scenarios, the process that turns levels into effects, and how a comparison names its part.

    `component` names the part of a regimen that arms take away; None names it after the drugs themselves.
    """

    name: str
    process: str
    component: str | None = None


DRUG_CLASSES = (
    DrugClass("anti_pd1", process="checkpoint_blockade", component="anti_pd1"),
    DrugClass("vegfr_tki", process="vegf_blockade"),
)
NAMES = tuple(row.name for row in DRUG_CLASSES)
