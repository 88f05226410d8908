"""Every series of the record, each one function of the state; nothing here feeds back."""

from collections.abc import Callable
from math import log
from typing import Any

import numpy as np

from lesionlab.sim.measures import lesion_size
from lesionlab.sim.measures.measured_section import LEAST_CELLS, MeasuredSection, share
from lesionlab.sim.measures.registry import BY_DIMENSION, DRUG, LESION, MEASURES, PATIENT, SIZES, Measure, of_drug, of_lesion, of_patient
from lesionlab.sim.state.codes import CAUSES, Hazard
from lesionlab.sim.state.state import DrugLevel, State, Tissue

__all__ = ["LEAST_CELLS", "MEASURES", "Measure", "measure", "measure_patient", "measure_tissue"]

_NAN = float("nan")


def measure(state: State) -> dict[str, Any]:
    """Return one row of every series: numbers, or a list over lesions or drugs."""
    tissues = [measure_tissue(tissue) for tissue in state.tissues]
    row: dict[str, Any] = {name: [values[name] for values in tissues] for name in BY_DIMENSION[LESION]}
    row.update(measure_patient(state))
    row.update({name: [value(drug) for drug in state.systemic.drugs] for name, value in BY_DIMENSION[DRUG].items()})
    return row


def measure_tissue(tissue: Tissue) -> dict[str, float]:
    """Return every series of one lesion; a share of nothing, and a density over hardly anything, is nan."""
    section = MeasuredSection(tissue)
    if tissue.is_dormant:
        # It is not simulated: it has a size and no other series.
        return {name: value(section) if name in SIZES else _NAN for name, value in BY_DIMENSION[LESION].items()}
    return {name: value(section) for name, value in BY_DIMENSION[LESION].items()}


def measure_patient(state: State) -> dict[str, float]:
    """Return every systemic series."""
    return {name: value(state) for name, value in BY_DIMENSION[PATIENT].items()}


@of_lesion("1", "viable tumour cells of the section", is_size=True)
def viable_cells(section: MeasuredSection) -> float:
    return section.viable


@of_lesion("1", "doomed tumour cells of the section")
def doomed_cells(section: MeasuredSection) -> float:
    return section.doomed


@of_lesion("1", "dead cells of the section, not yet cleared")
def dead_cells(section: MeasuredSection) -> float:
    return section.dead


@of_lesion("1", "clonogens of the lesion", is_size=True)
def clonogens(section: MeasuredSection) -> float:
    return section.tissue.weight * section.viable


@of_lesion("1", "tumour cells of the lesion, dead ones not yet cleared included", is_size=True)
def lesion_cells(section: MeasuredSection) -> float:
    return section.tissue.lesion_cells_of(section.census)


@of_lesion("1", "lesion clonogens per clonogen of the section", is_size=True)
def clonogen_weight(section: MeasuredSection) -> float:
    return section.tissue.weight


@of_lesion("1", "lesion length per section length", is_size=True)
def scale(section: MeasuredSection) -> float:
    return section.tissue.scale


@of_lesion("1", "share of living tumour cells (doomed included) below 5 mmHg")
def hypoxic_fraction_below_5_mmHg(section: MeasuredSection) -> float:
    return share(section.counts.living_below_5_mmHg, section.counts.living)


@of_lesion("1", "share of living tumour cells below 10 mmHg")
def hypoxic_fraction_below_10_mmHg(section: MeasuredSection) -> float:
    return share(section.counts.living_below_10_mmHg, section.counts.living)


@of_lesion("1", "share below 5 mmHg within half the radius")
def hypoxic_fraction_core(section: MeasuredSection) -> float:
    return share(section.counts.hypoxic_in_core, section.counts.living_in_core)


@of_lesion("1", "share below 5 mmHg beyond 0.8 of the radius")
def hypoxic_fraction_rim(section: MeasuredSection) -> float:
    return share(section.counts.hypoxic_in_rim, section.counts.living_in_rim)


@of_lesion("mmHg", "mean pO2 over the mass")
def mean_oxygen_mmHg(section: MeasuredSection) -> float:
    return share(section.counts.oxygen_mmHg, section.counts.cells)


@of_lesion("1", "mean VEGF over the mass, tissue of normoxic tumour cells = 1")
def mean_vegf(section: MeasuredSection) -> float:
    return share(section.counts.vegf, section.counts.cells)


@of_lesion("1", "share of viable cells in cycle")
def growth_fraction(section: MeasuredSection) -> float:
    return share(section.counts.cycling, section.counts.viable)


@of_lesion("1/mm2", "perfused vessels in the mass")
def perfused_vessels_per_mm2(section: MeasuredSection) -> float:
    return section.per_mm2(section.counts.perfused_vessels)


@of_lesion("1/mm2", "vessels in the mass")
def vessels_per_mm2(section: MeasuredSection) -> float:
    return section.per_mm2(section.counts.vessels)


