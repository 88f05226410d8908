"""Adding a drug takes one file, adding a class of drugs one process file and one row: tried in a copy of the sources, and run.

Only the files named here differ from the sources. Then record, calendar, legend and factorial arms must know what was added.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lesionlab.analysis.figures import style
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.scenario.load import scenario_from_text
from tests.tiny_arm import UNTREATED

ROOT = Path(__file__).resolve().parents[1]
KEYS = {"clearance_first_ml_per_h": "mL/h", "clearance_steady_ml_per_h": "mL/h", "clearance_half_time_d": "d", "central_volume_l": "L",
        "peripheral_volume_l": "L", "exchange_ml_per_h": "mL/h", "half_effect_ug_per_ml": "ug/mL"}


def drug_file(label: str, drug_class: str) -> str:
    """Return a file of the library with made-up values."""
    values = "".join(f"  {key}: {{value: 3.0, unit: {unit}, evidence: assumed, source: made up}}\n" for key, unit in KEYS.items())
    mass = "{value: 150000.0, unit: g/mol, evidence: assumed, source: made up}"
    return f"label: {label}\nclass: {drug_class}\nmolar_mass: {mass}\npharmacokinetics:\n{values}"


PROCESS = '''"""PD-L1 blockade: an antibody against the ligand leaves as little of the signal as one on the receptor would."""

from typing import NamedTuple

from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.state import State


class Parameters(NamedTuple):
    """None of its own."""


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Count PD-1 without a ligand as occupied."""
    relative = sum(drug.relative_level for drug in state.systemic.drugs if drug.drug_class == "anti_pd_l1")
    state.systemic.pd1_occupancy = 1.0 - (1.0 - state.systemic.pd1_occupancy) / (1.0 + relative)
'''
ROW = '    DrugClass("anti_pd_l1", "anti-PD-L1", pd_l1_blockade, "ligands are blocked before T cells act"),\n'
NEW_FILES = {"treatment/library/madeupmab.yaml": drug_file("made-up-mab", "anti_pd1"),
             "treatment/library/otherumab.yaml": drug_file("other-umab", "anti_pd_l1"), "processes/pd_l1_blockade.py": PROCESS}
SCENARIO = UNTREATED.replace("scalars_every_h: 24", "scalars_every_h: 12") + """
radiotherapy: [{lesion: neck, start: 2021-07-05, fractions: 1, volumes: {mass: {dose_per_fraction_gy: 3}}}]
drugs:
  otherumab: {dose_mg: 240, start: 2021-07-05, interval_d: 21, until: 2021-07-08}
  madeupmab: {dose_mg: 120, start: 2021-07-06, interval_d: 21, until: 2021-07-08}
  anlotinib: {dose_mg: 12, start: 2021-07-05, interval_d: 1, until: 2021-07-08}
"""
TRIED = '''
import json, sys
from pathlib import Path
import lesionlab
assert Path(lesionlab.__file__).is_relative_to(Path.cwd()), lesionlab.__file__
from matplotlib.text import Text
from lesionlab.analysis.comparison.regimen import regimen
from lesionlab.analysis.figures import calendar, standard, style
from lesionlab.analysis.records.record import load
from lesionlab.sim.runs.lifecycle import simulate
from lesionlab.sim.scenario.arms import named_arms
from lesionlab.sim.scenario.load import load_scenario
from lesionlab.sim.schedule import SCHEDULE
scenario = load_scenario("a.yaml")
arms = named_arms(scenario, "factorial")
simulate(scenario, Path("a.h5"), until_d=1.5)
record = load("a.h5")
texts = standard.systemic_figure([record]).findobj(Text)
looks = style.looks_of({arm.arm: [record] for arm in arms})
print(json.dumps({
    "schedule": [row.name for row in SCHEDULE], "drugs": dict(zip(record.drugs, record.drug_classes)), "classes": record.classes,
    "arms": {arm.arm: list(arm.drugs) for arm in arms}, "looks": looks,
    "factors": sorted({one.modality for one in regimen(record).treatments}),
    "calendar": {line.label: (line.detail, line.modality, line.colour) for line in calendar.tracks([record])},
    "texts": sorted({text.get_text() for text in texts}), "times_d": record.time_d.tolist(),
    "occupancy": record.series["pd1_occupancy"].tolist()}))
