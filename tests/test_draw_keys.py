"""No two draws of a run share their key, but for those that are declared fixed: a pair's suppression and a vessel's openness."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lesionlab.sim.numerics import random as draws
from lesionlab.sim.numerics.random import RandomStream, name_entity
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.scenario.load import scenario_from_text
from lesionlab.sim.state.codes import Purpose
from tests import recorded_draws
from tests.tiny_arm import TREATED

FIXED = {"VESSEL_OPENNESS", "VESSEL_DEPENDENCE", "SUPPRESSION"}
UNUSED = {"PD_L1_LAYOUT", "VIRTUAL_PATIENT"}


def recorded(*arguments: str) -> dict[str, Any]:
    """Return what the recorded run printed; it runs without compilation, in a process of its own."""
    root = Path(__file__).parents[1]
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-m", "tests.recorded_draws", *arguments], cwd=root, env=environment, capture_output=True,
                          text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_no_two_draws_of_a_run_share_their_key() -> None:
    """The run has every purpose: fractions together and hours apart, a weight-controlled and an under-weighted section,
    antigen loss, both drugs."""
    seen = recorded()
    assert seen["shared"] == {}
    assert set(seen["made"]) == {purpose.name for purpose in Purpose} - FIXED - UNUSED
    assert seen["is_held"] and min(seen["made"].values()) >= 30


def test_a_shared_key_would_be_seen() -> None:
    """Negative control: a draw a fraction, as it was, makes T cells meet one number twice in a step of two fractions."""
    seen = recorded("each")
    assert set(seen["shared"]) == {"T_CELL_RADIATION"} and seen["shared"]["T_CELL_RADIATION"] >= 10


@pytest.mark.parametrize("entity", [0, 1, 4096, 2**32 - 1])
def test_the_recorded_draws_are_those_of_the_model(entity: int) -> None:
    stream = RandomStream(*(np.uint32(word) for word in (11, 22, 33, 44)))
    at, words = np.uint32(entity), np.empty((4, 1), np.uint32)
    recorded_draws.draw_many(stream, 7, np.array([at]), words)
    assert tuple(words[:, 0]) == draws.draw(stream, 7, at)
    assert recorded_draws.draw_pair(stream, 7, at, np.uint32(5)) == draws.draw_pair(stream, 7, at, np.uint32(5))
    assert recorded_draws.draw_fixed(stream, 7, at, np.uint32(5)) == draws.draw_fixed(stream, 7, at, np.uint32(5))


def test_lesions_whose_names_are_one_number_to_the_draws_are_refused() -> None:
    assert name_entity("plumless") == name_entity("buckeroo")
    more = [f"lesions.{name}={{size_cm: [4, 3], measured: 2021-07-05, section_cells: 500}}" for name in ("plumless", "buckeroo")]
    with pytest.raises(UserError, match=r"lesions\.buckeroo: has the random numbers of plumless; choose another name"):
        scenario_from_text(TREATED, overrides=more)
    assert len(scenario_from_text(TREATED, overrides=more[:1]).lesions) == 2
