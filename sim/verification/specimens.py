"""Hand-made sections for verification: bare tissue, T cells on chosen sites."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lesionlab.sim.numerics.random import name_entity, seed_key
from lesionlab.sim.processes.t_cell_priming import STAGES
from lesionlab.sim.state.state import State, Systemic, Tissue


def bare_tissue(shape: tuple[int, int, int]) -> Tissue:
    """Return a section of bare stroma (nz, ny, nx) without vessels or T cells."""
    return Tissue.blank("specimen", name_entity("specimen"), shape, size_cm=(1.0, 1.0), t_cell_entry_factor=1.0,
                        vessel_density_factor=1.0, capacity=math.prod(shape))


def state_of(tissue: Tissue, seed: int, **systemic: Any) -> State:
    """Return a state of one section without drugs; `systemic` sets fields of `Systemic`."""
    given: dict[str, Any] = {"antigen": np.zeros(STAGES), "specific_blood": 0.0, "bystander_blood": 0.0, "memory": 0.0}
    return State(seed_key(seed, 0, 0), Systemic(drugs=[], **(given | systemic)), [tissue])


def place_t_cells(tissue: Tissue, sites: Sequence[int] | np.ndarray, is_engaged: bool = False) -> None:
    """Replace the section's T cells by specific ones, one on each flat site, engaged with the cell there if asked."""
    t, n = tissue.t_cells, len(sites)
    t.reserve(n)
    t.n = t.next_id = n
    t.site[:n], t.id[:n], t.dies_at_h[:n] = sites, np.arange(n), np.inf
    t.target[:n] = sites if is_engaged else -1
    t.kills[:n], t.is_specific[:n], t.is_exhausted[:n], t.is_stem_like[:n] = 0, 1, 0, 0
    tissue.t_count.reshape(-1)[:] = np.bincount(np.asarray(sites), minlength=tissue.t_count.size)
