"""Invariants that hold in every state of a run."""

import numpy as np

from lesionlab.sim.numerics.window import cut
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import State


def check(state: State) -> None:
    """Raise AssertionError, naming the lesion, where an invariant is broken.

    Codes are known, cells fit the section and lie in its window, T cells are counted right, fields are finite and not negative.
    """
    for tissue in state.tissues:
        where = f"lesion {tissue.name}"
        assert tissue.state.max() <= max(CellState), f"{where}: unknown cell state"
        assert int((tissue.state > 0).sum()) <= tissue.capacity, f"{where}: more cells than the section may hold"
        assert np.count_nonzero(tissue.state) == np.count_nonzero(cut(tissue.state, tissue.window)), f"{where}: cells outside the window"
        t = tissue.t_cells
        counted = np.bincount(t.site[: t.n], minlength=tissue.state.size)
        assert (counted == tissue.t_count.ravel()).all(), f"{where}: T cells per site do not match the rows"
        for name in ("oxygen", "vegf", "chemoattractant", "ifn_gamma", "maturity", "perfusion"):
            values = getattr(tissue, name)
            assert np.isfinite(values).all() and values.min() >= 0.0, f"{where}: {name} is negative or not finite"
        assert tissue.weight > 0.0 and np.isfinite(tissue.weight), f"{where}: weight {tissue.weight}"
    pools = (state.systemic.specific_blood, state.systemic.bystander_blood, state.systemic.memory)
    assert min(pools) >= 0.0, f"a T-cell pool is negative: {pools}"
