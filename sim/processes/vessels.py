"""Vessels: maturation, perfusion, collapse, pruning, regression, sprouting and repair, once a day.

Each vessel site has a maturity m that drifts to a target. The target is m_tumour in untreated tumour. It is m_normal under full
normalisation, in host tissue and where tumour cells have died (decompression: radiotherapy that empties a mass
normalises its vessels, and more strongly than the drug does). The perfused share of vessels is
F(m) = q0 + (q1 - q0) (m - m_tumour) / (m_normal - m_tumour); each vessel opens at its own fixed threshold.
Perfusion falls with the lesion's size: q0 here is q0 (V / V_ref)^-b, within [0.05, q1]; V is the clinical volume on day 0 times (L / L0)^3.
Hazards of loss per day, with c the share of living tumour cells within 40 um:

    collapse    k_col (1 - 2 m) (c - 0.75) / 0.25    immature vessels (m < 0.5) compressed by living cells (c > 0.75)
    pruning     k_prune R (1 - s m)                  by VEGFR blockade
    regression  k_reg (1 - m) (1 - H(V))             without VEGF
                both x min(c / c_free, 1): host vessels, with few living tumour cells around them, are quiescent;
                both only for the share f of vessels that need VEGF

A fixed draw per site decides whether a vessel needs VEGF; the other vessels neither regress nor are pruned. With s = 0, maturity
protects no VEGF-dependent vessel from pruning. With s = 1, normalisation matures vessels and so would cancel the pruning by the
same drug. Vessels that survive VEGF blockade are observed under every inhibitor; their share is assumed.

Vessel density falls with depth in a mass: initially core + (rim - core) exp(-depth / lambda) perfused vessels per mm2, depth in
um of the section. Sprouting is k_spr H(V), with V = VEGF x (1 - R) the VEGF that still acts and H(V) = V / (V + V50). It is limited
by the vessels already present. The limit falls with depth like the initial density, so that VEGF does not refill the core. Sprouts
start at maturity 0.1. Where few tumour cells live, host vessels return at rate k_rep up to the host's density, so a shrunken
mass lies in supplied tissue. The two-state structure follows the vessel models of spQSP-HCC and OncoAMBER; rates are assumed
(ranges in the table). Cell killing decompresses vessels: collapse counts living cells only. Vessels stay in place while tissue
moves past them.
"""

import math
from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.kinetics import decay_share
from lesionlab.sim.numerics.lattice import crowding, depth_in, mass_axes
from lesionlab.sim.numerics.random import draw, draw_fixed, site_entity, uniform
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState, Purpose
from lesionlab.sim.state.state import SITE_UM, SITES_PER_MM2, State, Tissue

EVERY_H = 24.0
_VESSEL_FATE, _VESSEL_OPENNESS, _DEPENDENCE = (int(purpose) for purpose in (
    Purpose.VESSEL_FATE, Purpose.VESSEL_OPENNESS, Purpose.VESSEL_DEPENDENCE))
_REACH = 2
_HOST_REACH = 4
_WINDOW, _HOST_WINDOW = 25.0, 81.0
_SPROUT_MATURITY = 0.1
_LEAST_PERFUSED = 0.05


