"""Inputs gone wrong, by the thousand: mutated scenarios, `--set` strings, sweep designs and damaged records.

    python -m tests.fuzz --scenarios 10000 --sets 1000 --designs 500 --records 500

Each input must end in an answer or in one of the two errors that become one message, and soon; a damaged record must be reported by
`inspect`, refused by `resume`, and marked by `plot`, `export` and `compare`. Inputs are tried in batches, each in a process of its own,
so that what aborts or hangs is counted and does not end the search. A seed and a number name every input again.
"""

import argparse
import json
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
from collections.abc import Callable
from pathlib import Path

from lesionlab.sim.record import seal

ROOT = Path(__file__).resolve().parents[1]
CORPUS = (
    "<<: {a: 1}", "? [a, b]\n: 1", '"[x]": 1', '"<one>": x', 'seed: !!int ""', "a: !!bool", 'title: "a\\0b"', 'title: "\\ud800"',
    "note: &a [*a]", "seed: .nan", "patient: 1e400", "seed: 0x" + "f" * 5000, "start: 0000-00-00", "end: 99999-01-01", "%TAG ! x",
    "--- a\n--- b", "lesions: [1, 2]", "lesions: {}", "drugs: {x: null}", "radiotherapy: {}", "radiotherapy: [[]]", "scans: [today]",
    "extends: .", 'extends: "a\\0b"', "evidence: {a: b}", "\t", "a: 'b", "a: |2\n b", "!!python/object x: 1", "mechanisms: {memory: maybe}",
    "output: {checkpoints: [2021-02-30]}", "burn_in_d: -1", "time_step_h: 0", "note: " + "[" * 500, "\ufeffa: 1", "a: \u2028b")
BITS = (
    "null", "true", "-1", "0", "1e308", ".inf", ".nan", "''", "[]", "{}", "~", "2021-02-29", "!!int x", "*a", "&a b", "<<", "? ", "- ",
    ": ", "#", "\\", '"', "'", "\n", "  ", "\t", "é", "\u0000", "\ud83d", "99999999999999999999", "0x1F", "0o17", "1_000", "[key]", "<map>")
SLOW_S = 20.0


def mutated(text: str, stream: random.Random) -> str:
    """Return a text with a few random changes: characters, words, lines, values, indents, pieces of the corpus."""
    for _ in range(stream.randint(1, 5)):
        lines = text.split("\n")
        row = stream.randrange(len(lines))
        kind = stream.randrange(8)
        if kind == 0:
            place = stream.randrange(len(text) + 1)
            text = text[:place] + stream.choice(BITS) + text[place:]
        elif kind == 1:
            first = stream.randrange(len(text) + 1)
            text = text[:first] + text[first + stream.randint(1, 12):]
        elif kind == 2:
            lines.insert(row, stream.choice(CORPUS))
        elif kind == 3 and ":" in lines[row]:
            lines[row] = f"{lines[row].split(':')[0]}: {stream.choice(BITS)}"
        elif kind == 4:
            lines.insert(row, lines[stream.randrange(len(lines))])
        elif kind == 5:
            del lines[row]
        elif kind == 6:
            lines[row] = " " * stream.randint(0, 6) + lines[row].strip()
        else:
            words = lines[row].split(" ")
            words[stream.randrange(len(words))] = stream.choice(BITS)
            lines[row] = " ".join(words)
        text = "\n".join(lines) if kind >= 2 else text
    return text


def scenarios() -> list[str]:
    """Return the texts that are mutated: the tests' own, which has all parts, and those that come with LesionLab."""
    from tests.tiny_arm import TREATED

    return [TREATED] * 40 + [*(path.read_text(encoding="utf-8") for path in sorted((ROOT / "scenarios").glob("*.yaml")))]


def try_scenario(stream: random.Random, folder: Path) -> str:
    """Load a mutated scenario from its file; return how it ended."""
    from lesionlab.sim.scenario.load import load_scenario

    path = folder / "mutant.yaml"
    path.write_bytes(mutated(stream.choice(scenarios()), stream).encode("utf-8", "surrogatepass"))
    load_scenario(path)
    return "accepted"


PATHS = (
    "seed", "title", "arm", "lesions.neck.size_cm", "lesions.neck.size_cm[0]", "lesions.neck", "radiotherapy[0].fractions",
    "radiotherapy[9]", "drugs.anlotinib", "drugs.x.dose_mg", "mechanisms.memory", "cell_cycle.cycle_time_h", "scans[0]", "extends", "",
    "a b", "[0]", "..", "neck.")


def try_set(stream: random.Random, folder: Path) -> str:
    """Apply a random `path=value`; return how it ended."""
    from lesionlab.sim.scenario.load import scenario_from_text
    from tests.tiny_arm import TREATED

    value = "".join(stream.choice([*BITS, *CORPUS, "a", "b", " ", "1", ".5", "=", "[1, 2]", "{a: 1}"]) for _ in range(stream.randint(0, 4)))
    equals = stream.choice(["=", "=", "=", "=", "", "=="])
    scenario_from_text(TREATED, overrides=[f"{stream.choice(PATHS)}{equals}{value}"])
    return "accepted"


