"""`inspect RECORD`: what a record is, how far its run got, how it can be continued, and whether its checkpoint has the recorded hash."""

import json
from argparse import ArgumentParser, Namespace
from math import isfinite
from pathlib import Path
from typing import Any

from lesionlab.analysis.records.record import Record, load
from lesionlab.sim.record.reader import read_run
from lesionlab.sim.record.schema import Attribute
from lesionlab.sim.record.writer import hash_arrays, read_checkpoint

HELP = "show what a record is: status, seed, versions, lesions, committed time, state hash"
ATTRIBUTES = (Attribute.STATUS, Attribute.END_REASON, Attribute.ARM, Attribute.TITLE, Attribute.SEED, Attribute.PATIENT,
              Attribute.REPLICATE, Attribute.IS_QUICK, Attribute.START_DATE, Attribute.END_DATE, Attribute.COMMITTED_TIME,
              Attribute.SCHEMA, Attribute.SCHEMA_VERSION, Attribute.CODE_VERSION, Attribute.STATE_SHA256, Attribute.DISCLAIMER)
PARENT_KEYS = (Attribute.PARENT_RECORD, Attribute.PARENT_ARM, Attribute.PARENT_STATE_SHA256, Attribute.FORK_DAY,
               Attribute.FORK_STATE_SHA256)
LESION_KEYS = ("name", "role", "is_nodal", "is_occult", "baseline_cm")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("record", type=Path, metavar="RECORD", help="the record of a run (HDF5)")
    parser.add_argument("--json", action="store_true", help="one JSON object, with the resolved scenario")


def execute(options: Namespace) -> int:
    """Print what the record is; exit code 1 if it is damaged or its checkpoint does not have the recorded hash.

    Raises:
        RecordError: the record cannot be read.
    """
    description = describe(load(options.record))
    print(json.dumps(description, indent=2) if options.json else as_text(description))
    return 1 if description["is_hash_confirmed"] is False or description["damage"] else 0


def describe(record: "Record") -> dict[str, Any]:
    """Return what `inspect` shows, ready for JSON; `is_hash_confirmed` is None while nothing was committed."""
    facts: dict[str, Any] = {"path": str(record.path)} | {name: record.attributes.get(name) for name in ATTRIBUTES}
    if not isfinite(facts["committed_time_d"]):
        facts["committed_time_d"] = None
    facts["damage"] = list(record.damage)
    facts |= _OF_DAMAGED if record.damage else _of_whole(record, facts["state_sha256"])
    facts["parent"] = {name: record.attributes.get(name) for name in PARENT_KEYS} if Attribute.FORK_DAY in record.attributes else None
    lesions = zip(record.lesions, record.roles, record.nodal, record.occult, record.baseline_cm.tolist(), strict=True)
    facts["lesions"] = [dict(zip(LESION_KEYS, lesion, strict=True)) for lesion in lesions]
    facts["drugs"] = list(record.drugs)
    facts["n_rows"], facts["n_events"] = len(record.time_d), len(record.events)
    facts["provenance"] = _provenance(record)
    facts["scenario_yaml"] = record.scenario_yaml
    return facts


def _provenance(record: "Record") -> dict[str, Any]:
    try:
        facts = json.loads(record.provenance)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _of_whole(record: "Record", state_sha256: str) -> dict[str, Any]:
    """Return how a record can go on, and whether its last state has its hash; None while nothing was committed."""
    run = read_run(record.path)
    is_confirmed = None
    if state_sha256:
        is_confirmed = hash_arrays(read_checkpoint(record.path, is_checked=False)[1]) == state_sha256
    return {"is_hash_confirmed": is_confirmed, "outlook": run.outlook, "kept_checkpoints_d": list(run.kept_d), "continued_with": run.later}


_OF_DAMAGED = {"is_hash_confirmed": False, "outlook": "cannot go on: it is damaged; run its scenario again with --force",
               "kept_checkpoints_d": [], "continued_with": []}


def as_text(facts: dict[str, Any]) -> str:
    """Return a description as aligned lines, without the scenario."""
    lesions = [f"{lesion['name']} ({lesion['role']}{', nodal' * lesion['is_nodal']}{', occult' * lesion['is_occult']}, "
               f"{lesion['baseline_cm']:g} cm)" for lesion in facts["lesions"]]
    confirmed = {True: "agrees with the checkpoint", False: "DOES NOT agree with the checkpoint", None: "nothing committed yet"}
    versions = {"lesionlab": facts["code_version"], **facts["provenance"]}
    lines = {
        "record": facts["path"],
        "status": facts["status"] + (f" ({facts['end_reason']})" if facts["end_reason"] else ""),
        "arm": facts["arm"] + (", quick: small sections" if facts["is_quick"] else ""),
        "title": facts["title"] or "-",
        "seed": f"{facts['seed']}, patient {facts['patient']}, replicate {facts['replicate']}",
        "calendar": f"{facts['start_date']} to {facts['end_date']}",
        "committed": "nothing" if facts["committed_time_d"] is None else
                     f"to day {facts['committed_time_d']:g}: {facts['n_rows']} rows, {facts['n_events']} events",
        "going on": facts["outlook"],
        "kept": "the state of day " + ", ".join(f"{day:g}" for day in facts["kept_checkpoints_d"]) if facts["kept_checkpoints_d"] else "-",
        "forked": "no" if not facts["parent"] else "from {parent_record} ({parent_arm}) on day {fork_day:g}".format(**facts["parent"]),
        "lesions": "; ".join(lesions),
        "drugs": ", ".join(facts["drugs"]) or "none",
        "schema": f"{facts['schema']} {facts['schema_version']}",
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()) + "".join(
            f"; from day {part['from_day']:g} lesionlab {part['code_version']}" for part in facts["continued_with"]),
        "damage": "; ".join(facts["damage"]) or "none seen",
        "state": f"{facts['state_sha256'] or '-'} ({confirmed[facts['is_hash_confirmed']]})",
        "": facts["disclaimer"]}
    return "\n".join(f"{label:<10}{text}" for label, text in lines.items())