class Parameters(NamedTuple):
    """Vessel dynamics; densities per mm2 are of perfused vessels."""

    ORDERED = (("perfused_tumour", "perfused_normal"), ("maturity_tumour", "maturity_normal"))  # type: ignore[misc]
    rim_density_per_mm2: Annotated[float, quantity(
        "1/mm2", "perfused vessels at the surface of the mass at the start", 1.0, 1000.0, "assumed",
        "no microvessel density of this cancer found; core and depth were chosen with it on this model's day 0 (row 16 of `verify`): in neck "
        "and pelvis of the case hypoxia rises from ring to ring inwards at the other defaults",
        prior=(20.0, 150.0))] = 110.0
    core_density_per_mm2: Annotated[float, quantity("1/mm2", "perfused vessels deep in the core at the start", 0.0, 1000.0, "assumed",
        "as the rim's; with a denser core VEGF refills the centre of the pelvis", prior=(5.0, 150.0))] = 10.0
    density_depth_um: Annotated[float, quantity(
        "um", "depth of the section over which the density falls from rim to core by e; 0: the old form",
        0.0, 10000.0, "assumed", "as the rim's; at 300 the innermost rings of the neck were equally hypoxic",
        prior=(100.0, 1000.0))] = 600.0
    perfused_tumour: Annotated[float, quantity("1", "perfused share of untreated tumour vessels (q0)", 0.05, 1.0, "assumed",
        "tumour vessels are partly not perfused", prior=(0.2, 0.7))] = 0.5
    perfused_normal: Annotated[float, quantity("1", "perfused share of normalised vessels (q1)", 0.05, 1.0, "assumed",
        "normalised vessels carry flow", prior=(0.6, 1.0))] = 0.85
    maturity_tumour: Annotated[float, quantity("1", "maturity that untreated tumour vessels drift to", 0.0, 1.0, "assumed",
        "poor pericyte cover", prior=(0.1, 0.5))] = 0.3
    maturity_normal: Annotated[float, quantity("1", "maturity under full normalisation", 0.0, 1.0, "assumed",
        "pericyte cover restored", prior=(0.6, 1.0))] = 0.8
    maturation_time_d: Annotated[float, quantity("d", "time constant of maturation", 0.1, 100.0, "literature",
        "normalisation starts within 2-3 days (Winkler 2004, days to be checked); new vessels mature in 1-5 days (OncoAMBER)",
        prior=(1.0, 7.0))] = 3.0
    sprouting_per_d: Annotated[float, quantity("1/d", "largest sprouting rate per vessel site", 0.0, 2.0, "assumed",
        "lattice form of published sprouting rates", prior=(0.02, 0.1))] = 0.06
    vegf_half: Annotated[float, quantity("relative", "VEGF of half-maximal sprouting, normoxic tumour = 1", 0.01, 1000.0, "assumed",
        "between normoxic (1) and hypoxic (10) secretion", prior=(0.5, 10.0))] = 2.0
    collapse_per_d: Annotated[float, quantity("1/d", "collapse of the least mature vessels under full crowding", 0.0, 5.0, "assumed",
        "crowding thresholds as in OncoAMBER, rate assumed", prior=(0.0, 0.2))] = 0.1
    pruning_per_d: Annotated[float, quantity("1/d", "pruning of vessels that need VEGF under full blockade", 0.0, 5.0, "assumed",
        "anlotinib lowers vessel density (Xie 2018); rate chosen by the screen of drawn patients against either drug alone, never "
        "against both (docs/anchors.md)", prior=(0.02, 0.3))] = 0.3
    perfusion_size_exponent: Annotated[float, quantity(
        "1", "fall of the perfused share of tumour vessels with the lesion's volume (b)", 0.0, 1.0,
        "assumed", "chosen by the screen of drawn patients against either drug alone, never against both (docs/anchors.md); human data "
        "conflict (growth superlinear in Perez-Garcia 2020, at a constant rate in Sabra 2017)",
        prior=(0.0, 0.33))] = 0.21
    reference_volume_cm3: Annotated[float, quantity("cm3", "volume at which the perfused share is that stated", 0.1, 10000.0, "assumed",
        "a ball of 4.6 cm; the same for all patients: only b and q0 differ between them", prior=(10.0, 200.0))] = 50.0
    vegf_dependent_fraction: Annotated[float, quantity("1", "share of vessels that need VEGF: only these regress or are pruned (f)",
        0.0, 1.0, "assumed", "chosen by the screen of drawn patients against either drug alone, never against both (docs/anchors.md); "
        "perfusion under sunitinib fell by 45 % in two weeks and by 70 % in six (PMC4171969, other tumours)",
        prior=(0.4, 0.8))] = 0.71
    pruning_spared_by_maturity: Annotated[float, quantity(
        "1", "share of pruning that full maturity spares a vessel (s)", 0.0, 1.0, "assumed",
        "0; with 1 normalisation cancels the pruning by the same drug")] = 0.0
    regression_per_d: Annotated[float, quantity("1/d", "regression of immature vessels without VEGF", 0.0, 5.0, "assumed",
        "assumed", prior=(0.005, 0.05))] = 0.01
    repair_per_d: Annotated[float, quantity("1/d", "sprouting of host vessels where no tumour cell lives", 0.0, 5.0, "assumed",
        "tissue repair over weeks", prior=(0.0, 0.1))] = 0.05
    decompression_share: Annotated[float, quantity(
        "1", "share of living cells within 40 um below which vessels become normal", 0.01, 1.0, "assumed",
        "killing cells decompresses vessels; size assumed", prior=(0.05, 0.5))] = 0.25
    decompression_response: Annotated[float, quantity(
        "1", "share of the maturation by decompression that vessels take up", 0.0, 1.0, "assumed",
        "1; below 1 to weaken the coupling")] = 1.0
    normalisation_response: Annotated[float, quantity("1", "share of the drug's normalisation that vessels take up", 0.0, 1.0, "assumed",
        "1; below 1 to weaken the coupling")] = 1.0
    pruning_response: Annotated[float, quantity("1", "share of the drug's pruning that vessels take up", 0.0, 1.0, "assumed",
        "1; below 1 to weaken the coupling")] = 1.0
    crowded_vessels: Annotated[float, quantity("sites", "vessels within 40 um at which sprouting stops", 1.0, 25.0, "assumed",
        "5 of 25 sites are 500 vessels per mm2", prior=(3.0, 10.0))] = 5.0
    radiation_maturity_d: Annotated[float, quantity("d", "decay time of the maturation by radiotherapy", 0.5, 1000.0, "assumed",
        "measured over about two weeks (PMC7017121)", prior=(7.0, 60.0))] = 30.0


