"""A copy of the program in a folder of its own, to be extended there and run in a process of its own."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from lesionlab.sim.parameters.version import WITH_KERNELS

ROOT = Path(__file__).resolve().parents[1]


class ExtendedCopy:
    """A copy of the program, and which of its files were added or edited."""

    def __init__(self, folder: Path) -> None:
        for part in ("sim", "analysis", "scenarios"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "lesionlab", folder / "lesionlab", symlinks=True)
        shutil.copy(ROOT / "run.py", folder)
        self.folder, self.touched = folder, set[str]()
        self._cache = folder / "cache"

    def add(self, name: str, text: str) -> None:
        """Add a file, which must not be there yet."""
        assert not (self.folder / name).exists()
        (self.folder / name).write_text(text, encoding="utf-8")
        self.touched.add(name)

    def insert(self, name: str, after: str, text: str) -> None:
        """Insert lines behind a line of a file, which must hold it once."""
        path = self.folder / name
        old = path.read_text(encoding="utf-8")
        assert old.count(after) == 1, f"{name} holds {old.count(after)} times: {after}"
        path.write_text(old.replace(after, after + text), encoding="utf-8")
        self.touched.add(name)

    def run(self, *words: str) -> str:
        """Run Python in the copy, as in `run("run.py", "--help")`, and return what it prints."""
        done = subprocess.run([sys.executable, *words], cwd=self.folder, env=self._environment(), capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def warm(self) -> None:
        """Give the copy the kernels that this process's program has compiled already, so that it compiles only its own.

        Numba keeps kernels by the folder of their source, each stamped with what that source holds: those of edited files are
        compiled anew. No extension made here changes what a kernel of another file calls.
        """
        version = self.run("-c", "from lesionlab.sim.parameters.version import kernel_version; print(kernel_version())").strip()
        here = Path(os.environ["NUMBA_CACHE_DIR"])
        for part in ("", *WITH_KERNELS):
            before, after = (_cached(root / "lesionlab/sim" / part) for root in (ROOT, self.folder))
            if (here / before).is_dir():
                shutil.copytree(here / before, self._cache / f"numba-{version}" / after)

    def _environment(self) -> dict[str, str]:
        """Return this process's environment with another place for compiled kernels, and no other copy of the program."""
        kept = {name: value for name, value in os.environ.items() if name not in ("LESIONLAB_NUMBA_CACHE", "PYTHONPATH")}
        # What is compiled for one short run need not be fast.
        return kept | {"NUMBA_CACHE_DIR": str(self._cache), "NUMBA_OPT": "0", "PYTHONPATH": str(self.folder)}


def _cached(folder: Path) -> str:
    """Return the name of the folder in which numba keeps the kernels of a folder of sources."""
    return f"{folder.name}_{hashlib.sha1(str(folder).encode()).hexdigest()}"
