"""Extending the program is short: a cell type, an output series and a verb, each in a copy and by the files that CONTRIBUTING.md names.

A cell type is a table, a process file and a row of the schedule; an output series is one function; a verb is one file.
"""

import csv
import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from lesionlab.analysis.comparison.comparison import compare
from lesionlab.analysis.comparison.findings import find
from lesionlab.analysis.figures.standard import plot
from lesionlab.analysis.records.export import write_csv
from lesionlab.analysis.records.record import Record, load
from lesionlab.analysis.report.summary import write
from lesionlab.sim.measures.series import MEASURES
from tests.extended_copy import ExtendedCopy
from tests.made_record import make_record
from tests.tiny_arm import TREATED

N_MACROPHAGES = 20
TABLE = '''"""Macrophages of a section."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from lesionlab.sim.state.agent_table import AgentTable
from lesionlab.sim.state.declaration import column


@dataclass(kw_only=True)
class Macrophages(AgentTable):
    """Macrophages of one section."""

    site: Annotated[np.ndarray, column(np.int32, "1", "flat index of the site")]
    id: Annotated[np.ndarray, column(np.uint32, "1", "identity, part of the key of its random draws")]
    met: Annotated[np.ndarray, column(np.uint16, "1", "hours that it stood on a site with a tumour cell")]
'''
PROCESS = f'''"""Macrophages: a fixed number drifts about at random, one step to a drawn neighbour each step."""

from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.measures.measured_section import MeasuredSection
from lesionlab.sim.measures.registry import of_lesion
from lesionlab.sim.numerics.lattice import neighbour
from lesionlab.sim.numerics.random import draw
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState, Purpose
from lesionlab.sim.state.state import State


class Parameters(NamedTuple):
    """Number of macrophages."""

    number: Annotated[int, quantity("1", "macrophages of a section", 0, 1000, "assumed", "made for a test")] = {N_MACROPHAGES}


@of_lesion("1", "macrophages of the section")
def macrophages(section: MeasuredSection) -> float:
    return section.tissue.macrophages.n


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Let them come in the first step and drift in every step."""
    for tissue in state.active:
        table = tissue.macrophages
        if table.n == 0:
            new = table.add(p.number)
            table.id[new], table.site[new] = np.arange(p.number), np.ravel_multi_index(tissue.centre, tissue.state.shape)
        stream = state.stream(tissue, clock)
        for row in range(table.n):
            table.site[row] = neighbour(table.site[row], tissue.state.shape, draw(stream, int(Purpose.MACROPHAGE), table.id[row])[0])
        table.met[: table.n] += tissue.state.reshape(-1)[table.site[: table.n]] != CellState.STROMA
'''
SERIES = '''

@of_lesion("1", "share of the living tumour cells that hits by T cells have marked")
def marked_fraction(section: MeasuredSection) -> float:
    return share(float((section.tissue.hits > 0).sum()), section.counts.living)
'''
VERB = '''"""`count RECORD`: how many rows a record has."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lesionlab.analysis.records.record import load

HELP = "count the rows of a record"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("record", type=Path)


def execute(options: Namespace) -> int:
    """Print the number of rows."""
    print(len(load(options.record).time_d), "rows")
    return 0
'''


def add_cell_type(copy: ExtendedCopy) -> None:
    """Add macrophages: their table and its place in the section, a number for their random stream, their process and its row."""
    copy.add("sim/state/macrophages.py", TABLE)
    copy.insert("sim/state/state.py", "from lesionlab.sim.state.t_cells import GhostContacts, TCells\n",
                "from lesionlab.sim.state.macrophages import Macrophages\n")
    copy.insert("sim/state/state.py", "    ghost_contacts: GhostContacts\n", "    macrophages: Macrophages\n")
    copy.insert("sim/state/codes.py", "    VIRTUAL_PATIENT = 40\n", "    MACROPHAGE = 90\n")
    copy.add("sim/processes/macrophage_drift.py", PROCESS)
    copy.insert("sim/schedule.py", "    ifn_gamma,\n", "    macrophage_drift,\n")
    copy.insert("sim/schedule.py", 'before they are committed"),\n',
                '    Process("macrophage_drift", macrophage_drift, "step", "made for a test: anywhere before deaths are committed"),\n')


OF_CELL_TYPE = {"sim/state/macrophages.py", "sim/state/state.py", "sim/state/codes.py", "sim/processes/macrophage_drift.py",
                "sim/schedule.py"}
RUNS = """
from lesionlab.sim.cli import main
from lesionlab.sim.record.reader import read_run
from lesionlab.sim.runs.lifecycle import finish, resumed, simulate
from lesionlab.sim.scenario.load import load_scenario

scenario = load_scenario("tiny.yaml")
simulate(scenario, "straight.h5", until_d=2.0)
simulate(scenario, "resumed.h5", until_d=1.0)
finish(resumed(read_run("resumed.h5"), until_d=2.0))
main(["describe", "--state"])
main(["check", "tiny.yaml"])
"""


