"""The classes of drugs: one row each. Schedule, arms, attribution, records and figures know classes from here only."""

from types import ModuleType
from typing import NamedTuple

from lesionlab.sim.processes import checkpoint_blockade, vegf_blockade


class DrugClass(NamedTuple):
    """A class of drugs.

    Attributes:
        name: its name in scenarios and records; the effect reads the levels of drugs of this class.
        label: its name for readers.
        effect: the process that turns levels into effects; it acts right after the pharmacokinetics.
        why: the reason for that place, as in the schedule.
        component: the name of the part of a regimen that arms take away; None names it after the drugs themselves.
        couplings: the mechanism switches that change nothing where no drug of the class is given.
    """

    name: str
    label: str
    effect: ModuleType
    why: str
    component: str | None = None
    couplings: tuple[str, ...] = ()

    @property
    def process(self) -> str:
        """The name of the effect's process."""
        return self.effect.__name__.rsplit(".", 1)[-1]


DRUG_CLASSES = (
    DrugClass("anti_pd1", "anti-PD-1", checkpoint_blockade, "levels become occupancy before T cells act", component="anti_pd1"),
    DrugClass("vegfr_tki", "anti-angiogenic", vegf_blockade, "levels become effects before vessels respond",
              couplings=("normalisation_to_perfusion", "normalisation_to_entry", "blockade_to_pruning", "tki_to_division")),
)
NAMES = tuple(row.name for row in DRUG_CLASSES)
