"""Population control: the small number of cells in a section (1e4) does not by itself cure or regrow a lesion of 1e10 cells.

Each clonogen of the section stands for w clonogens of the lesion (`weight`), and each site and T cell for W sites and T cells
(`volume_weight`; w = W at baseline). L is the length in the lesion that a length of the section stands for (`scale`). From day 0 on
only this rule writes w, W and L. While the section has more than n_min clonogens, fates are carried out
and w is constant. When a step would leave fewer, the section becomes weight-controlled: the survivors are supplemented to n_min
weighted clonogens, their fates are withdrawn, and w follows their expected number,

    w <- w sum_i exp(b_i - d_i) / n_kept x noise,   variance of log noise (b + d) / (w n)

with hazards b_i of division and d_i of death of each of the n clonogens, n_kept of which stay in the section. A T-cell kill is an event,
so a killed clonogen counts as 0. The noise is the lesion's own demographic noise. Weight control ends when w is back at W (births are
placed again) or has fallen to 1 (deaths are carried out: an empty section is then an eradication). A weighted clonogen killed by a T cell
is replaced by a daughter of a randomly drawn survivor, placed beside it with its PD-L1 and antigen. So a weight-controlled section
selects for clonogens that T cells cannot kill.

Growth beyond the section is the opposite case. Each birth in a full section pushes an outermost cell out of the section
(`displacement`); w, W and L^3 rise by a factor (m + 1) / m, with m the cells in the section, and T cells leave in proportion. The
method is constant-number Monte Carlo; with n_min = 0 only growth beyond the section remains.

Assumes: weighted clonogens that die of other causes are restored in place, so a weight-controlled section does
not select among them by oxygen.
"""

import math
from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.layouts.section import each_section, lattice_of, window_of
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.kinetics import decay_share
from lesionlab.sim.numerics.lattice import entity_of, neighbour
from lesionlab.sim.numerics.random import draw, normal, uniform
from lesionlab.sim.numerics.sums import sum_of
from lesionlab.sim.numerics.window import count_codes, sites_of
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock, is_due, span_h
from lesionlab.sim.state.codes import NO_FATE, CellState, Hazard, Purpose
from lesionlab.sim.state.state import State, cells_stood_for, relative_weight_of

_GROWTH_MEMORY_D, _FOLLOWED_EVERY_H = 7.0, 24.0
_STROMA, _APOPTOTIC, _RESAMPLING = int(CellState.STROMA), int(CellState.APOPTOTIC), int(Purpose.RESAMPLING)
_PROLIFERATING, _QUIESCENT = int(CellState.PROLIFERATING), int(CellState.QUIESCENT)
# Same width as the codes; with wider integers eight sites are compared at a time instead of 64.
_CYCLING_CODE, _QUIESCENT_CODE = np.uint8(_PROLIFERATING), np.uint8(_QUIESCENT)
_NO_FATE, _DIVIDES = np.uint8(NO_FATE), np.uint8(Hazard.DIVISION)
_RADIATION, _T_CELL, _N_STATES = int(Hazard.RADIATION), int(Hazard.T_CELL), len(CellState)
_WEIGHTED_CLONOGENS = int(Purpose.WEIGHTED_CLONOGENS)


class Parameters(NamedTuple):
    """Number of weighted clonogens."""

    n_min: Annotated[int, quantity("cells", "clonogens below which the section is weight-controlled", 0, 1000, "assumed",
        "numerical; 300 keeps the noise of the weight small")] = 300


class CellColumns(NamedTuple):
    """What a daughter inherits, and what is lost with a killed clonogen: flat lattices."""

    state: np.ndarray
    pd_l1: np.ndarray
    lost_antigen: np.ndarray
    hits: np.ndarray
    last_hit: np.ndarray


@kernel
def growth_factor(n_cells, n_dropped):
    """Return the factor of w, W and L^3 when births push cells out of a full section of m cells: (m + 1) / m each."""
    return (1.0 + 1.0 / n_cells) ** float(n_dropped)


@kernel
def expected_number(births, deaths, is_hit):
    """Return what each clonogen is expected to become in a step, by its hazards b and d: exp(b - d); 0 if a T cell killed it."""
    expected = np.zeros(len(births))
    for i in range(len(births)):
        if not is_hit[i]:
            expected[i] = math.exp(births[i] - deaths[i])
    return expected


@kernel
def noise_variance(births, deaths, weight):
    """Return the variance that chance births and deaths in the lesion add to the log weight: mean (b + d) / (w n), d at most 1 each."""
    events = np.empty(len(births))
    for i in range(len(births)):
        events[i] = births[i] + min(deaths[i], 1.0)
    return sum_of(events) / len(events) / (weight * len(events))


