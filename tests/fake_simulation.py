"""A substitute for the engine in tests of the code around it: made-up records at once, and every way in which a run can fail.

A scenario's title decides what happens: `fails`, `dies` (its process is killed), `dies once FOLDER`; otherwise it works.
"""

import os
import signal
from pathlib import Path
from typing import Any

from lesionlab.sim.runs.job import STAMP, Job
from lesionlab.sim.scenario.load import scenario_from_text
from lesionlab.sim.scenario.scenario import Scenario
from tests.made_record import LESIONS, make_record
from tests.resealed import resealed

SCENARIO = """
schema: 1
arm: combined
title: a made-up patient
start: 2021-07-06
end: 2022-07-06
lesions:
  neck: {size_cm: [10, 8, 6], measured: 2021-07-06, section_cells: 500}
  pelvis: {size_cm: [3, 2], measured: 2021-07-06, section_cells: 500, role: not_evaluable}
radiotherapy:
  - {lesion: neck, start: 2021-07-06, fractions: 10, volumes: {mass: {dose_per_fraction_gy: 3}}}
drugs:
  toripalimab: {class: anti_pd1, dose_mg: 240, start: 2021-07-06, interval_d: 21, until: 2022-07-06}
  anlotinib: {class: vegfr_tki, dose_mg: 12, start: 2021-08-01, interval_d: 1, until: 2022-07-06}
scans: [2021-07-06, 2021-09-10]
"""


def scenario(*overrides: str) -> Scenario:
    """Return a small patient with all three treatments; overrides as on the command line."""
    return scenario_from_text(SCENARIO, overrides=overrides)


def perform(job: Job, tell: Any = None) -> None:
    """Write a made-up record in the engine's place, and stamp it."""
    title = job.scenario.title or ""
    if title.startswith("fails"):
        raise RuntimeError("the numbers went wrong")
    if title.startswith("dies once"):
        marker = Path(title.removeprefix("dies once ").split(" [")[0]) / "died"
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    elif title.startswith("dies"):
        os.kill(os.getpid(), signal.SIGKILL)
    job.path.parent.mkdir(parents=True, exist_ok=True)
    lesions = tuple(name for name in LESIONS if name in job.scenario.lesions)
    make_record(job.path, job.scenario.arm, replicate=job.replicate, every_d=30.0, snapshot_every_d=180.0, end_d=job.days,
                lesions=lesions)
    with resealed(job.path) as record:
        record.attrs.update({"is_quick": int(job.is_quick), STAMP: job.identity})
    if tell:
        tell(job.days)