class Extended:
    """What a program with a cell type and an output series more has made of the tiny arm."""

    def __init__(self, folder: Path) -> None:
        copy = ExtendedCopy(folder)
        add_cell_type(copy)
        self.touched_by_cell_type = set(copy.touched)
        copy.insert("sim/measures/series.py", "    return section.short_axis_cm\n", SERIES)
        self.touched_by_series = copy.touched - self.touched_by_cell_type
        copy.warm()
        (folder / "tiny.yaml").write_text(TREATED + "macrophage_drift: {number: 20}\n", encoding="utf-8")
        self.printed = copy.run("-c", RUNS)
        self.straight, self.resumed = (folder / f"{name}.h5" for name in ("straight", "resumed"))

    @property
    def record(self) -> Record:
        """The record, as the program without either reads it."""
        return load(self.straight)

    def checkpoint(self, path: Path) -> dict[str, np.ndarray]:
        """Return the arrays of the section in the last checkpoint of a record."""
        with h5py.File(path, "r", locking=False) as file:
            of_section = {name: item[()] for name, item in file["checkpoint"].items() if name.startswith("lesion.neck.")}
        return {name.removeprefix("lesion.neck."): array for name, array in of_section.items()}


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Extended:
    """One copy with both extensions, which share its compiled kernels and its runs."""
    return Extended(tmp_path_factory.mktemp("extended"))


@pytest.mark.slow
def test_a_cell_type_is_a_table_a_process_and_a_row(extended: Extended) -> None:
    assert extended.touched_by_cell_type == OF_CELL_TYPE
    assert "macrophages" not in {m.name for m in MEASURES}, "the program without them has none"
    assert extended.record.of_lesion("macrophages", "neck").tolist() == [N_MACROPHAGES] * 3
    kept = extended.checkpoint(extended.straight)
    assert (kept["macrophages.site"].dtype, kept["macrophages.site"].shape, kept["macrophages.n"].item()) == (np.int32, (20,), 20)
    assert len(set(kept["macrophages.site"].tolist())) > N_MACROPHAGES / 2, "they have drifted apart"
    assert kept["macrophages.met"].min() > 0, "they came where cells are"
    assert "| `met` | uint16 (agent) | 1 | hours that it stood on a site with a tumour cell |" in extended.printed
    assert "tiny.yaml: ok" in extended.printed, "a scenario may set its parameters"


@pytest.mark.slow
def test_a_run_with_a_new_cell_type_is_resumed_to_the_same_bytes(extended: Extended) -> None:
    straight, resumed = (extended.checkpoint(path) for path in (extended.straight, extended.resumed))
    assert {name: array.tobytes() for name, array in straight.items()} == {name: array.tobytes() for name, array in resumed.items()}
    assert load(extended.resumed).state_sha256 == extended.record.state_sha256


@pytest.mark.slow
def test_an_output_series_is_one_function(extended: Extended, tmp_path: Path) -> None:
    """The program without it takes name, words and unit from the record: in the export, in a figure and in the table of a report."""
    assert extended.touched_by_series == {"sim/measures/series.py"}
    assert "marked_fraction" not in {m.name for m in MEASURES}
    record, kept = extended.record, extended.checkpoint(extended.straight)
    living = np.isin(kept["state"], (1, 2, 3)).sum()
    assert record.of_lesion("marked_fraction", "neck")[-1] == pytest.approx((kept["hits"] > 0).sum() / living)
    assert (record.units["marked_fraction"], record.long_names["marked_fraction"]) == (
        "1", "share of the living tumour cells that hits by T cells have marked")
    exported, = write_csv(record, tmp_path / "all.csv")
    assert "marked_fraction" in {row["quantity"] for row in csv.DictReader(exported.open(encoding="utf-8"))}
    picture = plot([record], tmp_path / "marked.png", series=["marked_fraction", "macrophages"])
    assert picture.stat().st_size > 10_000
    comparison = compare([record])
    write(comparison, find(comparison), tmp_path)
    assert "marked_fraction" in {row["quantity"] for row in csv.DictReader((tmp_path / "series.csv").open(encoding="utf-8"))}


def test_a_verb_is_one_file(tmp_path: Path) -> None:
    copy = ExtendedCopy(tmp_path)
    assert "count the rows" not in copy.run("run.py", "--help")
    copy.add("sim/cli/count.py", VERB)
    assert copy.touched == {"sim/cli/count.py"}
    assert re.search(r"count +count the rows of a record", copy.run("run.py", "--help"))
    path = make_record(tmp_path / "a.h5", "combined", every_d=14.0)
    assert copy.run("run.py", "count", str(path)) == f"{len(load(path).time_d)} rows\n"