DESIGN = """
scenario: tiny.yaml
arms: monotherapy
grid:
  cell_cycle.cycle_time_h: [30, 36]
  seed: [1, 2]
list:
  - {lesions.neck.section_cells: 600, title: "a: b # c"}
  - {title: 'é "x" \\'}
replicates: 2
"""


def try_design(stream: random.Random, folder: Path) -> str:
    """Spell out a mutated design; return how it ended."""
    from lesionlab.sim.studies.sweep import expand
    from tests.tiny_arm import TREATED

    (folder / "tiny.yaml").write_text(TREATED)
    (folder / "design.yaml").write_bytes(mutated(DESIGN, stream).encode("utf-8", "surrogatepass"))
    expand(folder / "design.yaml", folder / "out")
    return "accepted"


def damage(path: Path, stream: random.Random) -> str:
    """Damage a record in one way; return which."""
    content = bytearray(path.read_bytes())
    kind = stream.choice(("bit", "bit", "head", "cut", "zeros", "structure", "structure"))
    if kind in ("bit", "head"):
        content[stream.randrange(min(len(content), 4096 if kind == "head" else len(content)))] ^= 1 << stream.randrange(8)
    elif kind == "cut":
        content = content[:stream.randrange(len(content))]
    elif kind == "zeros":
        first = stream.randrange(len(content))
        if not any(content[first:first + 512]):
            first = 0
        content[first:first + 512] = bytes(len(content[first:first + 512]))
    if kind != "structure":
        path.write_bytes(content)
        return kind
    return _change_structure(path, stream)


def _change_structure(path: Path, stream: random.Random) -> str:
    """Delete, retype, reshape or link a part of a record, as another tool could; of one as written, without a seal, or of 0.1.0."""
    import h5py
    import numpy as np

    from tests.resealed import as_of_first_version

    whose = stream.choice(("sealed", "unsealed", "first"))
    if whose == "first":
        as_of_first_version(path)
    with h5py.File(path, "r+") as file:
        if whose == "unsealed":
            del file.attrs["seal"]
        names: list[str] = []
        file.visit(names.append)
        name = stream.choice([*names, *(["checkpoint"] * 5), "time", "lesion", "event_kind", "scenario_yaml"])
        kind = stream.choice(("delete", "group", "text", "shape", "soft", "external", "raw", "huge", "attribute", "itself"))
        if kind == "attribute":
            attribute = stream.choice(list(file.attrs))
            del file.attrs[attribute]
            if stream.random() < 0.7:
                file.attrs[attribute] = stream.choice([0, "x", [1, 2], np.nan, b"\xff", ""])
        elif kind == "itself":
            file["checkpoint/again"] = file["/"]
        else:
            del file[name]
            made: dict[str, Callable[[], object]] = {
                "delete": lambda: None, "group": lambda: file.create_group(name), "text": lambda: file.create_dataset(name, data="text"),
                "shape": lambda: file.create_dataset(name, data=np.zeros((2, 3, 1))),
                "soft": lambda: file.__setitem__(name, h5py.SoftLink(f"/{name}")),
                "external": lambda: file.__setitem__(name, h5py.ExternalLink("other.h5", "/x")),
                "raw": lambda: file.create_dataset(name, (10,), "u1", external=[("/etc/passwd", 0, 10)]),
                "huge": lambda: file.create_dataset(name, (10**12,), "f8", chunks=(1000,))}
            made[kind]()
    return f"{whose}: {kind} {name}" if kind != "attribute" else f"{whose}: attribute {attribute}"


def try_record(stream: random.Random, folder: Path) -> str:
    """Damage a record and give it to the verbs; return the kind of damage, or what was accepted without a word."""
    import contextlib
    import io

    from lesionlab.sim.cli import main

    path = folder / "a.h5"
    shutil.copyfile(folder.parent / "whole.h5", path)
    kind = damage(path, stream)
    said: dict[str, tuple[int, str]] = {}
    for verb in (["inspect", "a.h5"], ["resume", "a.h5", "--force", "--until", "2"], ["export", "a.h5", "--to", "csv", "--force"],
                 *([["plot", "a.h5", "-o", "a.png", "--force"], ["compare", "a.h5", "--no-animation", "--force", "-o", "out"]]
                   if stream.random() < 0.04 else [])):
        text = io.StringIO()
        with contextlib.chdir(folder), contextlib.redirect_stderr(text), contextlib.redirect_stdout(text):
            said[verb[0]] = main(verb), text.getvalue()
    is_reported = said["inspect"][0] != 0
    outputs = [ended for verb, ended in said.items() if verb not in ("inspect", "resume")]
    is_marked = all(code == 2 or (code == 1 and "damaged" in text) for code, text in outputs)
    # Version 0.1.0 wrote no seal: what its records lost leaves no trace, so none of them goes on.
    if said["resume"][0] != 2 or not (kind.startswith("first") or (is_reported and is_marked)):
        return f"ACCEPTED {kind}: {said}"
    return f"told: {kind.split(':')[0]}"


