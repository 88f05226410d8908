"""T-cell entry: effectors leave the blood at perfused vessels of a mass; all that leave the blood arrive.

    intake of a lesion per day = k (E / E_ref) W sum over perfused vessels in the mass of (1 - s_V) gate x (1 + (g_LD - 1) b) x site factor
    gate = e0 + (1 - e0) I / (I + I50)

s_V is the suppression of entry by VEGF at the vessel (`vegf_suppression`), I interferon at the vessel (engaged T cells a site), b the
low-dose effect (0 to 1), E the blood pool and W the lesion cells that a section cell stands for. T cells arrive at each vessel in
proportion to (1 - s_V) gate. With suppression by VEGF off (q = 0), the factor 1 + g_N N replaces 1 - s_V, with N the normalisation of the
endothelium, so adhesion is not counted twice. The gate makes entry need antigen: T cells that find their target call others. By default
e0 = 1: no gate. It stands open in the first third of the burn-in, so that T cells are there to call others.

All lesions draw on the same pool: together they take E (1 - exp(-sum of intakes dt)), shared in proportion to intake. A section takes a
whole number of T cells (stochastic rounding, one draw per pool). Exactly that number times W leaves the blood, at most the lesion's share
of the pool. The structure is that of spQSP (recruitment at vessel sites). k is set by the resulting CD8 density: 150 per mm2 at 70
perfused vessels per mm2, 10 days of life and dilution by growth.
"""

from math import fsum
from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.layouts.t_cell_columns import t_cell_columns
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.kinetics import decay_share, saturating
from lesionlab.sim.numerics.random import RandomStream, draw, normal, uniform
from lesionlab.sim.numerics.window import NEAR, mark_near, sites_of
from lesionlab.sim.numerics.workspace import scratch
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import Purpose
from lesionlab.sim.state.state import State, Systemic, Tissue

_ARRIVALS, _ENTRY, _LIFESPAN = int(Purpose.T_CELL_ARRIVALS), int(Purpose.T_CELL_ENTRY), int(Purpose.T_CELL_LIFESPAN)
_EFFLUX_MEMORY_D, _MARKED = 5.0, np.uint8(1)
_SEEDING_SHARE = 1.0 / 3.0
EVEN = np.empty(0)
"""Openness of vessels that are all equal."""


class Parameters(NamedTuple):
    """Recruitment from blood and the life of a T cell in tissue."""

    entry_per_vessel_per_d: Annotated[float, quantity(
        "1/d", "T cells per perfused vessel site and day at the reference blood level", 0.0, 100.0, "assumed",
        "free parameter; chosen by the screen of drawn patients against either drug alone, never against both (docs/anchors.md); CD8 "
        "density 30-1000 per mm2", prior=(0.02, 1.5))] = 0.3
    reference_blood_cells: Annotated[float, quantity(
        "cells", "blood effectors at which the entry rate holds", 1000000.0, 1000000000000.0, "assumed",
        "the baseline pool",
        prior=(1e8, 5e9))] = 1e9
    normalisation_gain: Annotated[float, quantity(
        "1", "gain of entry under full normalisation, where VEGF holds no T cell back", 0.0, 10.0, "assumed",
        "replaced by vegf_suppression unless that is off; adhesion, besides the entry through more perfused vessels; 0.3 in "
        "spQSP-HCC, a model's choice; direction Liu 2020, s41419-020-2511-3",
        prior=(0.0, 1.0))] = 0.3
    low_dose_gain: Annotated[float, quantity("1", "entry under the full low-dose effect relative to none", 1.0, 50.0, "assumed",
        "free parameter; direction from Klug 2013 and Herrera 2022", prior=(1.0, 5.0))] = 2.5
    ungated_share: Annotated[float, quantity(
        "1", "share of entry that needs no interferon (e0); 1: entry does not depend on it", 0.0, 1.0, "assumed",
        "no gate by default; 0.02-0.3 where there is one. Direction: low-dose infiltration needs interferon (Herrera 2022)",
        prior=(0.02, 1.0))] = 1.0
    interferon_half: Annotated[float, quantity("1/site", "interferon, in engaged T cells a site, of half of the gated entry (I50)",
        1e-6, 10.0, "assumed", "assumed", prior=(0.003, 0.03))] = 0.01
    lifespan_d: Annotated[float, quantity("d", "mean life in tissue", 0.1, 365.0, "literature", "SPQSP_IO and PhysiCell 10 d",
        prior=(2.0, 30.0))] = 10.0
    lifespan_sd_d: Annotated[float, quantity("d", "standard deviation of the life in tissue", 0.0, 100.0, "literature", "SPQSP_IO 1.5 d",
        prior=(0.1, 5.0))] = 1.5
    stem_like_share: Annotated[float, quantity(
        "1", "share of arriving specific T cells that can recover from exhaustion", 0.0, 1.0, "literature",
        "Tcf1+ cells (Siddiqui 2019, to be checked)", prior=(0.02, 0.3))] = 0.1


