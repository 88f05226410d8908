"""What is measured: every series of the record with its unit, as functions of the state; nothing here feeds back."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from lesionlab.sim.measures import lesion_size
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.lattice import mass_axes
from lesionlab.sim.state.codes import CAUSES, CellState
from lesionlab.sim.state.state import SITES_PER_MM2, State, Tissue

_PROLIFERATING, _DOOMED = int(CellState.PROLIFERATING), int(CellState.DOOMED)
CORE_RADIUS, RIM_RADIUS = 0.5, 0.8
"""The core lies within, the rim beyond these shares of the mass's radius."""
_SIZES = ("viable_cells", "clonogens", "lesion_cells", "clonogen_weight", "scale", "longest_diameter_cm", "short_axis_cm")
LEAST_CELLS = 50
"""Densities over less tissue than this (0.02 mm2) are left out: they would be noise."""


class Measure(NamedTuple):
    """One series: name, unit, what it is, and over which dimensions besides time ("lesion", "drug" or none)."""

    name: str
    unit: str
    long_name: str
    dimension: str


@kernel
def _survey(window, half_axes, centre, lattices):
    """Count over the mass in a window. No draws.

    Reads lattices = (state, oxygen, pd_l1, vessel, maturity, perfusion, t_count, vegf), each (nz, ny, nx).
    half_axes: (z, y, x) in sites, z infinite in a slab. Returns float64 (17,): 0 cells, 1 living, 2-3 living below 5 and 10 mmHg, 4-5 core
    living and below 5, 6-7 rim likewise, 8 oxygen over the mass, 9 viable, 10 cycling of those, 11
    PD-L1-positive, 12 vessels, 13 perfused, 14 maturity, 15 T cells, 16 VEGF over the mass.
    """
    state, oxygen, pd_l1, vessel, maturity, perfusion, t_count, vegf = lattices
    out = np.zeros(17)
    for z in range(len(state)):
        for y in range(window[0], window[1]):
            for x in range(window[2], window[3]):
                code = state[z, y, x]
                if code == 0:
                    continue
                p = oxygen[z, y, x]
                out[0] += 1
                out[8] += p
                out[12] += vessel[z, y, x]
                out[13] += perfusion[z, y, x]
                out[14] += maturity[z, y, x]
                out[15] += t_count[z, y, x]
                out[16] += vegf[z, y, x]
                if code > _DOOMED:
                    continue
                is_low = p < 5.0
                out[1] += 1
                out[2] += is_low
                out[3] += p < 10.0
                out[11] += pd_l1[z, y, x]
                if code < _DOOMED:
                    out[9] += 1
                    out[10] += code == _PROLIFERATING
                radius = (((z - centre[0]) / half_axes[0]) ** 2 + ((y - centre[1]) / half_axes[1]) ** 2
                          + ((x - centre[2]) / half_axes[2]) ** 2)
                if radius < CORE_RADIUS * CORE_RADIUS:
                    out[4] += 1
                    out[5] += is_low
                elif radius > RIM_RADIUS * RIM_RADIUS:
                    out[6] += 1
                    out[7] += is_low
    return out


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")