@kernel
def weight_factor(expected_sum, n_kept, variance, deviate):
    """Return the factor of the weight: sum_i exp(b_i - d_i) / n_kept x exp(sigma z - sigma^2 / 2), noise of mean 1, z the deviate."""
    return expected_sum / n_kept * math.exp(math.sqrt(variance) * deviate - variance / 2.0)


@kernel
def is_controlled(weight, is_under_weighted, n, n_after, n_min):
    """Return whether the weight replaces this step's fates, which would turn n clonogens into n_after.

    A clonogen that stands for more than one of the lesion: as long as w < W, or when fewer than n_min would be left. One that
    stands for itself: as long as more than n_min would be left; then deaths are carried out.
    """
    if n == 0 or n_min == 0:
        return False
    if weight > 1.0:
        return is_under_weighted or n_after < n_min
    return is_under_weighted and n_after > n_min


@kernel
def _grow_view(numbers, words, dies_at_h):
    """Raise w, W and L for the cells that births pushed out of the section since the last step; remove T cells in proportion.

    A section T cell also stands for W: without this removal, growth would create T cells. Every k-th row is removed. Rows are
    roughly in the order of their sites, so all parts of the section lose the same share.
    """
    if not numbers.n_dropped:
        return
    grown = growth_factor(numbers.n_cells, numbers.n_dropped)
    numbers.weight *= grown
    numbers.volume_weight *= grown
    numbers.scale *= grown ** (1.0 / 3.0)
    numbers.n_dropped = 0
    n = numbers.t_cells_n
    n_gone = int(n * (1.0 - 1.0 / grown) + uniform(words[2]))
    for k in range(n_gone):
        dies_at_h[(np.int64(words[3]) + k * n // n_gone) % n] = -np.inf


@kernel
def _follow_growth(numbers, state, days):
    """Update the lesion's net growth rate from the change of its cell number since the last call, `days` ago."""
    counts = np.zeros(_N_STATES, np.int64)
    count_codes(state, window_of(numbers), counts)
    viable = counts[_PROLIFERATING] + counts[_QUIESCENT]
    cells = cells_stood_for(numbers.weight, numbers.volume_weight, viable, counts[_QUIESCENT + 1 :].sum())
    if cells > 0.0 and numbers.cells_seen > 0.0:
        rate_per_d = math.log(cells / numbers.cells_seen) / days
        numbers.growth_per_d += decay_share(1.0 / _GROWTH_MEMORY_D, days) * (rate_per_d - numbers.growth_per_d)
    numbers.cells_seen = cells


@kernel
def _tally(window, state, fate):
    """Return the number of clonogens before and after this step's fates. Reads state, fate (nz, ny, nx) in a window. No draws."""
    n = n_lost = n_dividing = 0
    for z in range(len(state)):
        for y in range(window.first_y, window.end_y):
            codes, fates = state[z, y][window.first_x : window.end_x], fate[z, y][window.first_x : window.end_x]
            in_row = lost = dividing = np.int32(0)
            for x in range(len(codes)):
                is_viable = (codes[x] == _CYCLING_CODE) | (codes[x] == _QUIESCENT_CODE)
                in_row += np.int32(is_viable)
                lost += np.int32(is_viable & (fates[x] != _NO_FATE))
                dividing += np.int32(is_viable & (fates[x] == _DIVIDES))
            n, n_lost, n_dividing = n + in_row, n_lost + lost, n_dividing + dividing
    return n, n - n_lost + 2 * n_dividing


@kernel
def _choose_kept(fates, expected, n_min):
    """Return a boolean mask of the clonogens kept: all survivors and, up to n_min, the dying with the highest expected number."""
    kept = (fates == _NO_FATE) | (fates == _DIVIDES)
    n_kept = kept.sum()
    if n_kept >= n_min:
        return np.ones(len(fates), np.bool_)
    missing = min(n_min, len(fates)) - n_kept
    # Numbers that are not negative order as their bits do. Of equal ones the first are kept.
    bits = expected[~kept].view(np.uint64)
    bits.sort()
    if missing:
        least = bits[len(bits) - missing]
        left = missing - np.sum(bits > least)
        for i in range(len(fates)):
            own = expected[i : i + 1].view(np.uint64)[0]
            if not kept[i] and (own > least or (own == least and left > 0)):
                left -= own == least
                kept[i] = True
    return kept


@kernel
def _replace_lines(stream, lattice, killed, surviving, cells):
    """Replace each killed clonogen by a daughter of a randomly drawn survivor, with its heritable state, on a free site beside it.

    killed, surviving: flat sites; writes cells. The content of the free site (stroma, a dead cell) moves to the site of the killed
    clonogen. If three drawn neighbours are all alive, the daughter takes the killed clonogen's site. One draw per killed clonogen.
    """
    state = cells.state
    for at in killed:
        words = draw(stream, _RESAMPLING, entity_of(at, lattice))
        donor = surviving[int(np.uint64(words[0]) * np.uint64(len(surviving)) >> np.uint64(32))]
        home = at
        for word in (words[1], words[2], words[3]):
            beside = neighbour(donor, lattice.shape, word)
            if home == at and (state[beside] == _STROMA or state[beside] >= _APOPTOTIC):
                home = beside
        if home != at:
            state[at], state[home] = state[home], state[at]
            cells.pd_l1[at] = cells.lost_antigen[at] = cells.hits[at] = 0
        cells.pd_l1[home], cells.lost_antigen[home] = cells.pd_l1[donor], cells.lost_antigen[donor]
        cells.hits[home], cells.last_hit[home] = 0, 0


@kernel
def _book(weight, hazard, viable, dying, ledger):
    """Add to the ledger the deaths represented by the weight; `cell_death` counts the deaths carried out.

    Reads hazard flat (causes, sites), the flat sites of the clonogens and the fates of those that do die.
    """
    for cause in range(_DIVIDES + 1, len(ledger)):
        expected = 0.0
        for s in viable:
            expected += 1.0 - math.exp(-np.float64(hazard[cause, s]))
        ledger[cause] += weight * max(expected - np.sum(dying == cause), 0.0)


@kernel
def _hold(numbers, p, deviate, stream, lattice, cells, hazard, fate, ledger):
    """Withdraw the fates of the weighted clonogens and update the weight by their hazards. Arrays flat, hazard (causes, sites)."""
    viable = sites_of(cells.state.reshape(lattice.shape), _CYCLING_CODE, _QUIESCENT_CODE, window_of(numbers))
    births, deaths, is_hit = np.empty(len(viable)), np.zeros(len(viable)), np.empty(len(viable), np.bool_)
    for i in range(len(viable)):
        births[i], is_hit[i] = hazard[_DIVIDES, viable[i]], hazard[_T_CELL, viable[i]] > 0.0
        # All other causes kill at a rate; a kill by a T cell is an event.
        for cause in range(len(hazard)):
            if cause != _DIVIDES and cause != _T_CELL:
                deaths[i] += hazard[cause, viable[i]]
    expected = expected_number(births, deaths, is_hit)
    kept = _choose_kept(fate[viable], expected, p.n_min)
    _book(numbers.weight, hazard, viable, fate[viable[~kept]], ledger)
    for i in range(len(viable)):
        if kept[i]:
            fate[viable[i]] = _NO_FATE
            cells.hits[viable[i]] = 0 if is_hit[i] else cells.hits[viable[i]]
    if not is_hit.all():
        _replace_lines(stream, lattice, viable[kept & is_hit], viable[~is_hit], cells)
    variance = noise_variance(births, deaths, numbers.weight)
    numbers.weight = max(numbers.weight * weight_factor(sum_of(expected), kept.sum(), variance, deviate), 1.0)


@kernel
def act(p, now, numbers, stream, cells: CellColumns, hazard, fate, ledger, t_cells):
    """Resolve the proposed fates in one lesion and update its weight and scale; cells not flat."""
    window, shape = window_of(numbers), fate.shape
    words = draw(stream, _WEIGHTED_CLONOGENS, np.uint32(0))
    _grow_view(numbers, words, t_cells.dies_at_h)
    if is_due(now, _FOLLOWED_EVERY_H):
        _follow_growth(numbers, cells.state, span_h(now, _FOLLOWED_EVERY_H) / 24.0)
    n, n_after = _tally(window, cells.state, fate)
    is_under_weighted = relative_weight_of(numbers.weight, numbers.volume_weight) < 1.0
    numbers.is_weight_controlled = is_controlled(numbers.weight, is_under_weighted, n, n_after, p.n_min)
    if numbers.is_weight_controlled:
        flat = CellColumns(cells.state.reshape(-1), cells.pd_l1.reshape(-1), cells.lost_antigen.reshape(-1), cells.hits.reshape(-1),
                           cells.last_hit.reshape(-1))
        _hold(numbers, p, normal(words[0], words[1]), stream, lattice_of(numbers, shape), flat, hazard.reshape(len(hazard), fate.size),
              fate.reshape(-1), ledger)
    # Last use of this step's hazards. These two are reset because rules add to them instead of overwriting them.
    for z in range(shape[0]):
        for y in range(window.first_y, window.end_y):
            hazard[_RADIATION, z, y][window.first_x : window.end_x] = 0.0
            hazard[_T_CELL, z, y][window.first_x : window.end_x] = 0.0


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Resolve the proposed fates in every lesion and update its weight and scale."""
    each_section(act, state, p, clock)
