"""The replicate that Mesa requests when it makes a model.

`mesa.batch_run` distinguishes the iterations of a model in one of two ways. Given `rng`, a seed an iteration (Mesa 3.4 and later), it
hands the seed to the model. Given `iterations`, it passes nothing (3.3) or None (3.5), and only Mesa's function that makes the
model knows the iteration.
"""

import sys
import warnings
from types import FrameType
from typing import Any

import numpy as np

from lesionlab.sim.parameters.errors import UserError


def replicate_of(replicate: int | None = None, rng: Any = None) -> int:
    """Return the replicate of a model: as stated, else as `rng` says, else the iteration of the batch that makes it, else 0.

    An `rng` that is a number is the replicate; any other seed of a NumPy generator gives one of 2^31. A warning is given if several
    iterations share a stated replicate: they are the same run.

    Raises:
        UserError: a negative replicate, or one that is no whole number.
    """
    iteration = _iteration()
    chosen: Any
    if replicate is not None:
        if iteration and rng is None:
            warnings.warn(f"iteration {iteration} is the same run as iteration 0: the replicate is stated, {replicate}", stacklevel=3)
        chosen = replicate
    elif rng is None:
        chosen = iteration
    else:
        chosen = rng if isinstance(rng, int | np.integer) else int(np.random.default_rng(rng).integers(2**31))
    if not isinstance(chosen, int | np.integer) or chosen < 0:
        raise UserError(f"replicate {chosen}: must be a whole number from 0 on")
    return int(chosen)


def _iteration() -> int:
    """Return in which iteration `mesa.batch_run` makes a model now; 0 outside a batch."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_globals.get("__name__") != "mesa.batchrunner":
        frame = frame.f_back
    return int(frame.f_locals.get("iteration", 0)) if frame else 0