def measure_tissue(tissue: Tissue) -> dict[str, float]:
    """Return every series of one lesion; a share of nothing, and a density over hardly anything, is nan."""
    census = viable, doomed, dead = tissue.census()
    axes = long, short, depth = mass_axes(tissue.state, tissue.window, tissue.is_block) if sum(census) else tissue.baseline_axes
    lattices = (tissue.state, tissue.oxygen, tissue.pd_l1, tissue.vessel, tissue.maturity, tissue.perfusion, tissue.t_count, tissue.vegf)
    s = _survey(tissue.window, (max(depth, 1.0) / 2.0, max(short, 1.0) / 2.0, max(long, 1.0) / 2.0), tissue.centre, lattices)
    t = tissue.t_cells
    is_specific = t.is_specific[: t.n] == 1
    in_mass = tissue.state.reshape(-1)[t.site[: t.n]] > 0
    longest, short_axis = lesion_size.diameters_of(tissue, axes, census)
    per_mm2 = SITES_PER_MM2 / s[0] if s[0] >= LEAST_CELLS else float("nan")
    values = {
        "viable_cells": viable, "doomed_cells": doomed, "dead_cells": dead,
        "clonogens": tissue.weight * viable, "lesion_cells": tissue.lesion_cells_of(census),
        "clonogen_weight": tissue.weight, "scale": tissue.scale,
        "hypoxic_fraction_below_5_mmHg": _share(s[2], s[1]), "hypoxic_fraction_below_10_mmHg": _share(s[3], s[1]),
        "hypoxic_fraction_core": _share(s[5], s[4]), "hypoxic_fraction_rim": _share(s[7], s[6]),
        "mean_oxygen_mmHg": _share(s[8], s[0]), "mean_vegf": _share(s[16], s[0]), "growth_fraction": _share(s[10], s[9]),
        "perfused_vessels_per_mm2": s[13] * per_mm2, "vessels_per_mm2": s[12] * per_mm2, "vessel_maturity": _share(s[14], s[12]),
        "t_cells_per_mm2": s[15] * per_mm2, "specific_t_cells_per_mm2": float((is_specific & in_mass).sum()) * per_mm2,
        "pd_l1_positive_fraction": _share(s[11], s[1]),
        "exhausted_fraction": _share(float((t.is_exhausted[: t.n] == 1).sum()), float(is_specific.sum())),
        "volume_doubling_time_d": float(np.log(2.0) / tissue.growth_per_d) if tissue.growth_per_d > 0.0 else float("nan"),
        "low_dose_entry_gain": tissue.low_dose_gain, "longest_diameter_cm": longest, "short_axis_cm": short_axis,
        **{f"deaths_{cause.name.lower()}": float(tissue.ledger[cause]) for cause in CAUSES},
        "oxygen_residual": tissue.oxygen_residual,
    }
    # A dormant deposit is not simulated: it has a size and no other series.
    return {name: value if name in _SIZES else float("nan") for name, value in values.items()} if tissue.is_dormant else values


def measure_patient(state: State) -> dict[str, float]:
    """Return every systemic series."""
    s = state.systemic
    effectors = s.specific_blood + s.bystander_blood
    return {"pd1_occupancy": s.pd1_occupancy, "vegfr_inhibition": s.vegfr_inhibition, "normalisation": s.normalisation,
            "pruning": s.pruning, "priming_under_vegf": s.priming_left / s.priming_left_at_rest, "effector_t_cells": effectors,
            "t_cell_uptake_per_d": _share(s.efflux_specific + s.efflux_bystander, effectors),
            "specific_effector_t_cells": s.specific_blood, "memory_t_cells": s.memory, "antigen": float(s.antigen[-1]),
            "burden_cells": lesion_size.burden(state)}


