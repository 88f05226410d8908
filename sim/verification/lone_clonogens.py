"""Clonogens of small weight among T cells of full weight, through the model's own motion and killing.

n clonogens that each stand for a share s of their site are, for T cells, n s clonogens in the lesion: the chance of one to
be killed is that among n s plain ones, however many the section happens to hold.
"""

import numpy as np

from lesionlab.sim.processes import t_cell_killing, t_cell_motion
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.verification.specimens import bare_tissue, place_t_cells, state_of

EDGE, T_CELLS = 80, 128
KILLING, MOTION = t_cell_killing.Parameters(), t_cell_motion.Parameters()


def kills_per_d(n_clonogens: int, share: float, seed: int, hours: tuple[int, int] = (10, 40)) -> float:
    """Return the kills per clonogen and day between two hours, each standing for a share w / W of its site.

    Clonogens on random sites come back at once where they were; PD-1 is occupied.
    """
    tissue, random = bare_tissue((1, EDGE, EDGE)), np.random.default_rng(seed)
    sites = random.choice(EDGE * EDGE, n_clonogens, replace=False)
    tissue.state.reshape(-1)[sites] = CellState.PROLIFERATING
    tissue.volume_weight = 1.0 / share
    place_t_cells(tissue, random.choice(EDGE * EDGE, T_CELLS, replace=False))
    state, n_killed = state_of(tissue, seed, pd1_occupancy=1.0), 0
    for hour in range(hours[1]):
        for micro_step in range(10):
            # Hour 0 would make the first hits look fresh: last_hit is 0 as well.
            now = Clock(hour + 10, 1.0, 0, micro_step)
            t_cell_motion.update(state, MOTION, now)
            t_cell_killing.update(state, KILLING, now)
        is_killed = tissue.hits.reshape(-1)[sites] >= KILLING.n_hits
        n_killed += int(is_killed.sum()) if hour >= hours[0] else 0
        tissue.hits.reshape(-1)[sites[is_killed]] = 0
    return n_killed / n_clonogens / (hours[1] - hours[0]) * 24.0
