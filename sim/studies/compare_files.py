"""Files of a comparison in its folder: `plan.json` names its records and files, so that the next comparison can remove them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lesionlab.analysis.records.written import write_text
from lesionlab.sim.record.files import is_in_use
from lesionlab.sim.record.reader import root_attributes
from lesionlab.sim.runs.job import STAMP, Job, progress_of

PLAN = "plan.json"


def write_plan(folder: Path, jobs: Sequence[Job], command: str, names: Iterable[str]) -> None:
    """Write the runs of this comparison with the hashes of their inputs, and the names of the other files it wrote."""
    records = [{"record": job.path.relative_to(folder).as_posix(), "arm": job.scenario.arm, "replicate": job.replicate, "days": job.days,
                "is_quick": job.is_quick, "run_identity": job.identity} for job in jobs]
    text = json.dumps({"command": command, "records": records, "files": sorted(names)}, indent=1)
    write_text(folder / PLAN, text + "\n")


def read_plan(folder: Path) -> Mapping[str, Any]:
    """Return the plan of the comparison that wrote into a folder; an empty one where there is none."""
    try:
        plan = json.loads((folder / PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return plan if isinstance(plan, dict) and all(isinstance(plan.get(key, []), list) for key in ("records", "files")) else {}


def remove_old_records(folder: Path, old: Mapping[str, Any], in_use: Iterable[Path]) -> list[Path]:
    """Remove the records that the last comparison made and this one does not use, and return them.

    A complete record is only removed if it is still the very run that the plan names; any other file is left alone.
    """
    staying = {path.resolve() for path in in_use}
    entries = [entry for entry in old.get("records", ()) if isinstance(entry, dict)]
    found = [(_inside(folder, entry.get("record")), entry.get("run_identity")) for entry in entries]
    doomed = [path for path, identity in found if path and path.resolve() not in staying and _is_own(path, identity)]
    for path in doomed:
        path.unlink()
    return doomed


def remove_old_files(folder: Path, old: Mapping[str, Any], written: Iterable[Path]) -> None:
    """Remove the tables, figures and animation of the last comparison that this one did not write again."""
    staying = {path.resolve() for path in written}
    for name in old.get("files", ()):
        path = _inside(folder, name)
        if path is not None and path.resolve() not in staying:
            path.unlink()


def _inside(folder: Path, name: Any) -> Path | None:
    """Return the file of this name below the folder, None if there is none there."""
    path = folder / str(name).replace("\0", "")
    return path if path.resolve().is_relative_to(folder.resolve()) and path.is_file() else None


def _is_own(path: Path, identity: Any) -> bool:
    """Tell whether a file is the run of this identity, or a record that its run did not finish."""
    status, _ = progress_of(path)
    if status != "complete":
        return status.startswith(("running", "interrupted", "failed")) and not is_in_use(path)
    return bool(root_attributes(path).get(STAMP) == identity)
