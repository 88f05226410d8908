"""Vessels: maturation, perfusion, collapse, pruning, regression, sprouting and repair, once a day.

Each vessel site has a maturity m that drifts to a target. The target is m_tumour in untreated tumour. It is m_normal under full
normalisation, in host tissue and where tumour cells have died (decompression: radiotherapy that empties a mass
normalises its vessels, and more strongly than the drug does). The perfused share of vessels is
F(m) = q0 + (q1 - q0) (m - m_tumour) / (m_normal - m_tumour); each vessel opens at its own fixed threshold.
Perfusion falls with the lesion's size: q0 here is q0 (v / v_ref)^-b, within [0.05, q1]; v is the clinical volume on day 0 times (L / L0)^3.
Hazards of loss per day, with c the share of living tumour cells within 40 um, c_free the share below which vessels are free of the
tumour (`decompression_share`), R the blockade of VEGFR as far as it acts on vessels, 0 to 1, and H(V) the drive by VEGF (below):

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
from lesionlab.sim.numerics.lattice import crowding, depth_in, mass_axes, place_of
from lesionlab.sim.numerics.random import draw, draw_fixed, site_entity, uniform
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState, Purpose
from lesionlab.sim.state.state import SITE_UM, SITES_PER_MM2, State, Tissue

EVERY_H = 24.0
_VESSEL_FATE, _VESSEL_OPENNESS, _DEPENDENCE = (int(purpose) for purpose in (
    Purpose.VESSEL_FATE, Purpose.VESSEL_OPENNESS, Purpose.VESSEL_DEPENDENCE))
_NEAR, _WIDE = 2, 4
"""Half-widths in sites of the squares in which cells and vessels around a vessel are counted: 40 and 80 um."""
_NEAR_SITES, _WIDE_SITES = 25.0, 81.0
_CROWDED = 0.75
"""Share of living cells above which immature vessels are compressed."""
_VESSEL, _SPROUT, _LOST = 1, 2, 3
"""Marks of a site within a day: a vessel; one that sprouts there; one that is lost."""
_SPROUT_REACH, _SPROUT_MATURITY = 3, 0.1
_LEAST_PERFUSED = 0.05


class Parameters(NamedTuple):
    """Vessel dynamics; densities per mm2 are of perfused vessels."""

    ORDERED = (("perfused_tumour", "perfused_normal"), ("maturity_tumour", "maturity_normal"))  # type: ignore[misc]
    rim_density_per_mm2: Annotated[float, quantity(
        "1/mm2", "perfused vessels at the surface of the mass at the start", 1.0, 1000.0, "assumed",
        "no microvessel density of this cancer found; core and depth were chosen with it on this model's day 0 (row 16 of `verify`): in "
        "neck and pelvis of the case hypoxia rises from ring to ring inwards at the other defaults",
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


class Effects(NamedTuple):
    """What acts on the vessels of a lesion: normalisation N; `pruning`, the blockade R that prunes and takes VEGF away, both 0 to 1;
    maturity gained by radiotherapy."""

    normalisation: float
    pruning: float
    radiation_maturity: float


class Surroundings(NamedTuple):
    """What a vessel stands in: the share c of living tumour cells within 40 um, vessel sites within 40 and 80 um with its own, VEGF,
    and its depth in the mass."""

    living_share: float
    vessels_near: float
    vessels_wide: float
    vegf: float
    depth_um: float


@kernel
def perfused_share(p, maturity):
    """Return the perfused share of vessels of a maturity: F(m) = q0 + (q1 - q0) (m - m_tumour) / (m_normal - m_tumour), within [0, 1]."""
    slope = (p.perfused_normal - p.perfused_tumour) / (p.maturity_normal - p.maturity_tumour)
    return min(max(p.perfused_tumour + slope * (maturity - p.maturity_tumour), 0.0), 1.0)


def in_lesion(p: Parameters, volume_cm3: float) -> Parameters:
    """Return the parameters for a lesion's volume v: perfused share of untreated tumour vessels q0 (v / v_ref)^-b within [0.05, q1]."""
    share = p.perfused_tumour * (volume_cm3 / p.reference_volume_cm3) ** -p.perfusion_size_exponent
    return p._replace(perfused_tumour=min(max(share, _LEAST_PERFUSED), p.perfused_normal))


