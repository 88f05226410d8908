"""What a record holds, by name, unit and meaning: one HDF5 file per run.

Every other module takes the names from here. Series are declared by what measures them (`sim/measures/series.py`) and stand in the
record with their unit and long name, so that a reader needs no list of them.
"""

from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np

from lesionlab.sim.record.seal import Declared
from lesionlab.sim.state.codes import CellState

SCHEMA = "lesionlab-run"
SCHEMA_VERSION = "1.0.0"
CELL_STATES = " ".join(state.name.lower() for state in CellState)
VESSEL_STATES = "none unperfused perfused"
MISSING = "nan is a missing value: a share, mean or density of what is not there, as in a lesion that has died out"


class Part(StrEnum):
    """Datasets and groups of the root, of a lesion's snapshots (`snapshots/LESION`), and checkpoints."""

    SCENARIO = "scenario_yaml"
    TIME = "time"
    LESION = "lesion"
    LESION_ROLE = "lesion_role"
    LESION_IS_NODAL = "lesion_is_nodal"
    LESION_IS_OCCULT = "lesion_is_occult"
    LESION_BASELINE = "lesion_baseline_cm"
    DRUG = "drug"
    DRUG_CLASS = "drug_class"
    DRUG_LEVEL = "drug_level"
    DRUG_LEVEL_UNIT = "drug_level_unit"
    EVENT = "event"
    EVENT_TIME = "event_time_d"
    SNAPSHOTS = "snapshots"
    SNAPSHOT_TIME = "snapshot_time"
    X = "x"
    Y = "y"
    Z = "z"
    SCALE = "scale"
    CHECKPOINT = "checkpoint"
    CHECKPOINTS = "checkpoints"


class Attribute(StrEnum):
    """Attributes of the root; of a dataset UNITS, LONG_NAME and MISSING_VALUE; of a checkpoint TIME and STATE_SHA256."""

    CONVENTIONS = "Conventions"
    SCHEMA = "schema"
    SCHEMA_VERSION = "schema_version"
    DISCLAIMER = "disclaimer"
    MISSING_VALUES = "missing_values"
    SEAL = "seal"
    ARM = "arm"
    TITLE = "title"
    SEED = "seed"
    PATIENT = "patient"
    REPLICATE = "replicate"
    IS_QUICK = "is_quick"
    START_DATE = "start_date"
    END_DATE = "end_date"
    UNTIL = "until_d"
    DETECTION_LIMIT = "detection_limit_cm"
    CODE_VERSION = "code_version"
    PROVENANCE = "provenance"
    CONTINUED_WITH = "continued_with"
    STATUS = "status"
    END_REASON = "end_reason"
    COMMITTED_TIME = "committed_time_d"
    STATE_SHA256 = "state_sha256"
    RUN_IDENTITY = "run_identity"
    DRUG_CLASSES = "drug_classes"
    FORK_DAY = "fork_day"
    FORK_STATE_SHA256 = "fork_state_sha256"
    PARENT_RECORD = "parent_record"
    PARENT_ARM = "parent_arm"
    PARENT_STATE_SHA256 = "parent_state_sha256"
    PARENT_SCENARIO = "parent_scenario_yaml"
    UNITS = "units"
    LONG_NAME = "long_name"
    MISSING_VALUE = "missing_value"
    TIME = "time_d"


class Variable(NamedTuple):
    """One dataset: its name, the type of its values, unit ("" for text), meaning, and whether it is a field, which compresses little."""

    name: str
    dtype: Any
    unit: str
    long_name: str
    is_field: bool = False


LESION_COLUMNS = (
    Variable(Part.LESION_ROLE, str, "", "target, non_target or not_evaluable"),
    Variable(Part.LESION_IS_NODAL, np.uint8, "1", "1 for a lymph node"),
    Variable(Part.LESION_IS_OCCULT, np.uint8, "1", "1 if not known at the start"),
    Variable(Part.LESION_BASELINE, np.float64, "cm", "size at the start"))
DRUG_COLUMNS = (
    Variable(Part.DRUG_CLASS, str, "", "class of the drug"),
    Variable(Part.DRUG_LEVEL_UNIT, str, "", "unit of drug_level"))
EVENT_COLUMNS = (
    Variable(Part.EVENT_TIME, np.float64, "d", "time of the event since the start"),
    Variable("event_kind", str, "", "fraction, dose, scan or lethal_burden"),
    Variable("event_lesion", str, "", "lesion the event belongs to, empty if none"),
    Variable("event_label", str, "", "course or drug the event belongs to"),
    Variable("event_value", np.float64, "1", "fraction: Gy to the mass; dose: mg; otherwise nan"),
    Variable("event_value_core", np.float64, "Gy", "fraction: dose to the core, nan if the course has none"))
SNAPSHOT_AXES: tuple[str, ...] = (Part.SNAPSHOT_TIME, Part.Z, Part.Y, Part.X)
SNAPSHOT_FIELDS = (
    Variable("cell_state", np.uint8, "1", "state of the site's tumour cell"),
    Variable("oxygen", np.float32, "mmHg", "oxygen partial pressure, 10 mantissa bits", is_field=True),
    Variable("t_cells", np.uint8, "1", "T cells at the site"),
    Variable("vessels", np.uint8, "1", "vessel at the site"))
SNAPSHOT_SCALE = Variable(Part.SCALE, np.float64, "1", "clinical length per length in the section")


def _kind(variable: Variable) -> str:
    return "text" if variable.dtype is str else "number"


DECLARED = Declared(
    attributes={
        **dict.fromkeys((Attribute.ARM, Attribute.CODE_VERSION, Attribute.STATUS, Attribute.END_REASON, Attribute.STATE_SHA256), "text"),
        **dict.fromkeys((Attribute.REPLICATE, Attribute.SEED, Attribute.IS_QUICK), "whole"),
        **dict.fromkeys((Attribute.START_DATE, Attribute.END_DATE), "date"),
        Attribute.COMMITTED_TIME: "number", Attribute.PATIENT: "whole?",
        **dict.fromkeys((Attribute.UNTIL, Attribute.FORK_DAY, Attribute.DETECTION_LIMIT), "number?"),
        **dict.fromkeys((Attribute.TITLE, Attribute.DISCLAIMER, Attribute.PROVENANCE, Attribute.DRUG_CLASSES, Attribute.CONTINUED_WITH,
                         Attribute.RUN_IDENTITY, Attribute.PARENT_RECORD, Attribute.PARENT_ARM, Attribute.PARENT_STATE_SHA256,
                         Attribute.PARENT_SCENARIO, Attribute.FORK_STATE_SHA256), "text?")},
    datasets={
        Part.SCENARIO: ("text", ()), Part.TIME: ("number", (Part.TIME,)), Part.EVENT: ("number", (Part.EVENT,)),
        Part.LESION: ("text", (Part.LESION,)), Part.DRUG: ("text", (Part.DRUG,)),
        **{column.name: (_kind(column), (Part.LESION,)) for column in LESION_COLUMNS},
        **{column.name: (_kind(column), (Part.DRUG,)) for column in DRUG_COLUMNS},
        **{column.name: (_kind(column), (Part.EVENT,)) for column in EVENT_COLUMNS}},
    pictures={
        **{axis: ("number", (axis,)) for axis in SNAPSHOT_AXES}, SNAPSHOT_SCALE.name: ("number", (Part.SNAPSHOT_TIME,)),
        **{field.name: ("number", SNAPSHOT_AXES) for field in SNAPSHOT_FIELDS}})
"""The contents that a record must have to be read."""
