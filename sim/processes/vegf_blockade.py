"""VEGF blockade: VEGFR inhibition and its two effects on vessels, normalisation and pruning.

    inhibition = c / (1 + c),   normalisation N = c / (c + n),   pruning R = c / (c + n rho)

c is the level of the drug class relative to its half-effect level on the enzyme. n is the relative level of half-maximal
normalisation of tissue, and rho = EC50_prune / EC50_norm is the only free ratio. R covers both lost vessels and absent sprouts,
because tissue responds at its own effective concentrations and not at the enzyme's. A low effect normalises durably
(Fan 2022, doi 10.3389/fimmu.2022.937924, low-dose anlotinib). A high effect opens a normalisation window, which pruning then
closes (Winkler 2004, PMID 15607960). N and R carry the drug's effect on the number and perfusion of vessels. The inhibition of
the enzyme reduces the action of VEGF on T cells (`vegf_suppression`).
"""

from typing import Annotated, NamedTuple

from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.state import State


class Parameters(NamedTuple):
    """Tissue potency of VEGFR inhibitors."""

    normalisation_ratio: Annotated[float, quantity("1", "EC50 of tissue normalisation / EC50 of the enzyme", 0.01, 1000.0, "assumed",
        "tissue outcomes need more than enzyme inhibition", prior=(1.0, 20.0))] = 3.5
    pruning_ratio: Annotated[float, quantity("1", "EC50 of pruning / EC50 of normalisation", 0.01, 1000.0, "assumed",
        "free parameter; chosen by the screen of drawn patients against either drug alone, never against both (docs/anchors.md); 3-5 "
        "gives a transient window at high and lasting normalisation at low effect", prior=(1.0, 10.0))] = 1.1


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Set VEGFR inhibition, normalisation and pruning, each in [0, 1]."""
    systemic = state.systemic
    relative = sum(drug.relative_level for drug in systemic.drugs if drug.drug_class == "vegfr_tki")
    systemic.vegfr_inhibition = relative / (1.0 + relative)
    systemic.normalisation = relative / (relative + p.normalisation_ratio)
    systemic.pruning = relative / (relative + p.normalisation_ratio * p.pruning_ratio)
