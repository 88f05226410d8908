"""The start of the case as the command runs it: `python -m tests.first_run` writes its hash to results/first_run.json.

`make test` begins with it. On a bare machine it compiles every rule, once for all tests, and the hash is that of a cold cache, to which
the tests hold every other way of computing the same.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from lesionlab.sim.parameters.version import kernel_version, model_version

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "results" / "first_run.json"
SMALL = ("neck", "mediastinum", "pelvis")
DAYS = 1.0
OVERRIDES = ["burn_in_d=2", *(f"lesions.{name}.section_cells=1200" for name in SMALL)]


def hash_by_command(threads: int, folder: Path) -> str:
    """Return the hash that `run` prints for the start of the case in a process of its own."""
    settings = [word for override in OVERRIDES for word in ("--set", override)]
    done = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), "run", "case", *settings, "--until", f"{DAYS:g}", "--threads", str(threads), "--force",
         "-o", str(folder / "run.h5")],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return re.findall(r"[0-9a-f]{64}", done.stdout)[-1]


def first_hash() -> str:
    """Return the hash of the first run of this version, computing it where none is kept."""
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    return str(kept["hash"]) if kept.get("version") == _version() else _computed()


def _computed() -> str:
    with tempfile.TemporaryDirectory() as folder:
        found = hash_by_command(1, Path(folder))
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps({"version": _version(), "hash": found}))
    return found


def _version() -> list[str]:
    return [kernel_version(), model_version()]


if __name__ == "__main__":
    _computed()