@of_lesion("1", "mean maturity of the vessels in the mass")
def vessel_maturity(section: MeasuredSection) -> float:
    return share(section.counts.maturity, section.counts.vessels)


@of_lesion("1/mm2", "CD8 T cells in the mass")
def t_cells_per_mm2(section: MeasuredSection) -> float:
    return section.per_mm2(section.counts.t_cells)


@of_lesion("1/mm2", "tumour-specific CD8 T cells in the mass")
def specific_t_cells_per_mm2(section: MeasuredSection) -> float:
    t = section.tissue.t_cells
    in_mass = section.tissue.state.reshape(-1)[t.site[: t.n]] > 0
    return section.per_mm2(float(np.count_nonzero(section.is_specific & in_mass)))


@of_lesion("1", "PD-L1-positive share of living tumour cells")
def pd_l1_positive_fraction(section: MeasuredSection) -> float:
    return share(section.counts.pd_l1_positive, section.counts.living)


@of_lesion("1", "exhausted share of specific T cells")
def exhausted_fraction(section: MeasuredSection) -> float:
    t = section.tissue.t_cells
    return share(float(np.count_nonzero(t.is_exhausted[: t.n])), float(np.count_nonzero(section.is_specific)))


@of_lesion("d", "net doubling time of the lesion's cells over about a week; missing while it shrinks")
def volume_doubling_time_d(section: MeasuredSection) -> float:
    growth_per_d = section.tissue.growth_per_d
    return log(2.0) / growth_per_d if growth_per_d > 0.0 else _NAN


@of_lesion("1", "low-dose effect on T-cell entry, 0 to 1")
def low_dose_entry_gain(section: MeasuredSection) -> float:
    return section.tissue.low_dose_gain


@of_lesion("cm", "longest diameter of the lesion", is_size=True)
def longest_diameter_cm(section: MeasuredSection) -> float:
    return section.longest_diameter_cm


@of_lesion("cm", "diameter perpendicular to the longest", is_size=True)
def short_axis_cm(section: MeasuredSection) -> float:
    return section.short_axis_cm


def _deaths_by(cause: Hazard) -> Callable[[MeasuredSection], float]:
    """Return the function that reads the deaths by one cause."""
    return lambda section: float(section.tissue.ledger[cause])


_KILLED = {Hazard.RADIATION: "killed by radiation", Hazard.T_CELL: "killed by T cells", Hazard.FAILED_DIVISION: "dead of failed divisions"}
for _cause in CAUSES:
    _died = _KILLED.get(_cause, f"dead of {_cause.name.lower().replace('_', ' ')}")
    of_lesion("1", f"lesion cells {_died} since the start", name=f"deaths_{_cause.name.lower()}")(_deaths_by(_cause))


@of_lesion("mmHg", "largest pointwise correction left in the oxygen field")
def oxygen_residual(section: MeasuredSection) -> float:
    return section.tissue.oxygen_residual


@of_patient("1", "share of PD-1 receptors occupied by drug")
def pd1_occupancy(state: State) -> float:
    return state.systemic.pd1_occupancy


@of_patient("1", "inhibition of the enzyme VEGFR (T cells follow it, vessels normalisation and pruning)")
def vegfr_inhibition(state: State) -> float:
    return state.systemic.vegfr_inhibition


@of_patient("1", "normalisation effect on vessels")
def normalisation(state: State) -> float:
    return state.systemic.normalisation


@of_patient("1", "pruning effect on vessels")
def pruning(state: State) -> float:
    return state.systemic.pruning


@of_patient("1", "supply of specific effectors by what VEGF holds back, relative to day 0")
def priming_under_vegf(state: State) -> float:
    return state.systemic.priming_left / state.systemic.priming_left_at_rest


@of_patient("1/d", "share of the blood's effectors that enters the lesions per day, mean over about five days")
def t_cell_uptake_per_d(state: State) -> float:
    return share(state.systemic.efflux_specific + state.systemic.efflux_bystander, effector_t_cells(state))


@of_patient("1", "CD8 effectors in blood")
def effector_t_cells(state: State) -> float:
    return state.systemic.specific_blood + state.systemic.bystander_blood


@of_patient("1", "tumour-specific CD8 effectors in blood")
def specific_effector_t_cells(state: State) -> float:
    return state.systemic.specific_blood


@of_patient("1", "tumour-specific memory T cells")
def memory_t_cells(state: State) -> float:
    return state.systemic.memory


@of_patient("1/d", "antigen that reaches priming, weighted dead cells per day")
def antigen(state: State) -> float:
    return float(state.systemic.antigen[-1])


@of_patient("1", "tumour cells of the patient, not yet cleared")
def burden_cells(state: State) -> float:
    return lesion_size.burden(state)


@of_drug("1", "blood level of the drug in the unit of drug_level_unit")
def drug_level(drug: DrugLevel) -> float:
    return drug.level
