"""PD-L1: tumour cells switch on and off towards a share that interferon gamma raises.

    on with hazard k L, off with hazard k (1 - L),   L = L0 + (L_max - L0) I^n / (I^n + I50^n),   L_max = max(induced, L0)

so the stationary positive share is L: 15 % without interferon (the case's tumour proportion score, taken as the floor;
the record shows the share that resting T cells make of it), reversible with
a time constant of a day (Kosinsky 2018). Exponent 1.26 as in SPQSP_IO. What a T cell meets is the positive share of
the living tumour cells within 40 um, kept as `pd_l1_share`, with ten cells of the expected share L added, which count
where few cells live. Suppression is a nonlinear function of that share. With the 0 or 1 of a lone cell it would fall as a
mass is emptied, and radiotherapy would do part of the anti-PD-1 drug's work.
"""

from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.layouts.section import lattice_of, window_of
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.kinetics import decay_share
from lesionlab.sim.numerics.lattice import sums_around
from lesionlab.sim.numerics.random import draw_many, name_row, uniform
from lesionlab.sim.numerics.threads import in_bands, side_by_side
from lesionlab.sim.numerics.window import NEAR, ahead, all_rows, copy_of, cut, row_of, whole
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock, is_due, span_h
from lesionlab.sim.state.codes import CellState, Purpose
from lesionlab.sim.state.state import State

EVERY_H = 6.0
_PD_L1 = np.int64(Purpose.PD_L1)
_REACH = 2
_PRIOR_CELLS = 10.0
_FIRST, _LAST = int(CellState.PROLIFERATING), int(CellState.DOOMED)


class Parameters(NamedTuple):
    """Expression of PD-L1."""

    baseline_share: Annotated[float, quantity("1", "PD-L1-positive share of tumour cells without interferon", 0.0, 1.0, "case",
        "tumour proportion score 15 %",
        prior=(0.05, 0.3))] = 0.15
    induced_share: Annotated[float, quantity("1", "PD-L1-positive share under full interferon", 0.0, 1.0, "assumed", "assumed",
        prior=(0.3, 1.0))] = 0.8
    ifn_half: Annotated[float, quantity(
        "relative", "interferon of half-maximal induction (engaged T cells per site)", 1e-06, 100.0, "assumed",
        "so high that resting T cells induce little: the day-0 share stays near the baseline", prior=(1e-3, 1.0))] = 0.1
    exponent: Annotated[float, quantity("1", "Hill exponent of induction", 0.5, 10.0, "literature", "SPQSP_IO 1.26",
        prior=(1.0, 3.0))] = 1.26
    switching_per_d: Annotated[float, quantity("1/d", "rate of switching", 0.01, 24.0, "literature", "Kosinsky 2018: 1 per day",
        prior=(0.3, 3.0))] = 1.0


@kernel
def stationary_share(p, ifn_gamma):
    """Return the stationary positive share under an interferon level: L = L0 + (L_max - L0) I^n / (I^n + I50^n)."""
    seen = ifn_gamma**p.exponent
    return p.baseline_share + (max(p.induced_share, p.baseline_share) - p.baseline_share) * seen / (seen + p.ifn_half**p.exponent)


@kernel
def _switch(rows, window, p, p_any, stream, centre, state, ifn_gamma, pd_l1):
    """Redraw each living tumour cell's PD-L1 with probability p_any, positive with probability L; in a span of a window's rows.

    Reads state, ifn_gamma; writes pd_l1. One draw a cell.
    """
    x0, x1 = window.first_x, window.end_x
    nx = x1 - x0
    places, entities, words = np.empty(nx, np.int32), np.empty(nx, np.uint32), np.empty((4, nx), np.uint32)
    for r in range(rows.first, rows.end):
        z, y = row_of(r, window)
        n = name_row(state[z, y][x0:x1], _FIRST, _LAST, (z - centre[0], y - centre[1], centre[2] - x0), places, entities)
        draw_many(stream, _PD_L1, entities[:n], words)
        for i in range(n):
            if uniform(words[0, i]) < p_any:
                x = x0 + places[i]
                pd_l1[z, y, x] = uniform(words[1, i]) < stationary_share(p, ifn_gamma[z, y, x])


