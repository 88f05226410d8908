"""Kills at random moments over `run`, `compare`, `sweep` and their workers: nothing is lost, and nothing is left lying about.

    python -m tests.kills --kills 200

Each round begins a verb in a folder of its own, kills it (or one of its workers, or all of them) by SIGKILL at a random moment, looks at
every file that is there, and begins the same verb again, until it comes to its end. Then the records must hold the very bytes of those of
a verb that was left alone, and the folder the same names; the folder for temporary files must be empty.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from lesionlab.analysis.records.record import load
from lesionlab.sim import cli
from lesionlab.sim.record.reader import read_checkpoint, read_run
from lesionlab.sim.record.seal import examine
from lesionlab.sim.runs import reporters
from lesionlab.sim.runs.engines import warm_kernels
from tests.same_record import differences

ROOT = Path(__file__).resolve().parents[1]
PATIENT = """
schema: 1
arm: tiny
start: 2021-07-05
end: 2021-07-09
seed: 7
burn_in_d: 1
lesions: {neck: {size_cm: [4, 3], measured: 2021-07-05, section_cells: 500}}
scans: [2021-07-05, 2021-07-08]
radiotherapy: [{lesion: neck, start: 2021-07-06, fractions: 2, volumes: {mass: {dose_per_fraction_gy: 3}}}]
drugs: {toripalimab: {class: anti_pd1, dose_mg: 240, start: 2021-07-05, interval_d: 21, until: 2021-07-08}}
output: {scalars_every_h: 6, snapshots_every_d: 1}
"""
DESIGN = "scenario: patient.yaml\ngrid: {seed: [1, 2]}\n"
VERBS = {
    "run": ["run", "patient.yaml", "-o", "out/a.h5"],
    "compare": ["compare", "patient.yaml", "untreated.yaml", "--no-animation", "--engine", "serial", "--force", "-o", "out"],
    "compare_workers": ["compare", "patient.yaml", "untreated.yaml", "--no-animation", "--engine", "local", "--workers", "2", "--force",
                        "-o", "out"],
    "workers": ["sweep", "run", "design.yaml", "--engine", "local", "--workers", "2", "-o", "out"],
    "sweep": ["sweep", "run", "design.yaml", "--engine", "serial", "-o", "out"],
}

_BROKEN = 70
"""Exit code of a verb that ended in an exception, which none may."""


class Child:
    """A verb in a process of its own: forked from this one, which has everything loaded, so that it begins at once."""

    def __init__(self, words: list[str], folder: Path) -> None:
        """Begin; what it says goes to `said`, beside the folder."""
        self.said, self.returncode = folder.with_suffix(".said"), None
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            code = _BROKEN
            try:
                code = _perform(words, folder, self.said)
            except BaseException:  # noqa: BLE001 - it must not go on as a second search, which would clear the first one's folder
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self) -> str:
        """Return what it said, once it has ended."""
        while self.poll() is None:
            time.sleep(0.02)
        return self.said.read_text() if self.said.exists() else ""


def _perform(words: list[str], folder: Path, said: Path) -> int:
    os.setsid()
    os.chdir(folder)
    os.environ |= {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "temporary")}
    tempfile.tempdir = None
    descriptor = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Commits at short intervals, so that kills fall into them.
    reporters.COMMIT_EVERY_S, reporters.LARGEST_COMMIT_SHARE = 0.3, 1e9
    return cli.main(words)


def begin(verb: str, folder: Path) -> Child:
    """Begin a verb, or go on with it, in a folder; its temporary files have a folder too."""
    (folder / "temporary").mkdir(parents=True, exist_ok=True)
    (folder / "out").mkdir(exist_ok=True)
    (folder / "patient.yaml").write_text(PATIENT)
    (folder / "untreated.yaml").write_text("schema: 1\nextends: patient.yaml\nradiotherapy: null\ndrugs: null\n")
    (folder / "design.yaml").write_text(DESIGN)
    goes_on = verb == "run" and (folder / "out/a.h5").exists()
    return Child(["resume", "out/a.h5"] if goes_on else VERBS[verb], folder)


def below(process: int) -> list[int]:
    """Return the processes that descend from one, as the system lists them."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(pid): int(above) for pid, above in (line.split() for line in listed.splitlines())}
    found = [process]
    for one in found:
        found += [pid for pid, above in parents.items() if above == one]
    return found[1:]


def kill(process: Child, how: str, stream: random.Random) -> None:
    """Kill the verb, all of its processes, or one worker of it."""
    workers = below(process.pid)
    victims = {"worker": [stream.choice(workers)] if workers else [], "all": [process.pid, *workers]}.get(how, [process.pid])
    for victim in victims:
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            continue


def records_in(folder: Path) -> dict[str, Path]:
    """Return the records of a folder by their names below it."""
    return {path.relative_to(folder).as_posix(): path for path in sorted((folder / "out").rglob("*.h5"))}


