"""Throughput of the model's kernels on a real state of the case, in sites per second and as a share of the bare sweeps."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace

import numpy as np

from lesionlab.sim import t_cell_steps
from lesionlab.sim.bench import machine
from lesionlab.sim.bench.figure import Figure, at_least, figure, seconds
from lesionlab.sim.numerics.diffusion import relax
from lesionlab.sim.numerics.linear_fields import steady_linear
from lesionlab.sim.numerics.window import cut
from lesionlab.sim.processes import cell_fate, hypoxia
from lesionlab.sim.schedule import SCHEDULE
from lesionlab.sim.simulation import Simulation
from lesionlab.sim.state.state import SITE_UM, State

GROUP = "kernels"
_SWEEPS = 20
_HOURS = 24
_STATES = ("pd_l1", "cell_cycle", "hypoxia", "apoptosis", "antigen_loss", "cell_fate", "population_control", "cell_death", "clearance",
           "displacement")
"""The rules of a step that sweep the sites: neither fields nor vessels nor T cells."""


def _state_hours(state: State, model: Simulation) -> None:
    """Apply the rules of the sites for a day."""
    clock = model.clock
    for _ in range(_HOURS):
        for row in SCHEDULE:
            if row.name in _STATES:
                row.module.update(state, model.parameters[row.name], clock)
        clock = replace(clock, step=clock.step + 1)


def kernels(model: Simulation, limits: Sequence[Figure], repeats: int) -> list[Figure]:
    """Return the figures of the kernels, as shares of the machine's limits, for the section with the largest window."""
    state = deepcopy(model.state)
    tissue = max(state.active, key=lambda section: cut(section.state, section.window).size)
    sites, own = tissue.state.size, replace(state, tissues=[tissue])
    swept = cut(tissue.state, tissue.window).size
    bare = {limit.name: limit.value for limit in limits}
    exchange = np.where(tissue.perfusion > 0.0, np.float32(125.0), np.float32(0.0))
    uptake = np.where(tissue.state > 0, np.float32(15.0), np.float32(4.5))

    def relaxed(sweeps: int) -> list[float]:
        return seconds(lambda: relax(1.7, 5.0, 40.0, 2.5, (0.0, sweeps), exchange, uptake, tissue.oxygen.copy()), repeats, 5)

    per_sweep = [(many - one) / _SWEEPS for many, one in zip(relaxed(_SWEEPS + 1), relaxed(1), strict=True)]
    made = {
        "oxygen, one red and black sweep": (per_sweep, machine.ROOT),
        "VEGF, cosine transform": (seconds(lambda: steady_linear(tissue.vegf, 29.0, 1.92e-4, SITE_UM), repeats, 5), machine.DIFFUSION),
        "cell fate, a draw a living cell": (seconds(lambda: cell_fate.update(own, model.parameters["cell_fate"], model.clock), repeats, 5),
                                            machine.LATTICE),
        "hypoxia, hazards": (seconds(lambda: hypoxia.update(own, model.parameters["hypoxia"], model.clock), repeats, 5), machine.LATTICE),
    }
    found = []
    for name, (samples, limit) in made.items():
        rates = [(swept if limit == machine.LATTICE else sites) / s / 1e9 for s in samples]
        found += [figure(GROUP, name, rates, "G site/s"), figure(GROUP, f"{name}: share of the {limit}",
                                                                 [100.0 * rate / bare[limit] for rate in rates], "%")]
    found[1] = at_least(found[1], 60.0, 80.0)
    hours = seconds(lambda: _state_hours(deepcopy(own), model), repeats)
    copied = min(seconds(lambda: deepcopy(own), repeats))
    swept_rates = [swept * _HOURS / max(s - copied, 1e-9) / 1e9 for s in hours]
    found += [figure(GROUP, "states, an hour of all their rules", swept_rates, "G site/s"),
              at_least(figure(GROUP, f"states, an hour of all their rules: share of the {machine.LATTICE}",
                              [100.0 * rate / bare[machine.LATTICE] for rate in swept_rates], "%"), 50.0, 70.0)]
    moves = tissue.t_cells.n * model.clock.n_micro_steps
    walked = seconds(lambda: t_cell_steps.advance(deepcopy(own), model.parameters, model.clock), repeats)
    found.append(figure(GROUP, "T cells, move and hit", [moves / max(s - copied, 1e-9) / 1e6 for s in walked], "M micro-steps/s"))
    return found
