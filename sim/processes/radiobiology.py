"""Radiobiology: each fraction dooms clonogens by the linear-quadratic law with the oxygen effect at their current pO2.

    -ln S = alpha m_a d + (alpha / r) m_b^2 d^2,   m = (M p + K) / (M (p + K)) with M_a for alpha and M_b for sqrt(beta)

d is the site's dose from the plan's map (core, mass, penumbra; the map follows the mass, as with image guidance),
r = alpha/beta, p the site's pO2, M and K are those of Alper and Howard-Flanders (1956). By default alpha and sqrt(beta) scale
by the same factor: the dose dependence of the oxygen effect is at most 11 % from 1 to 3 Gy (Wenzl and Wilkens 2011, Radiat Oncol
6:171). Separate modifiers, of about 2 for alpha and 3 for sqrt(beta), can be computed from one survival table (JRR 2014 55:1028;
cell line unknown) and may be set. The rule writes -ln S as a hazard; `cell_fate` draws the fates.

A fraction also kills part of the resident and circulating T cells, raises T-cell entry when the dose is low, and slightly matures
vessels. It kills no vessels: that takes more than about 8 Gy per fraction (Park 2012, doi 10.1667/RR2773.1). Fractions of one
step add up: a share s^n of resident T cells survives n fractions, by one draw per T cell.

Assumes: the long axis of a mass lies along x, as in its initial layout; repair is complete between fractions, even hours apart; no
dependence on the cycle phase.
"""

import math
from collections import Counter
from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.kinetics import decay_share
from lesionlab.sim.numerics.lattice import mass_axes
from lesionlab.sim.numerics.random import draw, uniform
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState, Hazard, Purpose
from lesionlab.sim.state.state import SITE_UM, Fraction, State, Systemic, Tissue

_PROLIFERATING, _QUIESCENT = int(CellState.PROLIFERATING), int(CellState.QUIESCENT)
_RADIATION = int(Hazard.RADIATION)
_T_CELL_RADIATION = int(Purpose.T_CELL_RADIATION)


class Parameters(NamedTuple):
    """Radiobiology of tumour, lymphocytes and vessels."""

    alpha_per_gy: Annotated[float, quantity("1/Gy", "linear coefficient of well-oxygenated cells", 0.0, 2.0, "assumed",
        "no survival curve of anaplastic thyroid lines could be opened; direction (resistant) from PMC6430255", prior=(0.15, 0.35))] = 0.25
    alpha_beta_gy: Annotated[float, quantity("Gy", "alpha/beta ratio", 0.5, 100.0, "assumed",
        "generic head and neck carcinoma", prior=(3.0, 15.0))] = 10.0
    oxygen_enhancement: Annotated[float, quantity("1", "largest oxygen enhancement ratio of alpha", 1.0, 5.0, "literature",
        "Alper and Howard-Flanders 1956; used with LQ by Wenzl and Wilkens 2011, constant to be checked; 1.5-2.4 if alpha is "
        "modified apart", prior=(1.5, 3.2))] = 3.0
    oxygen_enhancement_beta: Annotated[float, quantity("1", "largest oxygen enhancement ratio of sqrt(beta)", 1.0, 5.0, "literature",
        "as alpha's; 2.9-3.2 if modified apart, computed from one survival table of an unknown line (JRR 2014 55:1028)",
        prior=(2.5, 3.2))] = 3.0
    oxygen_half_mmHg: Annotated[float, quantity("mmHg", "pO2 of the half-maximal oxygen effect", 0.1, 50.0, "literature",
        "Alper and Howard-Flanders 1956, constant to be checked", prior=(2.0, 4.0))] = 3.0
    t_cell_survival: Annotated[float, quantity("1", "share of resident T cells that survive a fraction", 0.0, 1.0, "assumed",
        "resident T cells largely survive (Arina 2019, doi 10.1038/s41467-019-11906-2); the number is assumed", prior=(0.5, 1.0))] = 0.8
    blood_share: Annotated[float, quantity("1", "share of the blood that a fraction to one lesion irradiates", 0.0, 1.0, "assumed",
        "small fields", prior=(0.0, 0.2))] = 0.02
    lymphocyte_d0_gy: Annotated[float, quantity("Gy", "D0 of circulating CD8 cells", 0.05, 10.0, "literature",
        "resting CD8 0.55 Gy, taken for effectors too; clonogenic CD8 D10 3.34 Gy (Nakamura 1990, doi 10.2307/3577549)",
        prior=(0.55, 1.5))] = 0.55
    low_dose_limit_gy: Annotated[float, quantity("Gy", "largest dose per fraction that acts as a low dose", 0.0, 30.0, "assumed",
        "low-dose studies use up to 2 Gy a fraction (Klug 2013; Herrera 2022)", prior=(0.5, 2.0))] = 2.0
    low_dose_onset_d: Annotated[float, quantity("d", "time to the low-dose effect on entry", 0.1, 60.0, "assumed",
        "order of days in low-dose studies", prior=(2.0, 5.0))] = 3.0
    low_dose_decay_d: Annotated[float, quantity("d", "decay time of the low-dose effect", 0.1, 365.0, "assumed",
        "about two weeks", prior=(7.0, 28.0))] = 14.0
    maturation_per_fraction: Annotated[float, quantity("1", "vessel maturity gained per fraction of at least 2 Gy", 0.0, 1.0, "assumed",
        "pericyte cover rose under 10 x 2 and 6 x 4 Gy (PMC7017121); size assumed: 0.1 after five fractions", prior=(0.0, 0.06))] = 0.02


