"""Growth and contraction: exponential while small; a killed disc contracts to the radius its cells need, compact and round.

Law: without limits a mass grows at the rate b - d (births minus deaths); n cells of one site each fill a disc of radius
sqrt(n / pi). Simulated: masses of 100 cells with plenty of oxygen for ten days (about 5000 cells), and discs of 5000
cells and balls of 8000 of which 77 % are killed at random and cleared, through the model's cell processes and
`displacement`. The shape is measured in eight sectors of 45 degrees, about the axes and about the diagonals: the radius
of a sector is that of its area. Second moments cannot see a four-fold shape, areas of sectors can, and the lattice itself
shifts them by less than 1 % above a radius of 20 sites. Judged: the rate by 3 SE against b - d and against the rate with
one event a cell and step; radius 3 %, no holes (enclosed empty sites at most 1 % of the cells), axis against diagonal
radius 3 %, the clinic's diameter of the contracted disc and ball against the cube root of the share left, 3 %: 77 %
killed reads -38 or -39 %. Negative controls: a rate 10 % off; a disc whose gaps nothing closes; a square and a diamond.
"""

import math

import numpy as np
from scipy.ndimage import binary_fill_holes

from lesionlab.sim.measures import lesion_size
from lesionlab.sim.numerics.lattice import mass_axes
from lesionlab.sim.numerics.window import whole
from lesionlab.sim.processes import apoptosis, cell_cycle
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import State
from lesionlab.sim.verification.growth import advance, clonogens, disc, parameters
from lesionlab.sim.verification.judging import Check, Law, mean_and_error

LAW = Law(9, "growth and contraction")
SMALL, HOURS, GROWING = 100, 241, 24
CYCLE = cell_cycle.Parameters(failed_division_share=0.1)
APOPTOSIS = apoptosis.Parameters(rate_per_d=0.05)
DISC, KILLED, CONTRACTING, DAYS = 5000, 0.77, 8, 12
BALL, LAYERS, FEW = 8000, 31, 2


def grown(replicates: int) -> list[State]:
    """Return masses after some days of free growth."""
    given = parameters(cell_cycle=CYCLE, apoptosis=APOPTOSIS)
    masses = [disc(SMALL, 161, seed) for seed in range(replicates)]
    for state in masses:
        for step in range(HOURS):
            advance(state, given, step)
    return masses


def contracted(replicates: int, n: int = DISC, edge: int = 101, layers: int = 1) -> list[State]:
    """Return discs or balls of which a random share was killed, once the dead are cleared and the gaps are closed."""
    given = parameters(cell_cycle=cell_cycle.Parameters(cycle_time_h=math.inf), apoptosis=apoptosis.Parameters(rate_per_d=0.0))
    masses = []
    for seed in range(replicates):
        state = disc(n, edge, seed, layers=layers)
        lesion_size.hold_size(state.tissues[0], float(n))
        _kill(state, seed)
        for step in range(4 * DAYS):
            advance(state, given, step, dt_h=6.0)
        masses.append(state)
    return masses


def _kill(state: State, seed: int) -> None:
    cells = state.tissues[0].state
    is_killed = np.random.default_rng(seed).random(cells.shape) < KILLED
    cells[is_killed & (cells > 0)] = CellState.KILLED_BY_T_CELL


def sector_radii(is_cell: np.ndarray) -> np.ndarray:
    """Return the radii in sites of eight sectors of 45 degrees about the centroid, the first about the x axis; (ny, nx) > (8,)."""
    y, x = np.nonzero(is_cell)
    # A corner of each site per direction: sites are squares, not points, so a sector's edge may cut them.
    fine = (np.arange(8) + 0.5) / 8.0 - 0.5
    dy = np.add.outer(y - y.mean(), np.repeat(fine, 8))
    dx = np.add.outer(x - x.mean(), np.tile(fine, 8))
    sector = np.floor((np.arctan2(dy, dx) + math.pi / 8.0) / (math.pi / 4.0)).astype(int) % 8
    area = np.bincount(sector.reshape(-1), minlength=8) / 64.0
    radii: np.ndarray = np.sqrt(area / (math.pi / 8.0))
    return radii


def axis_over_diagonal(masks: list[np.ndarray]) -> float:
    """Return the mean radius about the axes over that about the diagonals, mean over masses."""
    radii = np.mean([sector_radii(mask) for mask in masks], axis=0)
    return float(radii[0::2].mean() / radii[1::2].mean())


