"""Same bytes: a result does not depend on how it was computed, and a changed rule never runs from an old cache."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lesionlab.sim.runs.engines import execute
from lesionlab.sim.runs.job import Job
from lesionlab.sim.runs.simulation import simulate
from lesionlab.sim.scenario.load import load_scenario
from tests.runs.test_engines import Watcher

ROOT = Path(__file__).parents[2]
SMALL = ("neck", "mediastinum", "pelvis")
DAYS = 1.0
OVERRIDES = ["burn_in_d=2", *(f"lesions.{name}.section_cells=1200" for name in SMALL)]


def run_by_command(folder: Path, cache: Path, threads: int) -> str:
    """Return the hash that `run` prints for the start of the case in a process of its own."""
    settings = [word for override in OVERRIDES for word in ("--set", override)]
    done = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), "run", "case", *settings, "--until", f"{DAYS:g}", "--threads", str(threads), "--force",
         "-o", str(folder / "run.h5")],
        env=environment(cache), cwd=ROOT, capture_output=True, text=True, check=True)
    return re.findall(r"[0-9a-f]{64}", done.stdout)[-1]


def environment(cache: Path) -> dict[str, str]:
    """Return this process's environment with another place for compiled kernels."""
    return {name: value for name, value in os.environ.items() if name != "LESIONLAB_NUMBA_CACHE"} | {"NUMBA_CACHE_DIR": str(cache)}


@pytest.mark.slow
def test_the_case_has_the_same_bytes_whoever_computes_it(tmp_path: Path) -> None:
    """Cold and warm cache, one thread and two, a process of its own, this one, and a worker: one hash."""
    cache = tmp_path / "cache"
    hashes = {"cold, one thread": run_by_command(tmp_path, cache, 1)}
    compiled = set(cache.rglob("*.nbc"))
    assert compiled
    hashes["warm, two threads"] = run_by_command(tmp_path, cache, 2)
    assert set(cache.rglob("*.nbc")) == compiled
    scenario = load_scenario("case", OVERRIDES)
    hashes["here"] = simulate(scenario, tmp_path / "here.h5", until_d=DAYS)["state_sha256"]
    pytest.importorskip("distributed")
    jobs = [Job(scenario, replicate, tmp_path / f"{replicate}.h5", DAYS) for replicate in (0, 1)]
    outcomes = {outcome.job.replicate: outcome for outcome in execute(jobs, Watcher(), engine="local", workers=2)}
    assert [outcomes[replicate].message for replicate in (0, 1)] == ["", ""]
    hashes["worker"] = state_hash(tmp_path / "0.h5")
    assert len(set(hashes.values())) == 1, hashes
    assert state_hash(tmp_path / "1.h5") != hashes["here"]


def state_hash(path: Path) -> str:
    """Return the hash in a record."""
    import h5py

    with h5py.File(path) as file:
        return str(file.attrs["state_sha256"])


CALLER = """
import numpy as np
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.random import Luck, draw


@kernel
def ask(luck):
    return draw(luck, 5, np.uint32(6))


print(ask(Luck(*(np.uint32(word) for word in (1, 2, 3, 4)))))
"""


@pytest.mark.slow
def test_a_rule_edited_in_a_called_module_is_compiled_anew(tmp_path: Path) -> None:
    """A kernel's own file does not change with the module it calls; its cache must go all the same."""
    shutil.copytree(ROOT / "sim", tmp_path / "sim", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "caller.py").write_text(CALLER)

    def said() -> str:
        return subprocess.run([sys.executable, "caller.py"], cwd=tmp_path, env=environment(tmp_path / "cache"), capture_output=True,
                              text=True, check=True).stdout

    before = said()
    assert said() == before
    source = tmp_path / "sim" / "numerics" / "random.py"
    source.write_text(source.read_text().replace("_ROUNDS = 10", "_ROUNDS = 9"))
    assert said() != before
    source.write_text(source.read_text().replace("_ROUNDS = 9", "_ROUNDS = 10"))
    assert said() == before
