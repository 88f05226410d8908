"""Mechanism switches: each coupling between the parts of the model can be turned off by name.

A switch sets the parameters that carry the coupling to the values at which it vanishes. No rule refers to switches.
Draws are keyed by purpose, so turning a coupling off changes no other draw. The share of a mechanism in an outcome is
what changes when it is off.
"""

from typing import Any, NamedTuple

_NEVER = 1e9
"""A half-saturation so large that the saturating term vanishes."""


class Mechanism(NamedTuple):
    """One switch: what it couples, what happens to whom without it, and the values (section, parameter, value) at which it is gone."""

    meaning: str
    without: str
    off: tuple[tuple[str, str, float], ...]


MECHANISMS: dict[str, Mechanism] = {
    "oxygen_effect": Mechanism(
        "hypoxic cells survive radiation better",
        "hypoxic tumour cells are as easily killed by radiation as others",
        (("radiobiology", "oxygen_enhancement", 1.0), ("radiobiology", "oxygen_enhancement_beta", 1.0))),
    "radiation_to_antigen": Mechanism(
        "cells killed by radiation prime T cells",
        "cells killed by radiation prime no T cells; fewer T cells are made",
        (("t_cell_priming", "radiation_weight", 0.0),)),
    "radiation_to_vessels": Mechanism(
        "fractions mature vessels",
        "fractions leave vessels as they are",
        (("radiobiology", "maturation_per_fraction", 0.0),)),
    "radiation_loss_of_t_cells": Mechanism(
        "fractions kill T cells in the lesion and in blood",
        "T cells survive the fractions; helps T cells",
        (("radiobiology", "t_cell_survival", 1.0), ("radiobiology", "blood_share", 0.0))),
    "low_dose_to_entry": Mechanism(
        "low doses raise T-cell entry",
        "low doses let no more T cells in",
        (("t_cell_entry", "low_dose_gain", 1.0),)),
    "normalisation_to_perfusion": Mechanism(
        "VEGFR blockade matures vessels and opens them",
        "VEGFR blockade opens no vessels; the tumour is less well perfused",
        (("vessels", "normalisation_response", 0.0),)),
    "normalisation_to_entry": Mechanism(
        "normalised vessels let T cells in",
        "normalised vessels let no more T cells in",
        (("t_cell_entry", "normalisation_gain", 0.0),)),
    "blockade_to_pruning": Mechanism(
        "VEGFR blockade prunes vessels and stops sprouts",
        "VEGFR blockade takes no vessels away; tumour and T cells keep their supply",
        (("vessels", "pruning_response", 0.0),)),
    "tki_to_division": Mechanism(
        "VEGFR inhibitors slow the division of tumour cells",
        "VEGFR inhibitors do not slow tumour cells; helps the tumour",
        (("cell_cycle", "tki_inhibition_per_uM", 0.0),)),
    "depth_to_vessels": Mechanism(
        "vessels are laid and sprout more rarely the deeper they lie in the mass",
        "vessels are as dense deep in the mass as at its edge",
        (("vessels", "density_depth_um", 0.0),)),
    "size_to_perfusion": Mechanism(
        "the perfused share of tumour vessels falls with the lesion's volume",
        "large lesions are perfused as well as small ones",
        (("vessels", "perfusion_size_exponent", 0.0),)),
    "vegf_independent_vessels": Mechanism(
        "a share of vessels needs no VEGF; maturity does not spare the others from pruning",
        "every vessel needs VEGF, so that blockade can prune all",
        (("vessels", "vegf_dependent_fraction", 1.0), ("vessels", "pruning_spared_by_maturity", 1.0))),
    "vegf_to_t_cells": Mechanism(
        "VEGF silences T cells, keeps them out and holds priming back",
        "VEGF holds no T cell back; normalised vessels may then help them in",
        (("vegf_suppression", "silenced_fraction", 0.0),)),
    "hypoxia_to_vegf": Mechanism(
        "hypoxic cells secrete more VEGF",
        "hypoxic cells secrete no more VEGF than others",
        (("vegf", "hypoxic_ratio", 1.0),)),
    "emptying_to_vessels": Mechanism(
        "vessels of an emptied mass mature and open",
        "vessels of an emptied mass stay as they are",
        (("vessels", "decompression_response", 0.0),)),
    "crowding_to_collapse": Mechanism(
        "living cells squeeze immature vessels shut",
        "vessels are not squeezed shut by tumour cells",
        (("vessels", "collapse_per_d", 0.0),)),
    "pd_l1_induction": Mechanism(
        "interferon raises PD-L1",
        "tumour cells do not answer interferon with PD-L1; helps T cells",
        (("pd_l1", "ifn_half", _NEVER),)),
    "pd_1_to_killing": Mechanism(
        "free PD-1 suppresses hits",
        "T cells are not held back by PD-1; helps T cells, as a perfect blockade would",
        (("t_cell_killing", "suppression_half", _NEVER),)),
    "pd_1_to_exhaustion": Mechanism(
        "free PD-1 exhausts T cells, occupied PD-1 lets the stem-like recover",
        "T cells neither exhaust by PD-1 nor recover by its blockade",
        (("t_cell_exhaustion", "exhaustion_per_d", 0.0), ("t_cell_exhaustion", "recovery_per_d", 0.0))),
    "chemotaxis": Mechanism(
        "T cells prefer more chemoattractant",
        "T cells walk without direction; helps the tumour",
        (("t_cell_motion", "bias", 0.0),)),
    "antigen_to_entry": Mechanism(
        "T cells that meet their antigen let others in",
        "entry needs no antigen (as by default, e0 = 1)",
        (("t_cell_entry", "ungated_share", 1.0),)),
    "memory": Mechanism(
        "primed T cells leave memory that supplies effectors (without it priming alone holds the pools on day 0)",
        "primed T cells leave no memory; priming alone supplies effectors, from day 0 on",
        (("t_cell_priming", "memory_share", 0.0),)),
}


def apply(parameters: dict[str, Any], switched_off: tuple[str, ...]) -> dict[str, Any]:
    """Return the parameter tuples by section with the couplings of some mechanisms removed; the given tuples are not changed."""
    changed = dict(parameters)
    for name in switched_off:
        for section, parameter, value in MECHANISMS[name].off:
            changed[section] = changed[section]._replace(**{parameter: value})
    return changed
