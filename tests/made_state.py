"""Hand-made states for tests: bare sections, a few cells, a few T cells, and what a rule changed in them."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from lesionlab.sim.numerics.random import name_entity, seed_key
from lesionlab.sim.numerics.window import Window, widen
from lesionlab.sim.processes.t_cell_priming import STAGES
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import DrugLevel, State, Systemic, Tissue

KEY = seed_key(1, 0, 0)
Shape = tuple[int, int, int]
LIVING = (CellState.PROLIFERATING, CellState.QUIESCENT, CellState.DOOMED)
DEAD = (CellState.APOPTOTIC, CellState.KILLED_BY_T_CELL, CellState.KILLED_BY_RADIATION, CellState.NECROTIC)


def bare_tissue(shape: Shape = (1, 21, 21), name: str = "made", **numbers: Any) -> Tissue:
    """Return a section of bare stroma without vessels; `numbers` set fields of `Tissue`."""
    given = {"size_cm": (1.0, 1.0), "t_cell_entry_factor": 1.0, "vessel_density_factor": 1.0, "capacity": math.prod(shape)}
    return Tissue.blank(name, name_entity(name), shape, **(given | numbers))


def tissue_of_each_state(**numbers: Any) -> Tissue:
    """Return a section of eight sites in a row, one of each CellState in the order of their codes."""
    tissue = bare_tissue((1, 1, len(CellState)), **numbers)
    tissue.state[0, 0] = list(CellState)
    return tissue


def state_of(*tissues: Tissue, drugs: Iterable[DrugLevel] = (), seed: int = 1, **systemic: Any) -> State:
    """Return a state of the given sections; `systemic` sets fields of `Systemic`."""
    given = {"antigen": np.zeros(STAGES), "specific_blood": 0.0, "bystander_blood": 0.0, "memory": 0.0}
    return State(seed_key(seed, 0, 0), Systemic(drugs=list(drugs), **(given | systemic)), list(tissues))


def clock_at(step: int = 0, dt_h: float = 1.0, burn_in_steps: int = 0, micro_step: int = 0) -> Clock:
    """Return the clock of a step; without a burn-in unless asked for."""
    return Clock(step, dt_h, burn_in_steps, micro_step)


def fill_disc(tissue: Tissue, radius: float, code: int = CellState.PROLIFERATING, aspect: float = 1.0) -> np.ndarray:
    """Fill an ellipse about the centre with cells, semi-axes (y, x) = (radius aspect, radius) sites; return its mask (nz, ny, nx)."""
    _, y, x = np.indices(tissue.state.shape)
    mask: np.ndarray = ((y - tissue.centre[1]) / aspect) ** 2 + (x - tissue.centre[2]) ** 2 <= radius**2
    tissue.state[mask] = code
    return mask


def close_window(tissue: Tissue) -> None:
    """Draw the window around the cells that a section has, as a step before would have left it."""
    y, x = (np.flatnonzero(tissue.state.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    tissue.window = widen(Window(int(y[0]), int(y[-1]) + 1, int(x[0]), int(x[-1]) + 1), tissue.state.shape, 2)


def add_t_cells(tissue: Tissue, sites: Iterable[int], *, is_specific: int = 1, target: int = -1, dies_at_h: float = np.inf,
                **flags: int) -> None:
    """Put one T cell on each flat site; `flags`: kills, is_exhausted, is_stem_like."""
    t, chosen = tissue.t_cells, list(sites)
    t.reserve(t.n + len(chosen))
    new = slice(t.n, t.n + len(chosen))
    t.site[new], t.id[new] = chosen, np.arange(t.next_id, t.next_id + len(chosen))
    t.dies_at_h[new], t.target[new], t.is_specific[new] = dies_at_h, target, is_specific
    for name in ("kills", "is_exhausted", "is_stem_like"):
        getattr(t, name)[new] = flags.get(name, 0)
    np.add.at(tissue.t_count.reshape(-1), chosen, 1)
    t.n += len(chosen)
    t.next_id += len(chosen)


def freeze(tissue: Tissue, *names: str) -> None:
    """Make arrays of a section read-only; numba then refuses to compile a kernel that writes them."""
    for name in names:
        getattr(tissue, name).flags.writeable = False


def remember(state: State) -> dict[str, bytes]:
    """Return the bytes of everything in a state, by path."""
    return {path: array.tobytes() for path, array in state.arrays().items()}


def changed(before: dict[str, bytes], state: State) -> set[str]:
    """Return the names (last part of the path) of what differs from what `remember` returned."""
    return {path.rsplit(".", 1)[-1] for path, kept in remember(state).items() if before[path] != kept}


def changed_paths(before: dict[str, bytes], state: State) -> set[str]:
    """Return the paths of what differs from what `remember` returned."""
    return {path for path, kept in remember(state).items() if before[path] != kept}