def look_at(folder: Path, faults: Counter[str]) -> None:
    """Read every record that a kill left: it opens, its seal holds, and its checkpoint has its hash."""
    for name, path in records_in(folder).items():
        try:
            run = read_run(path)
            load(path)
            if not examine(path).is_sealed:
                faults[f"no seal: {name}"] += 1
            if run.committed_d is not None:
                read_checkpoint(path)
        except Exception as error:  # noqa: BLE001 - whatever is raised counts as a record lost
            faults[f"lost: {name}: {error}"] += 1


def names_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def compare_with(whole: Path, folder: Path, faults: Counter[str]) -> None:
    """Compare what a verb that was killed left at its end with what one that was left alone did."""
    expected, found = records_in(whole), records_in(folder)
    for name in expected.keys() | found.keys():
        if name not in expected or name not in found:
            faults[f"missing or more: {name}"] += 1
        elif differing := differences(expected[name], found[name]):
            faults[f"other bytes: {name}: {differing[:3]}"] += 1
    if left := names_of(folder) - names_of(whole):
        faults[f"left lying about: {sorted(left)}"] += 1
    if left := set(os.listdir(folder / "temporary")) - {"dask-scratch-space"}:
        faults[f"left in the temporary folder: {sorted(left)}"] += 1


def search(verb: str, n_kills: int, base: Path, stream: random.Random) -> tuple[Counter[str], Counter[str]]:
    """Kill a verb so many times; return how the kills fell and what was at fault."""
    faults: Counter[str] = Counter()
    fell: Counter[str] = Counter()
    whole, folder = base / f"{verb}_whole", base / f"{verb}_killed"
    started = time.monotonic()
    process = begin(verb, whole)
    said = process.wait()
    lasts_s = time.monotonic() - started
    if process.returncode:
        raise RuntimeError(f"{verb} fails when it is left alone: {said[-500:]}")
    while sum(fell[how] for how in ("all", "alone", "worker")) < n_kills:
        process = begin(verb, folder)
        time.sleep(stream.uniform(0.02, 1.0) * lasts_s)
        how = stream.choice(("all", "alone", "worker") if verb.endswith("workers") else ("all",))
        if process.poll() is None:
            workers = below(process.pid)
            kill(process, how, stream)
            fell[how] += 1
            said = process.wait()
            if process.returncode == _BROKEN:
                faults[f"a traceback: {said[-1500:]}"] += 1
            _until_gone(workers if how != "worker" else [])
        fell["leaving a draft until the next start"] += any(".writing" in name for name in names_of(folder))
        look_at(folder, faults)
        if process.returncode == 0 or stream.random() < 0.2:
            finish(verb, folder, whole, faults)
    finish(verb, folder, whole, faults)
    return fell, faults


def _until_gone(workers: list[int]) -> None:
    """Wait until workers have noticed that no process is left to work for."""
    until = time.monotonic() + 60.0
    while time.monotonic() < until and any(os.path.exists(f"/proc/{worker}") for worker in workers):
        time.sleep(0.1)


def finish(verb: str, folder: Path, whole: Path, faults: Counter[str]) -> None:
    """Let a verb come to its end, compare what it left, and clear the folder."""
    for _ in range(5):
        process = begin(verb, folder)
        said = process.wait()
        if process.returncode == 0 or "is complete" in said:
            break
        if process.returncode == _BROKEN:
            faults[f"a traceback: {said[-1500:]}"] += 1
        time.sleep(1.0)
    else:
        faults[f"does not come to its end: {said.strip().splitlines()[-1:]}"] += 1
    compare_with(whole, folder, faults)
    shutil.rmtree(folder)
    folder.with_suffix(".said").unlink(missing_ok=True)


SHARES = {"run": 35, "sweep": 35, "compare": 18, "compare_workers": 4, "workers": 8}
"""Of the kills; those with workers take longest."""


def main() -> int:
    """Kill as often as the command line asks; return 1 if anything was at fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--verbs", nargs="+", choices=list(VERBS), default=list(VERBS))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    n_faults = 0
    # Loads every compiled rule once, for all that is forked from here.
    warm_kernels()
    with tempfile.TemporaryDirectory() as base:
        for number, verb in enumerate(options.verbs):
            shares = [SHARES[verb] for verb in options.verbs]
            before, after = (round(options.kills * sum(shares[:end]) / sum(shares)) for end in (number, number + 1))
            n_kills = after - before
            fell, faults = search(verb, n_kills, Path(base), random.Random(f"{verb} {options.seed}"))
            sys.stdout.write(f"{verb}: {n_kills} kills {dict(fell)}; faults {dict(faults)}\n")
            sys.stdout.flush()
            n_faults += faults.total()
    return 1 if n_faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