def _compactness(masks: list[np.ndarray]) -> tuple[float, float]:
    """Return (measured radius over the radius the cells need, enclosed empty sites per cell), means over masses."""
    axes = [mass_axes(mask[None].astype(np.uint8), whole((1, *mask.shape)), False)[:2] for mask in masks]
    ratios = [np.sqrt(np.prod(pair)) / 2.0 / math.sqrt(mask.sum() / math.pi) for pair, mask in zip(axes, masks, strict=True)]
    holes = [(binary_fill_holes(mask) & ~mask).sum() / mask.sum() for mask in masks]
    return float(np.mean(ratios)), float(np.mean(holes))


def _growth(replicates: int) -> list[Check]:
    masses = grown(replicates)
    mean, error = mean_and_error(np.array([clonogens(state) for state in masses]))
    rate, rate_error = math.log(mean / SMALL) / HOURS, error / mean / HOURS
    b = math.log(2.0) / CYCLE.cycle_time_h * (1.0 - CYCLE.failed_division_share)
    d = math.log(2.0) / CYCLE.cycle_time_h * CYCLE.failed_division_share + APOPTOSIS.rate_per_d / 24.0
    drawn = math.log1p(-math.expm1(-b - d) * (b - d) / (b + d))
    masks = [state.tissues[0].state[0] > 0 for state in masses]
    size, holes = _compactness(masks)
    return [LAW.within("growth rate while small", rate, b - d, rate_error, "1/h"),
            LAW.within("growth rate, one event a cell and step", rate, drawn, rate_error, "1/h"),
            LAW.within("growth rate 10 % off", rate, 1.1 * (b - d), rate_error, "1/h", is_control=True),
            LAW.close("grown mass: radius over the radius its cells need", size, 1.0, 0.03),
            LAW.bounded("grown mass: enclosed empty sites per cell", holes, 0.0, 0.01),
            LAW.close("grown mass: radius about axes over diagonals", axis_over_diagonal(masks), 1.0, 0.03)]


def _contraction(replicates: int) -> list[Check]:
    masses = contracted(replicates)
    masks = [state.tissues[0].state[0] > 0 for state in masses]
    size, holes = _compactness(masks)
    share = float(np.mean([mask.sum() for mask in masks])) / DISC
    balls = contracted(FEW, BALL, LAYERS, LAYERS)
    share_of_ball = float(np.mean([np.count_nonzero(state.tissues[0].state) for state in balls])) / BALL
    return [LAW.close("contracted disc: radius over the radius its cells need", size, 1.0, 0.03),
            LAW.bounded("contracted disc: enclosed empty sites per cell", holes, 0.0, 0.01),
            LAW.close("contracted disc: radius about axes over diagonals", axis_over_diagonal(masks), 1.0, 0.03),
            LAW.close("contracted disc: clinical diameter over baseline's", _diameter(masses), share ** (1.0 / 3.0), 0.03),
            LAW.close("contracted ball: clinical diameter over baseline's", _diameter(balls), share_of_ball ** (1.0 / 3.0), 0.03),
            LAW.bounded("contracted ball: clinical diameter over baseline's, 77 % killed", _diameter(balls), 0.62, 0.03)]


def _diameter(masses: list[State]) -> float:
    """Return the mean longest diameter over masses, relative to baseline's 1 cm."""
    return float(np.mean([lesion_size.diameters_cm(state.tissues[0])[0] for state in masses]))


def _controls() -> list[Check]:
    state = disc(DISC, 101, 0)
    _kill(state, 0)
    sparse = (state.tissues[0].state[0] > 0) & (state.tissues[0].state[0] != CellState.KILLED_BY_T_CELL)
    size, _ = _compactness([sparse])
    square = np.zeros((101, 101), bool)
    square[20:81, 20:81] = True
    y, x = np.indices((101, 101)) - 50
    diamond = abs(y) + abs(x) <= 40
    return [LAW.close("gaps left open: radius over the radius its cells need", size, 1.0, 0.03, is_control=True),
            LAW.close("a square: radius about axes over diagonals", axis_over_diagonal([square]), 1.0, 0.03, is_control=True),
            LAW.close("a diamond: radius about axes over diagonals", axis_over_diagonal([diamond]), 1.0, 0.03, is_control=True)]


def checks(effort: float = 1.0) -> tuple[Check, ...]:
    """Return the checks; an effort below 1 takes fewer masses."""
    return tuple(_growth(max(round(GROWING * effort), 12)) + _contraction(max(round(CONTRACTING * effort), 4)) + _controls())
