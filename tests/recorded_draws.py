"""A tiny run without compilation that notes the key of every draw; prints those that two draws share, with how many each purpose made.

Run as a program, with NUMBA_DISABLE_JIT=1: kernels are then plain functions, and the draws of `lesionlab.sim.numerics.random` can be
replaced before anything else takes them. With the argument `each` every fraction kills T cells by a draw of its own, as 0.1.0 did.
"""

import json
import sys
import warnings
from collections import Counter
from typing import Any

import numpy as np

from lesionlab.sim.numerics import random as draws
from lesionlab.sim.state.codes import Purpose

warnings.simplefilter("ignore", RuntimeWarning)
KEYS: Counter[tuple[int, ...]] = Counter()
MOST = 0xFFFFFFFF

SCENARIO = """
schema: 1
start: 2021-07-05
end: 2021-07-07
seed: 7
burn_in_d: 1
time_step_h: 2
lesions: {neck: {size_cm: [4, 3], measured: 2021-07-05, section_cells: 500}}
radiotherapy:
  - {lesion: neck, start: 2021-07-05, fractions: 2, hours: [2, 12], volumes: {mass: {dose_per_fraction_gy: 8}}}
  - {lesion: neck, start: 2021-07-05, fractions: 1, hours: [2], volumes: {mass: {dose_per_fraction_gy: 2}}}
drugs:
  toripalimab: {class: anti_pd1, dose_mg: 240, start: 2021-07-05, interval_d: 21, until: 2021-07-06}
  anlotinib: {class: vegfr_tki, dose_mg: 12, start: 2021-07-05, interval_d: 0.5, until: 2021-07-06}
antigen_loss: {loss_per_division: 0.0001}
oxygen: {tolerance_mmHg: 0.1}
t_cell_entry: {entry_per_vessel_per_d: 1.0}
t_cell_exhaustion: {recovery_per_d: 1.0}
"""


def philox(key0: int, key1: int, *counter: int) -> tuple[np.uint32, ...]:
    """Return what the compiled function of this name does, in Python's own numbers: many times faster than in NumPy's."""
    key0, key1, (c0, c1, c2, c3) = int(key0), int(key1), map(int, counter)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ key0, p1 & MOST, (p0 >> 32) ^ c3 ^ key1, p0 & MOST
        key0, key1 = (key0 + 0x9E3779B9) & MOST, (key1 + 0xBB67AE85) & MOST
    return tuple(np.uint32(word) for word in (c0, c1, c2, c3))


def note(stream: Any, purpose: int, *entities: int) -> None:
    """Count a draw's key: lesion, step, purpose and entities; a vessel's openness, drawn as of step 0 at any step, is declared fixed."""
    if int(purpose) != Purpose.VESSEL_OPENNESS:
        KEYS[(int(stream.lesion), int(stream.step), int(purpose), *map(int, entities))] += 1


def draw(stream: Any, purpose: int, entity: int) -> tuple[np.uint32, ...]:
    """See `lesionlab.sim.numerics.random.draw`."""
    note(stream, purpose, entity)
    return philox(stream.key0, stream.key1, stream.step, purpose, entity, stream.lesion)


def draw_pair(stream: Any, purpose: int, first: int, second: int) -> tuple[np.uint32, ...]:
    """See `lesionlab.sim.numerics.random.draw_pair`."""
    note(stream, purpose, first, second)
    words = philox(stream.key0, stream.key1, stream.step, purpose, first, stream.lesion)
    return philox(words[0], words[1], second, words[2], words[3], stream.lesion)


def draw_many(stream: Any, purpose: int, entities: np.ndarray, words: np.ndarray) -> None:
    """See `lesionlab.sim.numerics.random.draw_many`."""
    for index, entity in enumerate(entities):
        words[:, index] = draw(stream, purpose, entity)


def draw_fixed(stream: Any, purpose: int, first: int, second: int) -> tuple[np.uint32, ...]:
    """See `lesionlab.sim.numerics.random.draw_fixed`: declared fixed, so not counted."""
    return philox(stream.key0, stream.key1, first, purpose, second, stream.lesion)


def main() -> None:
    """Run the scenario and print, as JSON, the shared keys by purpose, the number of draws by purpose and what the run came to."""
    for replaced in (philox, draw, draw_pair, draw_many, draw_fixed):
        setattr(draws, replaced.__name__, replaced)
    from lesionlab.sim.model import TumourModel
    from lesionlab.sim.processes import radiobiology
    from lesionlab.sim.scenario.load import scenario_from_text

    if sys.argv[1:] == ["each"]:
        whole = radiobiology.update

        def update(state: Any, p: Any, clock: Any) -> None:
            given = state.orders.fractions
            for index in range(max(len(given), 1)):
                state.orders.fractions = given[index : index + 1]
                whole(state, p, clock)

        radiobiology.update = update
    model = TumourModel(scenario_from_text(SCENARIO))
    is_weight_controlled = False
    while model.running:
        model.step()
        is_weight_controlled |= model.state.tissues[0].is_weight_controlled
    names = {int(purpose): purpose.name for purpose in Purpose}
    shared, made = Counter[str](), Counter[str]()
    for key, number in KEYS.items():
        name = names[key[2] % 256]
        made[name] += number
        shared[name] += number > 1
    sys.stdout.write(json.dumps({"shared": +shared, "made": made, "is_held": bool(is_weight_controlled)}) + "\n")


if __name__ == "__main__":
    main()