_LESION = "lesion"
MEASURES: tuple[Measure, ...] = tuple(Measure(*row) for row in (
    ("viable_cells", "1", "viable tumour cells of the section", _LESION),
    ("doomed_cells", "1", "doomed tumour cells of the section", _LESION),
    ("dead_cells", "1", "dead cells of the section, not yet cleared", _LESION),
    ("clonogens", "1", "clonogens of the lesion", _LESION),
    ("lesion_cells", "1", "tumour cells of the lesion, dead ones not yet cleared included", _LESION),
    ("clonogen_weight", "1", "lesion clonogens per clonogen of the section", _LESION),
    ("scale", "1", "lesion length per section length", _LESION),
    ("hypoxic_fraction_below_5_mmHg", "1", "share of living tumour cells (doomed included) below 5 mmHg", _LESION),
    ("hypoxic_fraction_below_10_mmHg", "1", "share of living tumour cells below 10 mmHg", _LESION),
    ("hypoxic_fraction_core", "1", "share below 5 mmHg within half the radius", _LESION),
    ("hypoxic_fraction_rim", "1", "share below 5 mmHg beyond 0.8 of the radius", _LESION),
    ("mean_oxygen_mmHg", "mmHg", "mean pO2 over the mass", _LESION),
    ("mean_vegf", "1", "mean VEGF over the mass, tissue of normoxic tumour cells = 1", _LESION),
    ("growth_fraction", "1", "share of viable cells in cycle", _LESION),
    ("perfused_vessels_per_mm2", "1/mm2", "perfused vessels in the mass", _LESION),
    ("vessels_per_mm2", "1/mm2", "vessels in the mass", _LESION),
    ("vessel_maturity", "1", "mean maturity of the vessels in the mass", _LESION),
    ("t_cells_per_mm2", "1/mm2", "CD8 T cells in the mass", _LESION),
    ("specific_t_cells_per_mm2", "1/mm2", "tumour-specific CD8 T cells in the mass", _LESION),
    ("pd_l1_positive_fraction", "1", "PD-L1-positive share of living tumour cells", _LESION),
    ("exhausted_fraction", "1", "exhausted share of specific T cells", _LESION),
    ("volume_doubling_time_d", "d", "net doubling time of the lesion's cells over about a week; missing while it shrinks", _LESION),
    ("low_dose_entry_gain", "1", "low-dose effect on T-cell entry, 0 to 1", _LESION),
    ("longest_diameter_cm", "cm", "longest diameter of the lesion", _LESION),
    ("short_axis_cm", "cm", "diameter perpendicular to the longest", _LESION),
    ("deaths_radiation", "1", "lesion cells killed by radiation since the start", _LESION),
    ("deaths_t_cell", "1", "lesion cells killed by T cells since the start", _LESION),
    ("deaths_hypoxia", "1", "lesion cells dead of hypoxia since the start", _LESION),
    ("deaths_apoptosis", "1", "lesion cells dead of apoptosis since the start", _LESION),
    ("deaths_failed_division", "1", "lesion cells dead of failed divisions since the start", _LESION),
    ("oxygen_residual", "mmHg", "largest pointwise correction left in the oxygen field", _LESION),
    ("pd1_occupancy", "1", "share of PD-1 receptors occupied by drug", ""),
    ("vegfr_inhibition", "1", "inhibition of the enzyme VEGFR (T cells follow it, vessels normalisation and pruning)", ""),
    ("normalisation", "1", "normalisation effect on vessels", ""),
    ("pruning", "1", "pruning effect on vessels", ""),
    ("priming_under_vegf", "1", "supply of specific effectors by what VEGF holds back, relative to day 0", ""),
    ("t_cell_uptake_per_d", "1/d", "share of the blood's effectors that enters the lesions per day, mean over about five days", ""),
    ("effector_t_cells", "1", "CD8 effectors in blood", ""),
    ("specific_effector_t_cells", "1", "tumour-specific CD8 effectors in blood", ""),
    ("memory_t_cells", "1", "tumour-specific memory T cells", ""),
    ("antigen", "1/d", "antigen that reaches priming, weighted dead cells per day", ""),
    ("burden_cells", "1", "tumour cells of the patient, not yet cleared", ""),
    ("drug_level", "1", "blood level of the drug in the unit of drug_level_unit", "drug"),
))


def measure(state: State) -> dict[str, Any]:
    """Return one row of every series: numbers, or a list over lesions or drugs."""
    tissues: list[Mapping[str, float]] = [measure_tissue(tissue) for tissue in state.tissues]
    row: dict[str, Any] = {m.name: [values[m.name] for values in tissues] for m in MEASURES if m.dimension == _LESION}
    row.update(measure_patient(state))
    row["drug_level"] = [drug.level for drug in state.systemic.drugs]
    return row


