"""Pharmacokinetics: blood levels of the drugs from their courses, by exact steps of linear compartment models.

Two-compartment drugs (antibodies, intravenous): the clearance falls with exposure, CL(t) = CL_ss + (CL_0 - CL_ss) 2^(-t/t_half).
One-compartment drugs (tablets) pass a depot by first-order absorption. Levels: mg/L = ug/mL, times 1000 ng/mL; ng/mL over g/mol are uM.

Each drug of the library (`sim/treatment/library`) states its values with unit, evidence and source: `lesionlab describe drugs`.
"""

import math
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag

from lesionlab.sim.numerics.kinetics import absorption_step, two_compartment_step
from lesionlab.sim.parameters.quantities import Strict, value
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.state import DrugLevel, State


class TwoCompartments(Strict):
    """Intravenous drug: volumes in L, clearances in mL/h; `half_effect_ug_per_ml` is the level of half receptor occupancy."""

    model: Literal["two_compartments"] = "two_compartments"
    clearance_first_ml_per_h: float = value("mL/h", "clearance at the first dose", gt=0, le=1000)
    clearance_steady_ml_per_h: float = value("mL/h", "clearance after long exposure", gt=0, le=1000)
    clearance_half_time_d: float = value("d", "half-time of the fall of the clearance", gt=0, le=365)
    central_volume_l: float = value("L", "central volume", gt=0, le=100)
    peripheral_volume_l: float = value("L", "peripheral volume", gt=0, le=100)
    exchange_ml_per_h: float = value("mL/h", "clearance between the compartments", gt=0, le=1000)
    half_effect_ug_per_ml: float = value("ug/mL", "plasma level of the half-maximal effect on the class's target", gt=0)


class OneCompartment(Strict):
    """Oral drug: apparent volume in L and clearance in L/h; `half_effect_ng_per_ml` is the level of half enzyme inhibition."""

    model: Literal["one_compartment"] = "one_compartment"
    absorption_per_h: float = value("1/h", "absorption rate constant", gt=0, le=24)
    clearance_l_per_h: float = value("L/h", "apparent clearance CL/F", gt=0, le=1000)
    volume_l: float = value("L", "apparent volume V/F", gt=0, le=100000)
    half_effect_ng_per_ml: float = value("ng/mL", "plasma level of the half-maximal effect on the class's target", gt=0)
    molar_mass_g_per_mol: float | None = value(
        "g/mol", "molar mass; without it the drug has no direct effect on division", None, gt=0, le=2000)


Pharmacokinetics = TwoCompartments | OneCompartment


def _kind(block: Any) -> str:
    """Return the tag of a block's compartment model: the model it names, else the one that its keys match."""
    given = block if isinstance(block, dict) else {"model": getattr(block, "model", None)}
    return "<one>" if given.get("model") == "one_compartment" or "absorption_per_h" in given else "<two>"


Kinetics = Annotated[Annotated[OneCompartment, Tag("<one>")] | Annotated[TwoCompartments, Tag("<two>")], Discriminator(_kind)]
"""Pharmacokinetics as a file gives them: the model may be left out."""


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


def level_unit(kinetics: Pharmacokinetics) -> str:
    """Return the unit of `DrugLevel.level`."""
    return "ug/mL" if isinstance(kinetics, TwoCompartments) else "ng/mL"


def update(state: State, p: dict[str, Pharmacokinetics], clock: Clock) -> None:
    """Take the doses that are due into the depot (at once into blood for infusions) and advance every drug."""
    for index, dose_mg in state.orders.doses:
        state.systemic.drugs[index].compartments[0] += dose_mg
    for drug in state.systemic.drugs:
        if drug.compartments.any():
            advance(drug, p[drug.name], clock.dt_h)
