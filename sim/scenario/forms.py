"""Model forms: rules that replace others as a whole. They are off unless a scenario asks for them, and are no part of attribution.

A coupling (`couplings`) joins parts of the model and can be removed; a form says which of two models of the same thing is run.
"""

from pydantic import Field

from lesionlab.sim.parameters.quantities import Strict


class Forms(Strict):
    """The model forms of a scenario."""

    absolute_priming: bool = Field(
        default=False, description="specific effectors are supplied by one law for all patients, S_max A / (A + A50), not as on day 0")
