"""T-cell priming (systemic): antigen from dead tumour cells expands specific effectors after a delay, with saturation.

    A: released antigen passes three transit stages (mean delay about 5 days)
    E(A) = A / (A + A50)
    production of specific effectors = supply x naive x E(A) / E(A_baseline) x (1 - s_V) / (1 - s_V at rest) + recall x memory
    memory gains a share of the primed cells and persists without antigen; blood effectors die with the effector lifespan

That is the supply *relative* to day 0. In the form `absolute_priming` it is one law for all patients, and nothing is set on day 0:

    production = S_max naive E(A) (1 - s_V) + recall x E(A) x memory

so that a burden too small to prime holds no effectors. In the burn-in the pool of specific effectors then runs under this law, and memory
stands where it rests under the antigen of the moment.

Antigen per dead cell depends on the cause of death: killed by radiation 1, necrosis 0.3, killed by a T cell 0.5 (ratios
assumed; structure as the dendritic-cell term of Kosinsky 2018, doi 10.1186/s40425-018-0327-9), apoptosis and failed
division 0.1. The supply keeps the pools at baseline under the lesions' demand at the end of the burn-in: the
patient is assumed to be in balance on day 0. s_V is the suppression of priming by VEGF (`vegf_suppression`); a VEGFR inhibitor
lowers s_V and so raises priming.
"""

from math import fsum
from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.numerics.kinetics import decay_share
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import Hazard
from lesionlab.sim.state.state import State, Systemic

STAGES = 3


class Parameters(NamedTuple):
    """Systemic T-cell pools; counts are cells of the patient."""

    blood_effectors: Annotated[float, quantity(
        "cells", "tumour-homing CD8 effectors in blood at baseline", 1000000.0, 1000000000000.0, "assumed",
        "5 L of blood at about 2e8 CD8 effector and memory cells per L", prior=(1e8, 5e9))] = 1e9
    specific_share: Annotated[float, quantity("1", "tumour-specific share of CD8 cells at baseline", 1e-06, 1.0, "assumed",
        "0.1-0.3 among infiltrating cells (Simoni 2018, to be checked), taken for blood as well because entry does not select",
        prior=(0.01, 0.5))] = 0.2
    blood_lifespan_d: Annotated[float, quantity("d", "mean life of effectors in blood", 0.1, 365.0, "literature", "SPQSP_IO 10 d",
        prior=(2.0, 30.0))] = 10.0
    delay_d: Annotated[float, quantity("d", "delay from antigen to effectors", 0.1, 60.0, "literature",
        "lymph-node expansion, spQSP models",
        prior=(4.0, 7.0))] = 5.0
    antigen_half_per_d: Annotated[float, quantity(
        "cells/d", "weighted dead cells per day of half-maximal priming", 1.0, 1000000000000000.0, "assumed",
        "assumed",
        prior=(1e8, 1e12))] = 1e10
    radiation_weight: Annotated[float, quantity(
        "1", "antigen of a cell killed by radiation: the unit of the other weights", 0.0, 1.0, "assumed",
        "unit")] = 1.0
    necrosis_weight: Annotated[float, quantity("1", "antigen of a necrotic cell relative to one killed by radiation", 0.0, 10.0, "assumed",
        "assumed ratio",
        prior=(0.0, 1.0))] = 0.3
    t_cell_weight: Annotated[float, quantity("1", "antigen of a cell killed by a T cell", 0.0, 10.0, "assumed", "assumed ratio",
        prior=(0.0, 1.0))] = 0.5
    apoptosis_weight: Annotated[float, quantity("1", "antigen of an apoptotic cell or failed division", 0.0, 10.0, "assumed", "quiet death",
        prior=(0.0, 1.0))] = 0.1
    supply_most_per_d: Annotated[float, quantity(
        "cells/d", "specific effectors primed per day at most, under absolute priming only (S_max)", 1.0, 1e12, "assumed",
        "one value for all patients; 1e8 holds 2e8 in blood, which die in 10 d, at a fifth of the largest drive",
        prior=(1e7, 1e9))] = 1e8
    memory_share: Annotated[float, quantity("1", "share of primed cells that become memory", 0.0, 1.0, "assumed",
        "stem-like fraction 0.02-0.3",
        prior=(0.0, 0.3))] = 0.1
    memory_lifespan_d: Annotated[float, quantity("d", "mean life of memory cells", 1.0, 36500.0, "assumed", "assumed",
        prior=(100.0, 2000.0))] = 400.0
    recall_per_d: Annotated[float, quantity(
        "1/d", "effectors that a memory cell gives per day; under absolute priming times E(A), else without need of antigen", 0.0, 10.0,
        "assumed", "assumed; 0.002-0.02 under absolute priming",
        prior=(0.0, 1.0))] = 0.02
    naive_recovery_d: Annotated[float, quantity("d", "recovery time of naive cells after radiotherapy", 1.0, 3650.0, "assumed", "months",
        prior=(30.0, 180.0))] = 60.0


def drive(antigen_per_d: float, p: Parameters) -> float:
    """Return the drive of priming by antigen (weighted dead cells per day): E(A) = A / (A + A50)."""
    return antigen_per_d / (antigen_per_d + p.antigen_half_per_d)


