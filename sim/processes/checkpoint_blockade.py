"""Checkpoint blockade: the share of PD-1 receptors that anti-PD-1 drugs occupy, RO = c / (1 + c).

c is the sum over drugs of the class of level / half-effect level. At clinical doses RO is about 0.99 from the first
infusion on (toripalimab phase I, doi 10.1002/cac2.12068: above 80 % at 0.3 mg/kg), so blockade acts as a switch and
missed doses matter only after several half-lives. The drug acts on T-cell inhibition and exhaustion only.
"""

from typing import NamedTuple

from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.state import State


class Parameters(NamedTuple):
    """None of its own: potencies belong to the drugs."""


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Set the occupancy of PD-1."""
    relative = sum(drug.relative_level for drug in state.systemic.drugs if drug.drug_class == "anti_pd1")
    state.systemic.pd1_occupancy = relative / (1.0 + relative)
