"""Runs that are killed at random moments, also while they commit: every record opens, and every run ends as if it had been left alone.

LESIONLAB_KILLS=50 python -m pytest -s tests/record/test_kills.py    kills 50 times; without it a few times.
`python -m tests.kills` kills `run`, `compare`, `sweep` and their workers.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lesionlab.analysis.records.record import load, load_snapshots
from lesionlab.sim.record.files import left_behind
from lesionlab.sim.record.reader import read_run
from lesionlab.sim.record.writer import hash_arrays, read_checkpoint
from lesionlab.sim.runs.lifecycle import finish, resumed
from tests.same_record import differences

N_KILLS = int(os.environ.get("LESIONLAB_KILLS", "3"))
RUN = """
import signal
import sys
from lesionlab.sim.record.reader import read_run
from lesionlab.sim.runs import reporters
from lesionlab.sim.runs.engines import warm_kernels
from lesionlab.sim.runs.lifecycle import finish, resumed, simulate
from lesionlab.sim.scenario.load import scenario_from_text
from tests.tiny_arm import TREATED
signal.signal(signal.SIGINT, signal.default_int_handler)
warm_kernels()
reporters.COMMIT_EVERY_S, reporters.LARGEST_COMMIT_SHARE = -1.0, 1e9
print("begun", flush=True)
if sys.argv[2] == "resume":
    finish(resumed(read_run(sys.argv[1])))
else:
    simulate(scenario_from_text(TREATED), sys.argv[1])
"""


def begin(path: Path, verb: str) -> subprocess.Popen[str]:
    """Start a run in a process of its own and return when the run itself begins."""
    command = [sys.executable, "-c", RUN, str(path), verb]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def check_is_readable(path: Path) -> float:
    """Return the day to which a killed run's record goes; all that it holds ends there together."""
    record, run = load(path), read_run(path)
    assert run.attributes["status"] in ("running", "complete")
    if run.committed_d is None:
        assert len(record.time_d) == len(record.events) == 0
        return -1.0
    time_d, arrays = read_checkpoint(path)
    assert time_d == run.committed_d and hash_arrays(arrays) == run.attributes["state_sha256"]
    assert record.time_d.tolist() == [float(day) for day in range(int(time_d) + 1)]
    assert load_snapshots(path, "neck").time_d.tolist() == record.time_d.tolist()
    assert "goes on from day" in run.outlook or "complete" in run.outlook
    return time_d


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """The record of a run that was left alone, and how long it took in seconds."""
    path = tmp_path_factory.mktemp("alone") / "whole.h5"
    process, started = begin(path, "run"), time.monotonic()
    assert process.wait() == 0
    return path, time.monotonic() - started


@pytest.mark.slow
def test_a_run_killed_at_any_moment_can_be_read_and_ends_in_the_same_bytes(alone: tuple[Path, float], tmp_path: Path) -> None:
    (whole, lasts_s), path, stream = alone, tmp_path / "run.h5", random.Random(20210706)
    reached, n_cut_off = [], 0
    for n_left in reversed(range(N_KILLS)):
        process = begin(path, "resume" if path.exists() else "run")
        time.sleep(stream.uniform(0.0, 0.9 * lasts_s))
        process.kill()
        assert process.wait() in (-signal.SIGKILL, 0)
        if not path.exists():
            continue
        reached.append(check_is_readable(path))
        n_cut_off += len(left_behind(path))
        is_complete = read_run(path).attributes["status"] == "complete"
        # Half of the runs are killed once more while they go on.
        if is_complete or n_left == 0 or stream.random() < 0.5:
            if not is_complete:
                finish(resumed(read_run(path)))
            assert differences(whole, path) == []
            assert os.listdir(tmp_path) == ["run.h5"]
            path.unlink()
    days = sorted(round(day, 2) for day in reached)
    sys.stdout.write(f"{N_KILLS} kills, {len(reached)} with a record, {n_cut_off} during a commit; days {days}\n")


def test_ctrl_c_leaves_a_record_that_goes_on(alone: tuple[Path, float], tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    process = begin(path, "run")
    while not path.exists() or not (read_run(path).committed_d or 0.0) > 0.5:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait() != 0
    assert read_run(path).attributes["status"] == "interrupted"
    finish(resumed(read_run(path)))
    assert differences(alone[0], path) == []
    assert os.listdir(tmp_path) == ["run.h5"]