def primed_per_d(systemic: Systemic, p: Parameters) -> float:
    """Return the specific effectors primed per day: supply x naive x E(A) / E(A_baseline) x (1 - s_V) / (1 - s_V at rest).

    Where the supply is absolute: S_max naive E(A) (1 - s_V).
    """
    gain = drive(float(systemic.antigen[-1]), p)
    if systemic.is_supply_absolute:
        return p.supply_most_per_d * systemic.naive * gain * systemic.priming_left
    primed = systemic.supply_specific * systemic.naive * gain / drive(systemic.baseline_antigen, p)
    return primed * (systemic.priming_left / systemic.priming_left_at_rest)


def recalled_per_d(systemic: Systemic, p: Parameters) -> float:
    """Return the specific effectors that memory gives per day: recall x memory; where the supply is absolute, times E(A)."""
    gain = drive(float(systemic.antigen[-1]), p) if systemic.is_supply_absolute else 1.0
    return p.recall_per_d * gain * systemic.memory


def _take_antigen(state: State, p: Parameters) -> float:
    """Return the antigen-weighted dead cells since the last call, from the lesions' ledgers."""
    weights = np.zeros(len(Hazard))
    weights[[Hazard.FAILED_DIVISION, Hazard.APOPTOSIS]] = p.apoptosis_weight
    weights[Hazard.HYPOXIA], weights[Hazard.T_CELL], weights[Hazard.RADIATION] = p.necrosis_weight, p.t_cell_weight, p.radiation_weight
    total = fsum(weight * dead for tissue in state.tissues for weight, dead in zip(weights, tissue.ledger, strict=True))
    released = total - state.systemic.antigen_ledger
    state.systemic.antigen_ledger = total
    return released


def _pass_stages(systemic: Systemic, inflow_per_d: float, p: Parameters, days: float) -> None:
    """Pass antigen (weighted dead cells per day) through the transit stages."""
    share = decay_share(STAGES / p.delay_d, days)
    before = inflow_per_d
    for stage in range(STAGES):
        systemic.antigen[stage] += share * (before - systemic.antigen[stage])
        before = float(systemic.antigen[stage])


def hold_baseline(systemic: Systemic, p: Parameters, days: float) -> None:
    """Set on day 0 the values that balance death and the lesions' demand: memory at rest, supplies and baseline antigen.

    The antigen at rest is the mean over the burn-in's `days`; without a burn-in it is set to half-maximal.

    Memory at rest is f tau times the primed supply s and yields r f tau s; so s = total / (1 + r f tau).

    Where the supply is absolute, only the bystanders' supply is set: the others came to rest under their own law.
    """
    systemic.supply_bystander = systemic.bystander_blood / p.blood_lifespan_d + systemic.efflux_bystander
    if systemic.is_supply_absolute:
        systemic.baseline_antigen, systemic.antigen_ledger = float(systemic.antigen[-1]), 0.0
        return
    released = systemic.antigen_ledger / days if days > 0 else 0.0
    systemic.baseline_antigen = released if released > 0.0 else p.antigen_half_per_d
    systemic.antigen[:] = systemic.baseline_antigen
    systemic.antigen_ledger = 0.0
    needed = systemic.specific_blood / p.blood_lifespan_d + systemic.efflux_specific
    at_rest_d = p.memory_share * p.memory_lifespan_d
    systemic.supply_specific = needed / (1.0 + p.recall_per_d * at_rest_d)
    systemic.memory = at_rest_d * systemic.supply_specific


def _bystander_supply(systemic: Systemic, p: Parameters) -> float:
    """Return the bystanders supplied per day to return to their baseline: at most the supply, and never above the baseline."""
    level = p.blood_effectors * (1.0 - p.specific_share)
    demand = systemic.bystander_blood / p.blood_lifespan_d + systemic.efflux_bystander + level - systemic.bystander_blood
    return min(max(demand, 0.0), systemic.supply_bystander)


def _settle(systemic: Systemic, p: Parameters, days: float) -> None:
    """Advance the specific effectors in the burn-in under absolute supply; memory is set to where it rests under this antigen.

    Entry takes nothing from the pools in the burn-in, so what leaves for the lesions is subtracted here, as its running mean.
    """
    primed = primed_per_d(systemic, p)
    systemic.memory = p.memory_share * p.memory_lifespan_d * primed
    gained = primed + recalled_per_d(systemic, p) - systemic.efflux_specific
    left = systemic.specific_blood * (1.0 - decay_share(1.0 / p.blood_lifespan_d, days))
    systemic.specific_blood = max(left + gained * days, 0.0)


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Pass antigen through its stages, then update the blood pools by supply, expansion and death.

    During the burn-in the pools are fixed, but for the specific one where its supply is absolute.
    """
    systemic, days = state.systemic, clock.dt_h / 24.0
    _pass_stages(systemic, _take_antigen(state, p) / days, p, days)
    if clock.t_h < 0:
        if systemic.is_supply_absolute:
            _settle(systemic, p, days)
        return
    primed = primed_per_d(systemic, p) * days
    recalled = recalled_per_d(systemic, p) * days
    died = decay_share(1.0 / p.blood_lifespan_d, days)
    systemic.specific_blood += primed + recalled - died * systemic.specific_blood
    systemic.bystander_blood += _bystander_supply(systemic, p) * days - died * systemic.bystander_blood
    systemic.memory += p.memory_share * primed - decay_share(1.0 / p.memory_lifespan_d, days) * systemic.memory
    systemic.naive += (1.0 - systemic.naive) * decay_share(1.0 / p.naive_recovery_d, days)
