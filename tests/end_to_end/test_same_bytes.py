"""Same bytes: a result does not depend on how it was computed, and a changed rule never runs from an old cache."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lesionlab.sim.runs.engines import execute, warm_kernels
from lesionlab.sim.runs.job import Job
from lesionlab.sim.runs.lifecycle import simulate
from lesionlab.sim.scenario.load import load_scenario
from tests.first_run import DAYS, OVERRIDES, first_hash, hash_by_command
from tests.runs.test_engines import Watcher

ROOT = Path(__file__).parents[2]


def environment(cache: Path) -> dict[str, str]:
    """Return this process's environment with another place for compiled kernels."""
    return {name: value for name, value in os.environ.items() if name != "LESIONLAB_NUMBA_CACHE"} | {"NUMBA_CACHE_DIR": str(cache)}


@pytest.mark.slow
def test_the_case_has_the_same_bytes_whoever_computes_it(tmp_path: Path) -> None:
    """Cold and warm cache, one thread and two, a process of its own, this one, and a worker: one hash."""
    hashes = {"one thread, on a bare machine with a cold cache": first_hash(), "warm, two threads": hash_by_command(2, tmp_path)}
    scenario = load_scenario("case", OVERRIDES)
    hashes["here"] = simulate(scenario, tmp_path / "here.h5", until_d=DAYS)["state_sha256"]
    pytest.importorskip("distributed")
    jobs = [Job(scenario, replicate, tmp_path / f"{replicate}.h5", DAYS) for replicate in (0, 1)]
    outcomes = {outcome.job.replicate: outcome for outcome in execute(jobs, Watcher(), engine="local", workers=2)}
    assert [outcomes[replicate].message for replicate in (0, 1)] == ["", ""]
    hashes["worker"] = state_hash(tmp_path / "0.h5")
    assert len(set(hashes.values())) == 1, hashes
    assert state_hash(tmp_path / "1.h5") != hashes["here"]


COUNTED = """
import gc
from numba.core.dispatcher import Dispatcher
from lesionlab.sim.runs.engines import warm_kernels
warm_kernels()
kernels = [one for one in gc.get_objects() if isinstance(one, Dispatcher) and one.py_func.__module__.startswith("lesionlab.")]
for counts in ("cache_hits", "cache_misses"):
    print(sum(sum(getattr(one.stats, counts).values()) for one in kernels))
"""


def test_a_second_process_compiles_no_kernel() -> None:
    """A kernel that is made by a factory, or is handed another as an argument, would be compiled in every process."""
    warm_kernels()
    said = subprocess.run([sys.executable, "-c", COUNTED], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    hits, misses = map(int, said.split())
    assert hits > 20 and misses == 0


def state_hash(path: Path) -> str:
    """Return the hash in a record."""
    import h5py

    with h5py.File(path) as file:
        return str(file.attrs["state_sha256"])


CALLER = """
import numpy as np
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.random import RandomStream, draw
from lesionlab.sim.parameters.version import kernel_version, model_version


@kernel
def ask(stream):
    return draw(stream, 5, np.uint32(6))


print(ask(RandomStream(*(np.uint32(word) for word in (1, 2, 3, 4)))), kernel_version(), model_version())
"""


class Copy:
    """A copy of the model in a folder of its own, and what a program that uses it prints."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(ROOT / "sim", folder / "lesionlab" / "sim", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "lesionlab" / "__init__.py", folder / "lesionlab")
        (folder / "caller.py").write_text(CALLER)
        self.folder = folder

    def printed(self) -> tuple[str, str, str]:
        """Return the number drawn, the version of the kernels and that of the model."""
        own = {name: value for name, value in environment(self.folder / "cache").items() if name != "PYTHONPATH"}
        said = subprocess.run([sys.executable, "caller.py"], cwd=self.folder, env=own, capture_output=True, text=True, check=True).stdout
        number, kernels, model = said.rsplit(maxsplit=2)
        return number, kernels, model

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in a source, which must hold it."""
        source = self.folder / "lesionlab" / "sim" / name
        assert old in source.read_text()
        source.write_text(source.read_text().replace(old, new, 1))


@pytest.mark.slow
def test_a_rule_edited_in_a_called_module_is_compiled_anew(tmp_path: Path) -> None:
    """A kernel's own file does not change with the module it calls; its cache must go all the same."""
    model = Copy(tmp_path)
    before = model.printed()
    assert model.printed() == before
    model.edit("numerics/random.py", "_ROUNDS = 10", "_ROUNDS = 9")
    assert model.printed()[0] != before[0]
    model.edit("numerics/random.py", "_ROUNDS = 9", "_ROUNDS = 10")
    assert model.printed() == before


@pytest.mark.slow
def test_a_comment_in_a_verb_changes_no_version_and_one_in_a_process_changes_both(tmp_path: Path) -> None:
    model = Copy(tmp_path)
    before = model.printed()
    for name in ("cli/plot.py", "bench/runs.py", "record/writer.py", "runs/engines.py"):
        model.edit(name, "\n\n", "\n# A remark.\n\n")
    assert model.printed() == before
    compiled = set((tmp_path / "cache").rglob("*.nbc"))
    model.edit("scenario/arms.py", "\n\n", "\n# A remark.\n\n")
    number, kernels, version = model.printed()
    assert (number, kernels) == before[:2] and version != before[2]
    assert set((tmp_path / "cache").rglob("*.nbc")) == compiled
    model.edit("processes/hypoxia.py", "\n\n", "\n# A remark.\n\n")
    assert model.printed()[1] != before[1] and model.printed()[2] not in (before[2], version)
    assert set((tmp_path / "cache").rglob("*.nbc")) > compiled
