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

from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.kinetics import decay_share
from lesionlab.sim.numerics.lattice import Lattice, entity_of, neighbour
from lesionlab.sim.numerics.random import RandomStream, draw, normal, uniform
from lesionlab.sim.numerics.window import cut, sites_of
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import NO_FATE, CellState, Hazard, Purpose
from lesionlab.sim.state.state import State, Tissue

_GROWTH_MEMORY_D = 7.0
_STROMA, _APOPTOTIC, _RESAMPLING = int(CellState.STROMA), int(CellState.APOPTOTIC), int(Purpose.RESAMPLING)
_PROLIFERATING, _QUIESCENT = int(CellState.PROLIFERATING), int(CellState.QUIESCENT)
# Same width as the codes; with wider integers eight sites are compared at a time instead of 64.
_CYCLING_CODE, _QUIESCENT_CODE = np.uint8(_PROLIFERATING), np.uint8(_QUIESCENT)
_NO_FATE, _DIVIDES = np.uint8(NO_FATE), np.uint8(Hazard.DIVISION)


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


def growth_factor(n_cells: int, n_dropped: int) -> float:
    """Return the factor of w, W and L^3 when births push cells out of a full section of m cells: (m + 1) / m each."""
    return (1.0 + 1.0 / n_cells) ** n_dropped


def expected_number(births: np.ndarray, deaths: np.ndarray, is_hit: np.ndarray) -> np.ndarray:
    """Return what each clonogen is expected to become in a step, by its hazards b and d: exp(b - d); 0 if a T cell killed it."""
    return np.where(is_hit, 0.0, np.exp(births - deaths))


def noise_variance(births: np.ndarray, deaths: np.ndarray, weight: float) -> float:
    """Return the variance that chance births and deaths in the lesion add to the log weight: mean (b + d) / (w n), d at most 1 each."""
    return float((births + np.minimum(deaths, 1.0)).mean()) / (weight * len(births))


def weight_factor(expected_sum: float, n_kept: int, variance: float, deviate: float) -> float:
    """Return the factor of the weight: sum_i exp(b_i - d_i) / n_kept x exp(sigma z - sigma^2 / 2), noise of mean 1, z the deviate."""
    return expected_sum / n_kept * math.exp(math.sqrt(variance) * deviate - variance / 2.0)


def is_controlled(weight: float, is_under_weighted: bool, n: int, n_after: int, n_min: int) -> bool:
    """Return whether the weight replaces this step's fates, which would turn n clonogens into n_after.

    A clonogen that stands for more than one of the lesion: as long as w < W, or when fewer than n_min would be left. One that
    stands for itself: as long as more than n_min would be left; then deaths are carried out.
    """
    if n == 0 or n_min == 0:
        return False
    if weight > 1.0:
        return is_under_weighted or n_after < n_min
    return is_under_weighted and n_after > n_min