@kernel
def perfused_share(p, maturity):
    """Return the perfused share of vessels of a given maturity, in [0, 1]."""
    slope = (p.perfused_normal - p.perfused_tumour) / (p.maturity_normal - p.maturity_tumour)
    return min(max(p.perfused_tumour + slope * (maturity - p.maturity_tumour), 0.0), 1.0)


def in_lesion(p: Parameters, volume_cm3: float) -> Parameters:
    """Return the parameters for a lesion's volume: perfused share of untreated tumour vessels q0 (V / V_ref)^-b within [0.05, q1]."""
    share = p.perfused_tumour * (volume_cm3 / p.reference_volume_cm3) ** -p.perfusion_size_exponent
    return p._replace(perfused_tumour=min(max(share, _LEAST_PERFUSED), p.perfused_normal))


@kernel
def open_vessels(p, stream, centre, vessel, maturity, perfusion):
    """Set perfusion to 1 where a vessel's own fixed threshold lies below the perfused share of its maturity, else 0.

    Reads vessel, maturity; writes perfusion; shapes (nz, ny, nx). One draw per vessel. The random stream is that of step 0,
    so a vessel's threshold never changes.
    """
    nz, ny, nx = vessel.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if vessel[z, y, x]:
                    entity = site_entity(z - centre[0], y - centre[1], x - centre[2])
                    threshold = uniform(draw(stream, _VESSEL_OPENNESS, entity)[0])
                    perfusion[z, y, x] = 1.0 if threshold < perfused_share(p, maturity[z, y, x]) else 0.0
                else:
                    perfusion[z, y, x] = 0.0


@kernel
def _mature(p, effects, crowd, maturity):
    """Return a vessel's maturity after the days in effects; without living cells around it, it drifts to the normal maturity."""
    normalisation, _, extra, days = effects
    target = min(p.maturity_tumour + (p.maturity_normal - p.maturity_tumour) * normalisation + extra, 1.0)
    target += p.decompression_response * max(p.maturity_normal - target, 0.0) * max(1.0 - crowd / p.decompression_share, 0.0)
    return target + (maturity - target) * math.exp(-days / p.maturation_time_d)


@kernel
def density_at(p, depth_um):
    """Return the initial density of perfused vessels (1/mm2) at a depth in the mass; at its surface and outside, the rim's."""
    return p.core_density_per_mm2 + (p.rim_density_per_mm2 - p.core_density_per_mm2) * math.exp(-max(depth_um, 0.0) / p.density_depth_um)


@kernel
def _room(p, depth_um, vessels_around):
    """Return the share of sprouting that crowding by vessels leaves; vessels_around, the vessel included: within 40 and 80 um."""
    if p.density_depth_um <= 0.0:
        return max(1.0 - vessels_around[0] / p.crowded_vessels, 0.0)
    limit = p.crowded_vessels / _WINDOW * (_HOST_WINDOW - 1.0) * density_at(p, depth_um) / p.rim_density_per_mm2
    return max(1.0 - (vessels_around[1] - 1.0) / limit, 0.0) if limit > 0.0 else 0.0


@kernel
def _needs_vegf(p, stream, entity):
    """Return whether a vessel needs VEGF: its site's draw, the same in every step, is below the dependent fraction."""
    return p.vegf_dependent_fraction >= 1.0 or uniform(draw_fixed(stream, _DEPENDENCE, np.uint32(0), entity)[0]) < p.vegf_dependent_fraction


@kernel
def _hazards(p, effects, crowd, vessels_around, maturity, vegf, needs_vegf, depth_um):
    """Return one vessel's hazards (1/d) of loss and of sprouting; vessels_around, the vessel included: sites within 40 and 80 um."""
    pruning = effects[1]
    acting = vegf * (1.0 - pruning)
    drive = acting / (acting + p.vegf_half)
    # Host vessels are quiescent: they need no VEGF and are not pruned.
    in_tumour = min(crowd / p.decompression_share, 1.0)
    spared = p.pruning_spared_by_maturity
    loss = in_tumour * (1.0 - maturity) * (spared * (p.pruning_per_d * pruning) + p.regression_per_d * (1.0 - drive))
    loss = (loss + in_tumour * (1.0 - spared) * p.pruning_per_d * pruning) * needs_vegf
    loss += p.collapse_per_d * max(1.0 - 2.0 * maturity, 0.0) * max(crowd - 0.75, 0.0) * 4.0
    sprouting = p.sprouting_per_d * drive * _room(p, depth_um, vessels_around)
    host_vessels = p.rim_density_per_mm2 / p.perfused_normal / SITES_PER_MM2 * _HOST_WINDOW
    return loss, sprouting + p.repair_per_d * (1.0 - in_tumour) * max(1.0 - vessels_around[1] / host_vessels, 0.0)