@kernel
def density_at(p, depth_um):
    """Return the initial density of perfused vessels (1/mm2) at a depth: core + (rim - core) exp(-depth / lambda); outside, the rim's."""
    return p.core_density_per_mm2 + (p.rim_density_per_mm2 - p.core_density_per_mm2) * math.exp(-max(depth_um, 0.0) / p.density_depth_um)


@kernel
def target_maturity(p, effects, living_share):
    """Return the maturity that a vessel drifts to.

    m_tumour + (m_normal - m_tumour) N + what radiotherapy added, at most 1; from there a share 1 - c / c_free of the way to m_normal
    where less than c_free of the surroundings still lives.
    """
    target = min(p.maturity_tumour + (p.maturity_normal - p.maturity_tumour) * effects.normalisation + effects.radiation_maturity, 1.0)
    decompression = max(1.0 - living_share / p.decompression_share, 0.0)
    return target + p.decompression_response * max(p.maturity_normal - target, 0.0) * decompression


@kernel
def maturity_after(p, maturity, target, days):
    """Return a vessel's maturity after some days of drift: target + (m - target) exp(-t / tau)."""
    return target + (maturity - target) * math.exp(-days / p.maturation_time_d)


@kernel
def vegf_drive(p, effects, vegf):
    """Return how strongly VEGF acts on vessels, 0 to 1: H(V) = V / (V + V50), V = VEGF x (1 - R)."""
    acting = vegf * (1.0 - effects.pruning)
    return acting / (acting + p.vegf_half)


@kernel
def tumour_share(p, living_share):
    """Return how far a vessel is a tumour vessel, 0 to 1: min(c / c_free, 1). A host vessel (0) needs no VEGF and is not pruned."""
    return min(living_share / p.decompression_share, 1.0)


@kernel
def loss_by_withdrawal_per_d(p, effects, drive, in_tumour, maturity):
    """Return the hazard (1/d) that a vessel which needs VEGF is pruned or regresses.

    min(c / c_free, 1) [k_prune R (1 - s m) + k_reg (1 - m) (1 - H)], as the sum of what only immature vessels suffer,
    (1 - m) [s k_prune R + k_reg (1 - H)], and of what all suffer, (1 - s) k_prune R.
    """
    spared = p.pruning_spared_by_maturity
    of_immature = in_tumour * (1.0 - maturity) * (spared * (p.pruning_per_d * effects.pruning) + p.regression_per_d * (1.0 - drive))
    return of_immature + in_tumour * (1.0 - spared) * p.pruning_per_d * effects.pruning


@kernel
def collapse_per_d(p, living_share, maturity):
    """Return the hazard (1/d) that living cells compress a vessel: k_col (1 - 2 m) (c - 0.75) / 0.25, for m < 0.5 and c > 0.75."""
    return p.collapse_per_d * max(1.0 - 2.0 * maturity, 0.0) * max(living_share - _CROWDED, 0.0) / (1.0 - _CROWDED)


@kernel
def room_for_sprouts(p, around):
    """Return the share of sprouting that the vessels around leave: 1 - n / n_max, at least 0.

    n counts the other vessels within 80 um; n_max is `crowded_vessels`, scaled to that area, and falls with depth like the initial
    density. In the old form (lambda 0) n counts all within 40 um and n_max is `crowded_vessels` at every depth.
    """
    if p.density_depth_um <= 0.0:
        return max(1.0 - around.vessels_near / p.crowded_vessels, 0.0)
    limit = p.crowded_vessels / _NEAR_SITES * (_WIDE_SITES - 1.0) * density_at(p, around.depth_um) / p.rim_density_per_mm2
    return max(1.0 - (around.vessels_wide - 1.0) / limit, 0.0) if limit > 0.0 else 0.0


@kernel
def sprouting_per_d(p, drive, in_tumour, around):
    """Return the hazard (1/d) that a vessel sprouts: k_spr H(V) (1 - n / n_max) by VEGF, and by repair, where no tumour cell lives,
    k_rep (1 - min(c / c_free, 1)) (1 - n / n_host), n_host the host's number of vessels within 80 um."""
    host_vessels = p.rim_density_per_mm2 / p.perfused_normal / SITES_PER_MM2 * _WIDE_SITES
    by_repair = p.repair_per_d * (1.0 - in_tumour) * max(1.0 - around.vessels_wide / host_vessels, 0.0)
    return p.sprouting_per_d * drive * room_for_sprouts(p, around) + by_repair


