"""Pharmacokinetics: blood levels of the drugs from their courses, by exact steps of linear compartment models.

Two-compartment drugs (antibodies, intravenous): the clearance falls with exposure, CL(t) = CL_ss + (CL_0 - CL_ss) 2^(-t/t_half).
One-compartment drugs (tablets) pass a depot by first-order absorption. Levels: mg/L = ug/mL, times 1000 ng/mL; ng/mL over g/mol are uM.

Sources: toripalimab two compartments with time-varying clearance (Li 2023, fphar.2022.1069818); CL 14.9 > 9.5 mL/h are label
values quoted by a secondary page, to be confirmed; volumes, Q and the time course of CL are assumed; they give terminal
half-lives of 9.7 and 13.4 days where 10 +- 1.5 and 18 +- 9.4 are quoted. Anlotinib one compartment, ka 0.64 1/h, CL/F 9.26 L/h,
V/F 2010 L (population analysis of 16 patients, rs.3.rs-2375943).
"""

import math
from typing import Literal

from pydantic import Field

from lesionlab.sim.numerics.kinetics import absorption_step, two_compartment_step
from lesionlab.sim.parameters.quantities import Strict
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.state import DrugLevel, State


class TwoCompartments(Strict):
    """Intravenous drug: volumes in L, clearances in mL/h; `half_effect_ug_per_ml` is the level of half receptor occupancy."""

    model: Literal["two_compartments"] = "two_compartments"
    clearance_first_ml_per_h: float = Field(gt=0, le=1000, description="clearance at the first dose")
    clearance_steady_ml_per_h: float = Field(gt=0, le=1000, description="clearance after long exposure")
    clearance_half_time_d: float = Field(gt=0, le=365, description="half-time of the fall of the clearance")
    central_volume_l: float = Field(gt=0, le=100, description="central volume")
    peripheral_volume_l: float = Field(gt=0, le=100, description="peripheral volume")
    exchange_ml_per_h: float = Field(gt=0, le=1000, description="clearance between the compartments")
    half_effect_ug_per_ml: float = Field(gt=0, description="plasma level of the half-maximal effect on the class's target")


class OneCompartment(Strict):
    """Oral drug: apparent volume in L and clearance in L/h; `half_effect_ng_per_ml` is the level of half enzyme inhibition."""

    model: Literal["one_compartment"] = "one_compartment"
    absorption_per_h: float = Field(gt=0, le=24, description="absorption rate constant")
    clearance_l_per_h: float = Field(gt=0, le=1000, description="apparent clearance CL/F")
    volume_l: float = Field(gt=0, le=100000, description="apparent volume V/F")
    half_effect_ng_per_ml: float = Field(gt=0, description="plasma level of the half-maximal effect on the class's target")
    molar_mass_g_per_mol: float | None = Field(default=None, gt=0, le=2000,
                                               description="molar mass; without it the drug has no direct effect on division")


Pharmacokinetics = TwoCompartments | OneCompartment

KNOWN_DRUGS: dict[str, Pharmacokinetics] = {
    # Half occupancy: K_D about 0.3 nM, several-fold worse in tissue: 1-2 nM of a 150 kDa antibody, 0.25 ug/mL (assumed).
    "toripalimab": TwoCompartments(
        clearance_first_ml_per_h=14.9, clearance_steady_ml_per_h=9.5, clearance_half_time_d=21.0, central_volume_l=2.6,
        peripheral_volume_l=1.1, exchange_ml_per_h=6.0, half_effect_ug_per_ml=0.25,
        evidence={"clearance_first_ml_per_h": "literature", "clearance_steady_ml_per_h": "literature",
                  "clearance_half_time_d": "assumed", "central_volume_l": "assumed", "peripheral_volume_l": "assumed",
                  "exchange_ml_per_h": "assumed", "half_effect_ug_per_ml": "assumed"}),
    # Enzyme IC50 < 1 nM, 7 % free in plasma: 0.5 nM free is 2.9 ng/mL total (Xie 2018, doi 10.1111/cas.13536; binding: aps.2017.199).
    # Molar mass of C23H22FN3O3.
    "anlotinib": OneCompartment(absorption_per_h=0.64, clearance_l_per_h=9.26, volume_l=2010.0, half_effect_ng_per_ml=2.9,
                                molar_mass_g_per_mol=407.4, evidence="literature"),
}


def advance(drug: DrugLevel, kinetics: Pharmacokinetics, dt_h: float) -> None:
    """Advance one drug's compartments by dt_h hours and set its level and its level relative to the half-effect."""
    depot, central, peripheral = (float(amount) for amount in drug.compartments)
    if isinstance(kinetics, TwoCompartments):
        fallen = math.exp2(-drug.exposure_h / 24.0 / kinetics.clearance_half_time_d)
        steady = kinetics.clearance_steady_ml_per_h
        clearance = steady + (kinetics.clearance_first_ml_per_h - steady) * fallen
        volume = 1000.0 * kinetics.central_volume_l
        rates = (clearance / volume, kinetics.exchange_ml_per_h / volume,
                 kinetics.exchange_ml_per_h / (1000.0 * kinetics.peripheral_volume_l))
        central, peripheral = two_compartment_step(central + depot, peripheral, rates, dt_h)
        drug.compartments[:] = 0.0, central, peripheral
        drug.level = central / kinetics.central_volume_l
        drug.relative_level = drug.level / kinetics.half_effect_ug_per_ml
    else:
        elimination = kinetics.clearance_l_per_h / kinetics.volume_l
        depot, central = absorption_step(depot, central, kinetics.absorption_per_h, elimination, dt_h)
        drug.compartments[:] = depot, central, 0.0
        drug.level = 1000.0 * central / kinetics.volume_l
        drug.relative_level = drug.level / kinetics.half_effect_ng_per_ml
        drug.concentration_uM = drug.level / kinetics.molar_mass_g_per_mol if kinetics.molar_mass_g_per_mol else 0.0
    drug.exposure_h += dt_h


def level_unit(kinetics: Pharmacokinetics | None) -> str:
    """Return the unit of `DrugLevel.level`."""
    return "ug/mL" if isinstance(kinetics, TwoCompartments) else "ng/mL"


def update(state: State, p: dict[str, Pharmacokinetics], clock: Clock) -> None:
    """Take the doses that are due into the depot (at once into blood for infusions) and advance every drug."""
    for index, dose_mg in state.orders.doses:
        state.systemic.drugs[index].compartments[0] += dose_mg
    for drug in state.systemic.drugs:
        if drug.compartments.any():
            advance(drug, p[drug.name], clock.dt_h)
