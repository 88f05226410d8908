"""What the model's kernels do on a real state of the case, in sites a second and as a share of the bare sweeps."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace

import numpy as np

from sim import micro_steps
from sim.bench import Figure, at_least, figure, machine, seconds
from sim.model import TumourModel
from sim.numerics.diffusion import relax, steady_linear
from sim.processes import cell_fate, hypoxia
from sim.state import SITE_UM

GROUP = "kernels"
_SWEEPS = 20
_FIELD_SHARE = 60.0


def kernels(model: TumourModel, limits: Sequence[Figure], repeats: int) -> list[Figure]:
    """Return the figures of the kernels on the model's largest section, beside the machine's own."""
    state = deepcopy(model.state)
    tissue = max(state.active, key=lambda section: section.state.size)
    sites, own = tissue.state.size, replace(state, tissues=[tissue])
    bare = {limit.name: limit.value for limit in limits}
    exchange = np.where(tissue.perfusion > 0.0, np.float32(125.0), np.float32(0.0))
    uptake = np.where(tissue.state > 0, np.float32(15.0), np.float32(4.5))

    def swept(sweeps: int) -> list[float]:
        return seconds(lambda: relax(1.7, 5.0, 40.0, 2.5, (0.0, sweeps), exchange, uptake, tissue.oxygen.copy()), repeats, 5)

    per_sweep = [(many - one) / _SWEEPS for many, one in zip(swept(_SWEEPS + 1), swept(1), strict=True)]
    made = {
        "oxygen, one red and black sweep": (per_sweep, machine.ROOT),
        "VEGF, cosine transform": (seconds(lambda: steady_linear(tissue.vegf, 29.0, 1.92e-4, SITE_UM), repeats, 5), machine.DIFFUSION),
        "cell fate, a draw a living cell": (seconds(lambda: cell_fate.update(own, model.parameters["cell_fate"], model.clock), repeats, 5),
                                            machine.LATTICE),
        "hypoxia, hazards": (seconds(lambda: hypoxia.update(own, model.parameters["hypoxia"], model.clock), repeats, 5), machine.LATTICE),
    }
    found = []
    for name, (samples, limit) in made.items():
        rates = [sites / s / 1e9 for s in samples]
        found += [figure(GROUP, name, rates, "G site/s"), figure(GROUP, f"{name}: share of the {limit}",
                                                                 [100.0 * rate / bare[limit] for rate in rates], "%")]
    found[1] = at_least(found[1], _FIELD_SHARE)
    moves = tissue.t_cells.n * model.clock.n_micro_steps
    walked = seconds(lambda: micro_steps.advance(deepcopy(own), model.parameters, model.clock), repeats)
    copied = min(seconds(lambda: deepcopy(own), repeats))
    found.append(figure(GROUP, "T cells, move and hit", [moves / max(s - copied, 1e-9) / 1e6 for s in walked], "M micro-steps/s"))
    return found