@kernel
def _needs_vegf(p, stream, entity):
    """Return whether a vessel needs VEGF: its site's draw, the same in every step, is below the dependent fraction."""
    return p.vegf_dependent_fraction >= 1.0 or uniform(draw_fixed(stream, _DEPENDENCE, np.uint32(0), entity)[0]) < p.vegf_dependent_fraction


@kernel
def _sprout_place(words, place, nz):
    """Return the place (z, y, x) of a sprout: uniform within three sites of its vessel on each axis, in the plane if there is one layer."""
    width = 2 * _SPROUT_REACH + 1
    y, x = place[1] + int(words[2] % width) - _SPROUT_REACH, place[2] + int(words[3] % width) - _SPROUT_REACH
    return place[0] + int((words[3] >> 8) % width) - _SPROUT_REACH if nz > 1 else 0, y, x


@kernel
def _remodel(p, effects, days, stream, centre, half_axes, living, vegf, before, vessel, maturity):
    """Mature, lose and sprout the vessels of a section over some days.

    Reads living (1 where a tumour cell lives), vegf and the vessels before; writes vessel and maturity; shapes (nz, ny, nx).
    centre, half_axes (z, y, x) of the mass in sites. Two draws per vessel. Sprouts and losses are only marked here, and vessels are
    read from `before`, so the scan order has no effect.
    """
    nz, ny, nx = living.shape
    for s in np.flatnonzero(before):
        z, y, x = place_of(s, living.shape)
        offset = (z - centre[0], y - centre[1], x - centre[2])
        vessels_near, vessels_wide = crowding(before, _NEAR, y, x, z) * _NEAR_SITES, crowding(before, _WIDE, y, x, z) * _WIDE_SITES
        around = Surroundings(crowding(living, _NEAR, y, x, z), vessels_near, vessels_wide, vegf[z, y, x],
                              SITE_UM * depth_in(offset, half_axes))
        maturity[z, y, x] = maturity_after(p, maturity[z, y, x], target_maturity(p, effects, around.living_share), days)
        drive, in_tumour = vegf_drive(p, effects, around.vegf), tumour_share(p, around.living_share)
        entity = site_entity(offset[0], offset[1], offset[2])
        loss_per_d = loss_by_withdrawal_per_d(p, effects, drive, in_tumour, maturity[z, y, x]) * _needs_vegf(p, stream, entity)
        loss_per_d += collapse_per_d(p, around.living_share, maturity[z, y, x])
        words = draw(stream, _VESSEL_FATE, entity)
        if uniform(words[0]) < 1.0 - math.exp(-loss_per_d * days):
            vessel[z, y, x] = _LOST
        elif uniform(words[1]) < 1.0 - math.exp(-sprouting_per_d(p, drive, in_tumour, around) * days):
            sz, sy, sx = _sprout_place(words, (z, y, x), nz)
            if 0 <= sy < ny and 0 <= sx < nx and 0 <= sz < nz and before[sz, sy, sx] == 0:
                vessel[sz, sy, sx] = _SPROUT


@kernel
def _commit(vessel, maturity):
    """Turn sprouts into vessels and remove lost vessels; writes vessel, maturity (nz, ny, nx). No draws."""
    nz, ny, nx = vessel.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if vessel[z, y, x] == _SPROUT:
                    vessel[z, y, x] = _VESSEL
                    maturity[z, y, x] = _SPROUT_MATURITY
                elif vessel[z, y, x] == _LOST:
                    vessel[z, y, x] = 0
                    maturity[z, y, x] = 0.0


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
        effects = Effects(p.normalisation_response * systemic.normalisation, p.pruning_response * systemic.pruning,
                          tissue.radiation_maturity)
        stream = state.stream(tissue, clock)
        living = ((tissue.state >= CellState.PROLIFERATING) & (tissue.state <= CellState.DOOMED)).view(np.uint8)
        _remodel(p, effects, days, stream, tissue.centre, half_axes_of(tissue), living, tissue.vegf, tissue.vessel.copy(), tissue.vessel,
                 tissue.maturity)
        _commit(tissue.vessel, tissue.maturity)
        open_vessels(in_lesion(p, tissue.volume_cm3), stream._replace(step=np.uint32(0)), tissue.centre, tissue.vessel,
                     tissue.maturity, tissue.perfusion)