class EntryLimits(NamedTuple):
    """What holds T cells back at a vessel: the largest suppression q and its VEGF of half, e0, and the interferon of half the gate."""

    vegf_limit: float
    vegf_half: float
    ungated_share: float
    interferon_half: float


def gates_of(tissue: Tissue) -> np.ndarray:
    """Mark the sites in or within two sites of the mass and return the flat indices (int32) of the perfused vessels there."""
    is_gate = scratch("t_cell_entry.is_gate", tissue.state.shape, np.uint8)
    gates: np.ndarray = _find_gates(tissue.window, tissue.state, tissue.perfusion, tissue.near_mass, is_gate)
    return gates


@kernel
def _mark_open(window, near_mass, perfusion, is_gate):
    """Mark perfused sites near the mass. Reads near_mass, perfusion; writes is_gate uint8 in a window; shapes (nz, ny, nx). No draws."""
    for z in range(len(near_mass)):
        for y in range(window.first_y, window.end_y):
            x0, x1 = window.first_x, window.end_x
            near, supply, row = near_mass[z, y][x0:x1], perfusion[z, y][x0:x1], is_gate[z, y][x0:x1]
            for x in range(len(row)):
                row[x] = near[x] & np.uint8(supply[x] > np.float32(0.0))


@kernel
def _find_gates(window, state, perfusion, near_mass, is_gate):
    """Do as `gates_of` says. Reads state, perfusion; writes near_mass and is_gate, scratch in a window; shapes (nz, ny, nx). No draws."""
    near_mass[:] = 0
    mark_near(state, window, NEAR, near_mass)
    _mark_open(window, near_mass, perfusion, is_gate)
    return sites_of(is_gate, _MARKED, _MARKED, window)


@kernel
def antigen_gate(ungated_share, half, interferon):
    """Return the share of entry at a vessel that interferon there allows: e0 + (1 - e0) I / (I + I50)."""
    return ungated_share + saturating(1.0 - ungated_share, half, interferon)


@kernel
def _openness(limits, gates, vegf, ifn_gamma):
    """Return the cumulative sums of (1 - s_V) gate over the gates, float64 (gates,); the last is the total.

    Reads vegf and ifn_gamma flat. No draws.
    """
    sums, total = np.empty(len(gates)), 0.0
    for i in range(len(gates)):
        let_in = 1.0 - saturating(limits.vegf_limit, limits.vegf_half, vegf[gates[i]])
        total += let_in * antigen_gate(limits.ungated_share, limits.interferon_half, ifn_gamma[gates[i]])
        sums[i] = total
    return sums


@kernel
def _gate(word, gates, openness):
    """Return the site of the gate that a T cell draws: in proportion to openness, or uniformly if openness is empty."""
    if len(openness) == 0:
        return gates[int(np.uint64(word) * np.uint64(len(gates)) >> np.uint64(32))]
    at = np.searchsorted(openness, uniform(word) * openness[-1], side="right")
    return gates[min(at, len(gates) - 1)]


@kernel
def lifespan_d(p, deviate):
    """Return the life in tissue (d) of a T cell that draws a standard normal deviate; a tenth of a day at least."""
    return max(p.lifespan_d + p.lifespan_sd_d * deviate, 0.1)


@kernel
def _admit(p, stream, day, n_specific, gates, openness, t_count, first_id, new):
    """Place arrivals: each T cell draws a gate by its id and is placed on that site, even if eight T cells are already there.

    Reads gates int32, openness as returned by `_openness`; writes t_count uint8 flat and the columns of the new T cells. Two draws
    per T cell. `day` is the time in days.
    """
    for i in range(len(new.site)):
        new.id[i] = np.uint32(first_id + i)
        words = draw(stream, _ENTRY, new.id[i])
        new.site[i] = _gate(words[0], gates, openness)
        t_count[new.site[i]] += 1
        new.target[i], new.kills[i], new.is_exhausted[i] = -1, 0, 0
        new.is_specific[i] = i < n_specific
        new.is_stem_like[i] = new.is_specific[i] and uniform(words[1]) < p.stem_like_share
        life = draw(stream, _LIFESPAN, new.id[i])
        new.dies_at_h[i] = 24.0 * (day + lifespan_d(p, normal(life[0], life[1])))