@kernel
def share_met(n_positive, n_living, stationary):
    """Return the positive share that a T cell meets: of the living cells around, with ten cells of the stationary share added."""
    return (n_positive + _PRIOR_CELLS * stationary) / (n_living + _PRIOR_CELLS)


@kernel
def _share(rows, window, p, living, positive, ifn_gamma, share):
    """Reads living, positive uint16 counts, ifn_gamma; writes share float32; all flat; in a span of rows of the whole. No draws."""
    for s in range(rows.first * window.end_x, rows.end * window.end_x):
        share[s] = share_met(positive[s], living[s], stationary_share(p, ifn_gamma[s]))


@kernel
def _mark(state, pd_l1, living, positive):
    """Reads state, pd_l1; writes uint8 flags of living and of living PD-L1-positive tumour cells; all flat. No draws."""
    for s in range(len(state)):
        living[s] = (state[s] >= _FIRST) & (state[s] <= _LAST)
        positive[s] = living[s] & pd_l1[s]


@kernel
def _local_share_at_once(p, state, pd_l1, ifn_gamma):
    """Return what `local_share` does, on one thread."""
    living, positive, share = np.empty_like(state), np.empty_like(state), np.empty(state.shape, np.float32)
    _mark(state.reshape(-1), pd_l1.reshape(-1), living.reshape(-1), positive.reshape(-1))
    around = sums_around(living, _REACH).reshape(-1), sums_around(positive, _REACH).reshape(-1)
    window = whole(state.shape)
    _share(all_rows(window, len(state)), window, p, around[0], around[1], ifn_gamma.reshape(-1), share.reshape(-1))
    return share


@kernel
def act(p, now, numbers, stream, state, ifn_gamma, pd_l1, pd_l1_share):
    """Switch PD-L1 in one lesion every few hours."""
    if not is_due(now, EVERY_H):
        return
    window, p_any = window_of(numbers), decay_share(p.switching_per_d, span_h(now, EVERY_H) / 24.0)
    _switch(all_rows(window, len(state)), window, p, p_any, stream, lattice_of(numbers, state.shape).centre, state, ifn_gamma, pd_l1)
    # Wider than the window: cells may be pushed there before the next call.
    around = ahead(window, state.shape, NEAR)
    share = _local_share_at_once(p, copy_of(state, around), copy_of(pd_l1, around), copy_of(ifn_gamma, around))
    for z in range(len(share)):
        for y in range(share.shape[1]):
            for x in range(share.shape[2]):
                pd_l1_share[z, around.first_y + y, around.first_x + x] = share[z, y, x]


def local_share(p: Parameters, state: np.ndarray, pd_l1: np.ndarray, ifn_gamma: np.ndarray) -> np.ndarray:
    """Return the PD-L1-positive share that a T cell meets around each site, float32 (nz, ny, nx)."""
    living, positive = np.empty_like(state), np.empty_like(state)
    _mark(state.reshape(-1), pd_l1.reshape(-1), living.reshape(-1), positive.reshape(-1))
    share = np.empty(state.shape, np.float32)
    around = side_by_side(lambda flags: sums_around(flags, _REACH).reshape(-1), (living, positive))
    in_bands(state.shape, whole(state.shape), _share, p, *around, ifn_gamma.reshape(-1), share.reshape(-1))
    return share


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Switch PD-L1 in every lesion."""
    if not clock.is_due(EVERY_H):
        return
    p_any = decay_share(p.switching_per_d, clock.span_h(EVERY_H) / 24.0)
    for tissue in state.active:
        in_bands(tissue.state.shape, tissue.window, _switch, p, p_any, state.stream(tissue, clock), tissue.centre, tissue.state,
                 tissue.ifn_gamma, tissue.pd_l1)
        # Wider than the window: cells may be pushed there before the next call.
        around = ahead(tissue.window, tissue.state.shape, NEAR)
        share = local_share(p, *(np.ascontiguousarray(cut(a, around)) for a in (tissue.state, tissue.pd_l1, tissue.ifn_gamma)))
        cut(tissue.pd_l1_share, around)[:] = share