class Plan(NamedTuple):
    """A fraction as planned: doses (Gy) to mass and core, the core's radius as a share of the mass's; half axes (z, y, x) of the mass
    and width of the penumbra in sites, z infinite in a slab."""

    mass_gy: float
    core_gy: float
    core_radius_share: float
    half_axes: tuple[float, float, float]
    penumbra: float


@kernel
def sensitivity(enhancement, half_mmHg, oxygen_mmHg):
    """Return the radiosensitivity relative to full oxygenation, 1 / M to 1: m = (M p + K) / (M (p + K))."""
    return (enhancement * oxygen_mmHg + half_mmHg) / (enhancement * (oxygen_mmHg + half_mmHg))


@kernel
def log_kill(p, dose_gy, oxygen_mmHg):
    """Return -ln S of a clonogen: alpha m_a d + (alpha / r) m_b^2 d^2."""
    of_alpha = sensitivity(p.oxygen_enhancement, p.oxygen_half_mmHg, oxygen_mmHg) * dose_gy
    of_beta = sensitivity(p.oxygen_enhancement_beta, p.oxygen_half_mmHg, oxygen_mmHg) * dose_gy
    return p.alpha_per_gy * (of_alpha + of_beta * of_beta / p.alpha_beta_gy)


@kernel
def dose_at(plan, radius):
    """Return the dose (Gy) at an elliptical radius (1 at the mass's surface): to mass and core, each with a penumbra (error function)."""
    _, half_y, half_x = plan.half_axes
    mean_radius = math.sqrt(half_y * half_x)
    # The planned volume reaches two penumbra widths beyond the mass, so the whole mass is covered.
    inside = 0.5 * math.erfc(((radius - 1.0) * mean_radius - 2.0 * plan.penumbra) / (math.sqrt(2.0) * plan.penumbra))
    inner = 0.5 * math.erfc((radius - plan.core_radius_share) * mean_radius / (math.sqrt(2.0) * plan.penumbra))
    return plan.mass_gy * inside + (plan.core_gy - plan.mass_gy) * inner


@kernel
def _add_log_kill(p, plan, centre, oxygen, state, hazard):
    """Add -ln S to the radiation hazard of every clonogen.

    Reads oxygen (mmHg, float32), state; writes hazard[RADIATION]; shapes (nz, ny, nx). No draws.
    """
    half_z, half_y, half_x = plan.half_axes
    nz, ny, nx = state.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if state[z, y, x] != _PROLIFERATING and state[z, y, x] != _QUIESCENT:
                    continue
                radius = math.sqrt(((z - centre[0]) / half_z) ** 2 + ((y - centre[1]) / half_y) ** 2 + ((x - centre[2]) / half_x) ** 2)
                hazard[_RADIATION, z, y, x] += log_kill(p, dose_at(plan, radius), oxygen[z, y, x])


@kernel
def _kill_t_cells(p_death, stream, n, ids, dies_at_h):
    """Kill resident T cells with probability p_death: one draw per T cell. Reads ids; writes dies_at_h (h), rows [0, n)."""
    for i in range(n):
        if uniform(draw(stream, _T_CELL_RADIATION, ids[i])[0]) < p_death:
            dies_at_h[i] = -np.inf


def _irradiate(state: State, tissue: Tissue, fraction: Fraction, p: Parameters) -> None:
    """Apply one fraction to one lesion and the blood; the lesion's T cells are treated in `update`."""
    longest, short, depth = mass_axes(tissue.state, tissue.window, tissue.is_block)
    site_cm = SITE_UM * 1e-4 * tissue.scale
    half_axes = (max(depth, 1.0) / 2.0, max(short, 1.0) / 2.0, max(longest, 1.0) / 2.0)
    plan = Plan(fraction.mass_gy, fraction.core_gy, fraction.core_radius_fraction, half_axes, max(fraction.penumbra_cm / site_cm, 0.5))
    _add_log_kill(p, plan, tissue.centre, tissue.oxygen, tissue.state, tissue.hazard)
    _deplete_blood(state.systemic, p.blood_share * decay_share(1.0 / p.lymphocyte_d0_gy, fraction.mass_gy))
    if fraction.mass_gy <= p.low_dose_limit_gy:
        tissue.low_dose_signal = 1.0
    if fraction.mass_gy >= 2.0:
        tissue.radiation_maturity += p.maturation_per_fraction


def _deplete_blood(systemic: Systemic, share: float) -> None:
    """Kill a share of the effectors and naive cells in blood."""
    for pool in ("specific_blood", "bystander_blood", "naive"):
        setattr(systemic, pool, getattr(systemic, pool) * (1.0 - share))


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Apply the fractions that are due; let the low-dose effect rise and decay (two linear stages)."""
    tissues = {tissue.name: tissue for tissue in state.active}
    for fraction in state.orders.fractions:
        if fraction.lesion in tissues:
            _irradiate(state, tissues[fraction.lesion], fraction, p)
    given = Counter(fraction.lesion for fraction in state.orders.fractions)
    for tissue in (tissues[name] for name in given if name in tissues):
        t = tissue.t_cells
        # One draw per T cell for all fractions of the step: a second draw would return the same random numbers.
        _kill_t_cells(1.0 - p.t_cell_survival ** given[tissue.name], state.stream(tissue, clock), t.n, t.id, t.dies_at_h)
    onset = decay_share(1.0 / p.low_dose_onset_d, clock.dt_h / 24.0)
    decay = decay_share(1.0 / p.low_dose_decay_d, clock.dt_h / 24.0)
    for tissue in state.active:
        passed = tissue.low_dose_signal * onset
        tissue.low_dose_signal -= passed
        tissue.low_dose_gain = min(1.0, tissue.low_dose_gain * (1.0 - decay) + passed)