'''


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run of the copied sources says, with the new files and the new row."""
    here = tmp_path_factory.mktemp("extended")
    shutil.copytree(ROOT / "lesionlab", here / "lesionlab", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in NEW_FILES.items():
        assert not (here / "lesionlab/sim" / name).exists()
        (here / "lesionlab/sim" / name).write_text(text)
    registry = here / "lesionlab/sim/treatment/drug_classes.py"
    text = registry.read_text()
    assert text.count(")\nNAMES = ") == 1 and text.count("import checkpoint_blockade, ") == 1
    registry.write_text(text.replace(")\nNAMES = ", f"{ROW})\nNAMES = ").replace(
        "import checkpoint_blockade, ", "import checkpoint_blockade, pd_l1_blockade, "))
    (here / "a.yaml").write_text(SCENARIO)
    # Its kernels must not stay in the user's cache.
    own = {key: value for key, value in os.environ.items() if key != "LESIONLAB_NUMBA_CACHE"}
    own |= {"PYTHONPATH": str(here), "NUMBA_CACHE_DIR": str(here / "compiled")}
    done = subprocess.run([sys.executable, "-c", TRIED], cwd=here, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_without_the_new_files_the_scenario_is_refused() -> None:
    with pytest.raises(UserError) as caught:
        scenario_from_text(SCENARIO)
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == ["drugs.otherumab", "drugs.madeupmab"]


@pytest.mark.slow
def test_a_drug_of_a_known_class_is_one_file(found: dict[str, Any]) -> None:
    assert found["drugs"]["madeupmab"] == "anti_pd1"
    assert found["calendar"]["anti-PD-1"] == ["made-up-mab 120 mg once", "anti_pd1", style.CLASS_COLOURS[0]]
    assert found["arms"]["anti_pd1"] == ["madeupmab"] and found["looks"]["anti_pd1"][0] == "Anti-PD-1 alone"


@pytest.mark.slow
def test_a_class_is_one_process_and_one_row(found: dict[str, Any]) -> None:
    assert found["schedule"].index("pd_l1_blockade") == found["schedule"].index("vegf_blockade") + 1
    assert found["classes"][-1] == ["anti_pd_l1", "anti-PD-L1", None, [["otherumab", "other-umab"]]]
    assert found["drugs"]["otherumab"] == "anti_pd_l1"


@pytest.mark.slow
def test_the_effect_of_the_new_class_acts_before_any_other_drug_does(found: dict[str, Any]) -> None:
    """Half a day after its dose, and half a day before that of the anti-PD-1 drug, the receptor counts as occupied."""
    occupancy = dict(zip(found["times_d"], found["occupancy"], strict=True))
    assert occupancy[0.0] == 0.0 and occupancy[0.5] > 0.9


@pytest.mark.slow
def test_the_calendar_and_the_legend_name_the_new_class_in_a_colour_of_its_own(found: dict[str, Any]) -> None:
    assert found["calendar"]["other-umab"] == ["other-umab 240 mg once", "anti_pd_l1", style.CLASS_COLOURS[2]]
    assert "other-umab" in found["texts"]
    assert found["looks"]["otherumab"] == ["Other-umab alone", style.CLASS_COLOURS[2], "-"]
    assert found["looks"]["radiotherapy_otherumab"][0] == "Radiotherapy + other-umab"


@pytest.mark.slow
def test_the_factorial_takes_the_new_class_away_like_any_other(found: dict[str, Any]) -> None:
    assert found["factors"] == ["anlotinib", "anti_pd1", "otherumab", "radiotherapy"]
    assert len(found["arms"]) == 2**4
    assert found["arms"]["untreated"] == [] and found["arms"]["otherumab"] == ["otherumab"]
    assert sum("otherumab" in drugs for drugs in found["arms"].values()) == 2**3