def admit(tissue: Tissue, p: Parameters, stream: RandomStream, day: float, counts: tuple[int, int], gates: np.ndarray,
          openness: np.ndarray = EVEN) -> None:
    """Add (specific, bystander) T cells to a section at the given gates (flat indices, at least one) with their cumulative openness."""
    t, n_new = tissue.t_cells, sum(counts)
    new = t.add(n_new)
    _admit(p, stream, day, counts[0], gates, openness, tissue.t_count.reshape(-1), t.next_id, t_cell_columns(t, new))
    t.next_id += n_new


def _take(pool: float, asked: float, weight: float, word: int) -> int:
    """Return how many section T cells leave a pool: `asked` cells in units of `weight`, rounded by one draw, at most the pool."""
    return min(int(asked / weight + uniform(np.uint32(word))), int(pool / weight))


def intake_per_d(p: Parameters, n_open: float, adhesion: float, low_dose_gain: float, site_factor: float, volume_weight: float) -> float:
    """Return a lesion's intake per day and cell of the blood pool: k / E_ref x W x open vessels x (1 + (g_LD - 1) b) x site factor.

    n_open: sum over the perfused vessels of (1 - s_V) gate; adhesion: 1 + g_N N where q = 0, otherwise 1.
    """
    gain = adhesion * (1.0 + (p.low_dose_gain - 1.0) * low_dose_gain)
    return p.entry_per_vessel_per_d * n_open * gain * site_factor * volume_weight / p.reference_blood_cells


def ungated_now(p: Parameters, clock: Clock) -> float:
    """Return e0; 1 in the first third of the burn-in, which seeds the lesions with T cells."""
    return 1.0 if clock.step < clock.burn_in_steps * _SEEDING_SHARE else p.ungated_share


def _intake_of(tissue: Tissue, p: Parameters, systemic: Systemic, ungated_share: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Return a lesion's gates, their openness and its intake per day and cell of the blood pool."""
    gates, openness, limit = gates_of(tissue), EVEN, systemic.vegf_silenced_limit
    adhesion = 1.0 if limit > 0.0 else 1.0 + p.normalisation_gain * systemic.normalisation
    if limit > 0.0 or ungated_share < 1.0:
        limits = EntryLimits(limit, systemic.vegf_half, ungated_share, p.interferon_half)
        openness = _openness(limits, gates, tissue.vegf.reshape(-1), tissue.ifn_gamma.reshape(-1))
    n_open = float(openness[-1]) if len(openness) else len(gates)
    return gates, openness, intake_per_d(p, n_open, adhesion, tissue.low_dose_gain, tissue.t_cell_entry_factor, tissue.volume_weight)


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Move effectors from blood into every lesion."""
    systemic, days = state.systemic, clock.dt_h / 24.0
    ungated_share = ungated_now(p, clock)
    asking = [(tissue, *_intake_of(tissue, p, systemic, ungated_share)) for tissue in state.active]
    # An exact sum, so that the order of the lesions has no effect.
    total = fsum(rate for *_, rate in asking)
    leaving = decay_share(total, days) / total if total > 0.0 else 0.0
    before = (systemic.specific_blood, systemic.bystander_blood)
    gone: tuple[list[float], list[float]] = ([], [])
    for tissue, gates, openness, rate in asking:
        if rate == 0.0:
            continue
        stream = state.stream(tissue, clock)
        words = draw(stream, _ARRIVALS, np.uint32(0))
        share = rate / total
        counts = tuple(_take(pool * share, pool * leaving * rate, tissue.volume_weight, word)
                       for pool, word in zip(before, words, strict=False))
        admit(tissue, p, stream, clock.t_h / 24.0, (counts[0], counts[1]), gates, openness)
        for out, n in zip(gone, counts, strict=True):
            out.append(n * tissue.volume_weight)
    _settle(state, before, (fsum(gone[0]), fsum(gone[1])), clock)


def _settle(state: State, before: tuple[float, float], gone: tuple[float, float], clock: Clock) -> None:
    """Record the T cells that left: update the running means of the efflux and, after the burn-in, reduce the pools."""
    systemic, days = state.systemic, clock.dt_h / 24.0
    share = decay_share(1.0 / _EFFLUX_MEMORY_D, days)
    systemic.efflux_specific += share * (gone[0] / days - systemic.efflux_specific)
    systemic.efflux_bystander += share * (gone[1] / days - systemic.efflux_bystander)
    systemic.left_blood += sum(gone)
    if clock.t_h >= 0:
        systemic.specific_blood, systemic.bystander_blood = before[0] - gone[0], before[1] - gone[1]