def _grow_view(tissue: Tissue, words: tuple[np.uint32, np.uint32]) -> None:
    """Raise w, W and L for the cells that births pushed out of the section since the last step; remove T cells in proportion.

    A section T cell also stands for W: without this removal, growth would create T cells. Every k-th row is removed. Rows are
    roughly in the order of their sites, so all parts of the section lose the same share.
    """
    if not tissue.n_dropped:
        return
    grown = growth_factor(tissue.n_cells, tissue.n_dropped)
    tissue.weight *= grown
    tissue.volume_weight *= grown
    tissue.scale *= grown ** (1.0 / 3.0)
    tissue.n_dropped = 0
    t = tissue.t_cells
    n_gone = int(t.n * (1.0 - 1.0 / grown) + uniform(words[0]))
    if n_gone:
        t.dies_at_h[(int(words[1]) + np.arange(n_gone) * t.n // n_gone) % t.n] = -np.inf


def _follow_growth(tissue: Tissue, days: float) -> None:
    """Update the lesion's net growth rate from the change of its cell number since the last call, `days` ago."""
    cells = tissue.lesion_cells
    if cells > 0.0 and tissue.cells_seen > 0.0:
        rate_per_d = math.log(cells / tissue.cells_seen) / days
        tissue.growth_per_d += decay_share(1.0 / _GROWTH_MEMORY_D, days) * (rate_per_d - tissue.growth_per_d)
    tissue.cells_seen = cells


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


def _choose_kept(fates: np.ndarray, expected: np.ndarray, n_min: int) -> np.ndarray:
    """Return a boolean mask of the clonogens kept: all survivors and, up to n_min, the dying with the highest expected number."""
    kept = (fates == NO_FATE) | (fates == Hazard.DIVISION)
    missing = min(n_min, len(fates)) - int(kept.sum())
    if kept.sum() >= n_min:
        return np.ones_like(kept)
    dying = np.flatnonzero(~kept)
    kept[dying[np.argsort(-expected[dying], kind="stable")[:missing]]] = True
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


def _hold(tissue: Tissue, viable: np.ndarray, n_min: int, deviate: float, stream: RandomStream) -> None:
    """Withdraw the fates of the weighted clonogens and update the weight by their hazards; viable: flat site indices."""
    hazard = tissue.hazard.reshape(len(tissue.hazard), -1)[:, viable].astype(np.float64)
    fate = tissue.fate.reshape(-1)
    births, is_hit = hazard[Hazard.DIVISION], hazard[Hazard.T_CELL] > 0.0
    # All other causes kill at a rate; a kill by a T cell is an event.
    deaths = np.delete(hazard, [Hazard.DIVISION, Hazard.T_CELL], axis=0).sum(axis=0)
    expected = expected_number(births, deaths, is_hit)
    kept = _choose_kept(fate[viable], expected, n_min)
    _book(tissue, hazard[Hazard.FAILED_DIVISION :], fate[viable[~kept]])
    fate[viable[kept]] = NO_FATE
    tissue.hits.reshape(-1)[viable[kept & is_hit]] = 0
    if not is_hit.all():
        cells = CellColumns(*(getattr(tissue, name).reshape(-1) for name in CellColumns._fields))
        _replace_lines(stream, Lattice(tissue.state.shape, tissue.centre), viable[kept & is_hit], viable[~is_hit], cells)
    variance = noise_variance(births, deaths, tissue.weight)
    tissue.weight = max(tissue.weight * weight_factor(float(expected.sum()), int(kept.sum()), variance, deviate), 1.0)


def _book(tissue: Tissue, deaths: np.ndarray, dying: np.ndarray) -> None:
    """Add to the ledger the deaths represented by the weight; `cell_death` counts the deaths carried out."""
    expected = (1.0 - np.exp(-deaths)).sum(axis=1)
    real = np.bincount(dying, minlength=len(tissue.ledger))[1 : len(tissue.ledger)]
    tissue.ledger[1:] += tissue.weight * np.maximum(expected - real, 0.0)


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Resolve the proposed fates in every lesion and update its weight and scale."""
    for tissue in state.active:
        stream = state.stream(tissue, clock)
        words = draw(stream, int(Purpose.WEIGHTED_CLONOGENS), np.uint32(0))
        _grow_view(tissue, words[2:])
        if clock.is_due(24.0):
            _follow_growth(tissue, clock.span_h(24.0) / 24.0)
        n, n_after = _tally(tissue.window, tissue.state, tissue.fate)
        tissue.is_weight_controlled = is_controlled(tissue.weight, tissue.is_under_weighted, n, n_after, p.n_min)
        if tissue.is_weight_controlled:
            viable = sites_of(tissue.state, _PROLIFERATING, _QUIESCENT, tissue.window)
            _hold(tissue, viable, p.n_min, normal(words[0], words[1]), stream)
        # Last use of this step's hazards. These two are reset because rules add to them instead of overwriting them.
        for cause in (Hazard.RADIATION, Hazard.T_CELL):
            cut(tissue.hazard[cause], tissue.window)[:] = 0.0