@kernel
def _remodel(p, effects, stream, geometry, living, vegf, fields):
    """Mature, lose and sprout vessels for one day.

    Reads living (nz, ny, nx; 1 where a tumour cell lives), vegf; fields = (vessels before, vessel, maturity), the last two
    written. Two draws per vessel. effects: (normalisation N, pruning R, radiation maturity, days); geometry: (centre, half axes
    of the mass) in sites. A sprout is placed within three sites. Sprouts (2) and losses (3) are only marked here, and vessels are
    read from `before`, so the scan order has no effect.
    """
    (before, vessel, maturity), (centre, half_axes) = fields, geometry
    nz, ny, nx = living.shape
    days = effects[3]
    for s in np.flatnonzero(before):
        z, rest = divmod(s, ny * nx)
        y, x = divmod(rest, nx)
        crowd = crowding(living, _REACH, y, x, z)
        around = (crowding(before, _REACH, y, x, z) * _WINDOW, crowding(before, _HOST_REACH, y, x, z) * _HOST_WINDOW)
        maturity[z, y, x] = _mature(p, effects, crowd, maturity[z, y, x])
        offset = (z - centre[0], y - centre[1], x - centre[2])
        entity = site_entity(offset[0], offset[1], offset[2])
        needs_vegf = _needs_vegf(p, stream, entity)
        loss, sprouting = _hazards(p, effects, crowd, around, maturity[z, y, x], vegf[z, y, x], needs_vegf,
                                   SITE_UM * depth_in(offset, half_axes))
        words = draw(stream, _VESSEL_FATE, entity)
        if uniform(words[0]) < 1.0 - math.exp(-loss * days):
            vessel[z, y, x] = 3
        elif uniform(words[1]) < 1.0 - math.exp(-sprouting * days):
            sy, sx = y + int(words[2] % 7) - 3, x + int(words[3] % 7) - 3
            sz = z + int((words[3] >> 8) % 7) - 3 if nz > 1 else 0
            if 0 <= sy < ny and 0 <= sx < nx and 0 <= sz < nz and before[sz, sy, sx] == 0:
                vessel[sz, sy, sx] = 2


@kernel
def _commit(vessel, maturity):
    """Turn sprouts into vessels and remove lost vessels; writes vessel, maturity (nz, ny, nx). No draws."""
    nz, ny, nx = vessel.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if vessel[z, y, x] == 2:
                    vessel[z, y, x] = 1
                    maturity[z, y, x] = _SPROUT_MATURITY
                elif vessel[z, y, x] == 3:
                    vessel[z, y, x] = 0
                    maturity[z, y, x] = 0.0


def half_axes_of(tissue: Tissue) -> tuple[float, float, float]:
    """Return the half axes (z, y, x) of the present mass in sites; z is infinite in a slab, no axis is below half a site."""
    long, short, deep = mass_axes(tissue.state, tissue.window, tissue.is_block)
    return max(deep, 1.0) / 2.0 if tissue.is_block else math.inf, max(short, 1.0) / 2.0, max(long, 1.0) / 2.0


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Remodel the vessels of every lesion for one day."""
    if not clock.is_due(EVERY_H):
        return
    systemic = state.systemic
    days = clock.span_h(EVERY_H) / 24.0
    for tissue in state.active:
        tissue.radiation_maturity *= 1.0 - decay_share(1.0 / p.radiation_maturity_d, days)
        effects = (p.normalisation_response * systemic.normalisation, p.pruning_response * systemic.pruning,
                   tissue.radiation_maturity, days)
        stream = state.stream(tissue, clock)
        living = ((tissue.state >= CellState.PROLIFERATING) & (tissue.state <= CellState.DOOMED)).view(np.uint8)
        _remodel(p, effects, stream, (tissue.centre, half_axes_of(tissue)), living, tissue.vegf,
                 (tissue.vessel.copy(), tissue.vessel, tissue.maturity))
        _commit(tissue.vessel, tissue.maturity)
        open_vessels(in_lesion(p, tissue.volume_cm3), stream._replace(step=np.uint32(0)), tissue.centre, tissue.vessel,
                     tissue.maturity, tissue.perfusion)