KINDS: dict[str, tuple[Callable[[random.Random, Path], str], int]] = {
    "scenarios": (try_scenario, 500), "sets": (try_set, 250), "designs": (try_design, 25), "records": (try_record, 50)}


def one(kind: str, seed: int, number: int, folder: Path) -> str:
    """Try one input; return how it ended, in which TRACEBACK and SLOW are faults."""
    from lesionlab.analysis.records.errors import RecordError
    from lesionlab.sim.parameters.errors import UserError

    began, worked = time.monotonic(), time.process_time()
    try:
        ended = KINDS[kind][0](random.Random(f"{kind} {seed} {number}"), folder)
    except (UserError, RecordError) as error:
        ended = "refused" if str(error).strip() else "TRACEBACK an empty message"
    except BaseException as error:  # noqa: BLE001 - any exception is a finding
        frame = traceback.extract_tb(error.__traceback__)[-1]
        ended = f"TRACEBACK {type(error).__name__}: {str(error)[:80]} ({Path(frame.filename).name}:{frame.lineno})"
    # A machine that others use as well is slow for an input that is not; what only waits is slow too.
    is_slow = time.process_time() - worked > SLOW_S or time.monotonic() - began > 10.0 * SLOW_S
    return f"SLOW {ended}" if is_slow and kind != "records" else ended


def _forked(command: list[str], timeout: float, **_: object) -> subprocess.CompletedProcess[bytes]:
    """Examine a record as `seal` does, in a process forked from this one: a fresh one takes longer."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(int(timeout))
        os.write(writing, json.dumps(seal._answer_probe(command[-1])).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        seen = file.read()
    return subprocess.CompletedProcess(command, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen, b"")


def batch(kind: str, seed: int, numbers: range, folder: Path) -> None:
    """Try some inputs in this process, a line of JSON each."""
    own = folder / f"{kind}_{numbers.start}"
    own.mkdir(exist_ok=True)
    seal.subprocess = argparse.Namespace(run=_forked, TimeoutExpired=subprocess.TimeoutExpired)  # type: ignore[attr-defined]
    for number in numbers:
        sys.stdout.write(json.dumps([number, one(kind, seed, number, own)]) + "\n")
        sys.stdout.flush()
    shutil.rmtree(own, ignore_errors=True)


def search(kind: str, seed: int, n: int, folder: Path) -> Counter[str]:
    """Try n inputs of a kind, a process a batch; return how often each end came, and print every fault with its number."""
    ends: Counter[str] = Counter()
    first = 0
    while first < n:
        numbers = range(first, min(n, first + KINDS[kind][1]))
        command = [sys.executable, "-m", "tests.fuzz", "--batch", kind, "--seed", str(seed), "--from", str(first),
                   "--to", str(numbers.stop), "--folder", str(folder)]
        try:
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60 + 20 * len(numbers), check=False)
            seen, died = done.stdout, f"DIED with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}" if done.returncode else ""
        except subprocess.TimeoutExpired as error:
            seen, died = (error.stdout or b"").decode(), "HUNG"
        results = [json.loads(line) for line in seen.splitlines() if line.startswith("[")]
        if died:
            results.append([results[-1][0] + 1 if results else first, died])
        for number, end in results:
            if end.split()[0] in ("TRACEBACK", "SLOW", "ACCEPTED", "DIED", "HUNG"):
                sys.stdout.write(f"{kind} {number} (seed {seed}): {end}\n")
            ends[end.split()[0] if end.split()[0].isupper() else end] += 1
        first = results[-1][0] + 1 if results else numbers.stop
    return ends


def whole_record(folder: Path) -> None:
    """Write the record that is damaged: a tiny run of the true model, complete to its first day."""
    from lesionlab.sim.runs.lifecycle import simulate
    from lesionlab.sim.scenario.load import scenario_from_text
    from tests.tiny_arm import TREATED

    simulate(scenario_from_text(TREATED), folder / "whole.h5", until_d=1.0, is_forced=True)


def main() -> int:
    """Search as the command line asks; return 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    for kind in KINDS:
        parser.add_argument(f"--{kind}", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", choices=list(KINDS), help=argparse.SUPPRESS)
    parser.add_argument("--from", type=int, dest="first", default=0, help=argparse.SUPPRESS)
    parser.add_argument("--to", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.batch:
        batch(options.batch, options.seed, range(options.first, options.to), options.folder)
        return 0
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        if options.records:
            whole_record(Path(folder))
        for kind in KINDS:
            n = getattr(options, kind)
            if n:
                began = time.monotonic()
                ends = search(kind, options.seed, n, Path(folder))
                sys.stdout.write(f"{n} {kind}: {dict(ends.most_common())}, {time.monotonic() - began:.0f} s\n")
                sys.stdout.flush()
                faults += sum(count for end, count in ends.items() if end.isupper())
    return 1 if faults else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(ROOT))
    raise SystemExit(main())
