"""Whatever the environment, the pipes, the links and the neighbours: a run is never lost, and a defect is reported in one line."""

import csv
import os
import pickle
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lesionlab.analysis.records.record import load
from lesionlab.sim.cli import main
from lesionlab.sim.cli._streams import Lasting
from lesionlab.sim.model import TumourModel
from lesionlab.sim.record.reader import read_run
from lesionlab.sim.record.writer import hash_arrays
from tests.fake_simulation import SCENARIO
from tests.made_record import make_record, row_times_d
from tests.tiny_arm import TREATED

ROOT = Path(__file__).resolve().parents[2]
SHORT = TREATED.replace("end: 2021-07-08", "end: 2021-07-06").replace("start: 2021-07-06, fractions: 2", "start: 2021-07-05, fractions: 1")
SHORT = SHORT.replace("until: 2021-07-08", "until: 2021-07-06").replace("scans: [2021-07-05, 2021-07-08]", "scans: [2021-07-05]")


def lesionlab(arguments: str, folder: Path, after: str = "", **environment: str | None) -> subprocess.CompletedProcess[str]:
    """Run a shell line of LesionLab in a folder; a variable of None is unset."""
    kept = {name: value for name, value in (os.environ | {"PYTHONPATH": str(ROOT)} | environment).items() if value is not None}
    line = f"{sys.executable} {ROOT}/run.py {arguments} {after}"
    return subprocess.run(["bash", "-c", line], cwd=folder, env=kept, capture_output=True, text=True, check=False, timeout=300,
                          errors="replace")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tiny.yaml").write_text(SHORT, encoding="utf-8")
    return tmp_path


def test_a_broken_pipe_ends_no_run(folder: Path) -> None:
    done = lesionlab("run tiny.yaml -o a.h5", folder, after="2>&1 | head -c 1; exit ${PIPESTATUS[0]}")
    assert done.returncode == 0
    assert read_run(folder / "a.h5").attributes["status"] == "complete"
    (folder / "b.yaml").write_text(SCENARIO)
    assert lesionlab("check b.yaml", folder, after="| head -c 1; exit ${PIPESTATUS[0]}").returncode == 0


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_end_no_run_and_get_no_word_of_it(folder: Path, closed: str) -> None:
    done = lesionlab("run tiny.yaml -o a.h5", folder, after=closed)
    assert done.returncode == 0
    assert load(folder / "a.h5").attributes["status"] == "complete" and load(folder / "a.h5").damage == ()


def test_a_full_standard_output_is_shown(folder: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    done = lesionlab("check tiny.yaml", folder, after="> /dev/full")
    assert (done.returncode, done.stderr) == (2, "error: standard output: No space left on device\n")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_words_that_the_terminal_cannot_show_are_escaped(folder: Path, encoding: str) -> None:
    (folder / "tiny.yaml").write_text(f"{SHORT}title: Größe ≥ 3 cm?\n", encoding="utf-8")
    shown = lesionlab("check tiny.yaml", folder, PYTHONIOENCODING=encoding)
    assert shown.returncode == 0 and "\\u2265 3 cm" in shown.stdout
    done = lesionlab("run tiny.yaml -o größe≥.h5", folder, PYTHONIOENCODING=encoding)
    assert done.returncode == 0 and "\\u2265.h5: tiny, end of calendar" in done.stdout
    assert lesionlab("inspect größe≥.h5", folder, PYTHONIOENCODING=encoding).returncode == 0


def test_every_verb_works_without_docstrings(folder: Path) -> None:
    make_record(folder / "a.h5", every_d=100.0)
    verbs = ("--help", "check tiny.yaml", "describe", "describe vegf", "describe --table", "inspect a.h5", "export a.h5 --to csv")
    each = "import sys\nfrom lesionlab.sim.cli import main\nprint([main(verb.split()) for verb in sys.argv[1:]], main.__doc__)"
    kept = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONOPTIMIZE": "2"}
    done = subprocess.run([sys.executable, "-c", each, *verbs], cwd=folder, env=kept, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, done.stdout.splitlines()[-1]) == (0, "", f"{[0] * len(verbs)} None")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a record and a figure of it, drawn without any style of the user's."""
    folder = tmp_path_factory.mktemp("plain")
    make_record(folder / "a.h5", every_d=60.0, snapshot_every_d=400.0, lesions=["neck"])
    done = lesionlab("plot a.h5 -o plain.png", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("hostile", ["backend", "usetex", "torn"])
def test_figures_do_not_depend_on_the_users_matplotlib(folder: Path, plain: Path, hostile: str) -> None:
    settings = {"backend": b"", "usetex": b"text.usetex: True\nfont.size: 40\naxes.grid: False\n", "torn": b"\xff\xfe\x00"}[hostile]
    (folder / "matplotlibrc").write_bytes(settings)
    backend = "module://matplotlib_inline.backend_inline" if hostile == "backend" else "no_such_backend"
    done = lesionlab(f"plot {plain}/a.h5 -o X.PNG", folder, MPLBACKEND=backend)
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "X.PNG").read_bytes() == (plain / "plain.png").read_bytes()


def test_without_a_home_nothing_is_written_where_one_stands_or_left_behind(folder: Path) -> None:
    (folder / "temporary").mkdir()
    hidden = {"HOME": None, "XDG_CACHE_HOME": "relative", "NUMBA_CACHE_DIR": None, "LESIONLAB_NUMBA_CACHE": None,
              "TMPDIR": str(folder / "temporary")}
    unknown = ("import pwd\npwd.getpwuid = lambda number: {}[number]\nimport lesionlab.sim.cli\n"
               "raise SystemExit(lesionlab.sim.cli.main(['check', 'tiny.yaml']))")
    environment = {name: value for name, value in (os.environ | {"PYTHONPATH": str(ROOT)} | hidden).items() if value is not None}
    done = subprocess.run([sys.executable, "-c", unknown], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    done = lesionlab("check tiny.yaml", folder, **(hidden | {"NUMBA_CACHE_DIR": "/proc/nowhere"}))
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(folder)) == ["temporary", "tiny.yaml"] and os.listdir(folder / "temporary") == []


def test_one_odd_arm_takes_no_report_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    small = partial(make_record, every_d=60.0, snapshot_every_d=400.0, lesions=["neck"])
    small("a.h5", "combined")
    small("b.h5", "untreated")
    small("lethal.h5", "radiotherapy", sizes_cm=np.full((len(row_times_d(60.0)), 1), 500.0))
    assert len(load("lethal.h5").time_d) == 1
    assert main(["compare", "lethal.h5", "a.h5", "b.h5", "-o", "out"]) == 0
    said = capsys.readouterr().out
    assert "lethal.h5 is left out of the figures: its arm radiotherapy ended on day 0" in said
    assert {"report.html", "arms.gif", "summary.json"} <= set(os.listdir("out")) and "diameter.png" in os.listdir("out/figures")
    assert "left out of the figures" in Path("out/report.html").read_text()
    assert main(["compare", "lethal.h5", "-o", "alone"]) == 0
    assert "report.html" in os.listdir("alone")
    assert main(["plot", "lethal.h5", "a.h5", "-o", "two.png"]) == 1
    assert "lethal.h5 is left out" in capsys.readouterr().err and Path("two.png").exists()


def test_a_figure_that_fails_takes_no_other_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    make_record("a.h5", every_d=60.0, snapshot_every_d=400.0, lesions=["neck"])

    def fails(*_: object) -> None:
        raise ZeroDivisionError("nothing to divide")

    monkeypatch.setattr("lesionlab.analysis.figures.standard.map_figure", fails)
    assert main(["compare", "a.h5", "--no-animation", "-o", "out"]) == 1
    assert "tissue_neck.png cannot be had: ZeroDivisionError: nothing to divide" in capsys.readouterr().err
    assert "report.html" in os.listdir("out") and "diameter.png" in os.listdir("out/figures")


def test_lesions_in_another_order_are_the_same_patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                      capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    make_record("a.h5", "combined", every_d=60.0, snapshot_every_d=400.0, lesions=["neck", "pelvis"])
    make_record("b.H5", "untreated", every_d=60.0, snapshot_every_d=400.0, lesions=["pelvis", "neck"])
    assert load("b.H5").lesions == ("pelvis", "neck")
    assert main(["compare", "a.h5", "b.H5", "--no-animation", "-o", "out"]) == 0
    assert main(["plot", "a.h5", "b.H5", "-o", "two.png"]) == 0
    assert main(["animate", "a.h5", "b.H5", "--frames", "3", "-o", "two.gif"]) == 0
    rows = list(csv.DictReader(Path("out/scans.csv").read_text().splitlines()))
    first = {row["lesion"]: float(row["longest_diameter_cm"]) for row in rows if row["arm"] == "untreated" and row["time_d"] == "0"}
    assert first == {"neck": 10.0, "pelvis": 3.0}


def test_two_comparisons_into_one_folder_do_not_meet(folder: Path) -> None:
    from lesionlab.sim.record.files import alone_in

    (folder / "one.yaml").write_text(SCENARIO)
    for verb in ("compare tiny.yaml -o out", "sweep run design.yaml -o out"):
        (folder / "design.yaml").write_text("scenario: tiny.yaml\n")
        with alone_in(folder / "out"):
            done = lesionlab(verb, folder)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
        assert "another run of LesionLab writes there just now" in done.stderr
        assert os.listdir(folder / "out") == []


def test_figures_and_tables_are_written_through_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_record("a.h5", every_d=60.0, snapshot_every_d=400.0)
    for name in ("a.png", "a.gif", "a.csv"):
        Path(f"far_{name}").write_text("old")
        Path(name).symlink_to(f"far_{name}")
    assert main(["plot", "a.h5", "-o", "a.png"]) == main(["export", "a.h5", "--to", "csv"]) == 2
    assert main(["plot", "a.h5", "-o", "a.png", "--force"]) == main(["export", "a.h5", "--to", "csv", "--force"]) == 0
    assert main(["animate", "a.h5", "-o", "a.gif", "--frames", "2", "--force"]) == 0
    for name in ("a.png", "a.gif", "a.csv"):
        assert Path(name).is_symlink() and Path(f"far_{name}").stat().st_size > 100


def test_rates_that_no_gif_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    make_record("a.h5", every_d=60.0, snapshot_every_d=400.0)
    assert main(["animate", "a.h5", "-o", "a.gif", "--fps", "51"]) == 2
    assert capsys.readouterr().err == (
        "error: a.gif: a GIF shows at most 50 frames per second, and 100 / N exactly: 50, 33.3, 25, 20 ...; got 51\n")
    assert main(["animate", "a.h5", "-o", "a.gif", "--frames", "100000000"]) == 2


def test_hints_are_commands_that_can_be_typed(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(folder)
    assert main(["run", "tiny.yaml", "-o", "my run.H5", "--until", "0.25"]) == 0
    assert main(["inspect", "my run.H5"]) == 0
    assert "lesionlab resume 'my run.H5' --until DATE|DAYS goes further" in capsys.readouterr().out


def test_a_fork_stopped_on_its_way_names_only_what_exists(folder: Path, monkeypatch: pytest.MonkeyPatch,
                                                          capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(folder)
    (folder / "long.yaml").write_text(TREATED)
    assert main(["run", "long.yaml", "-o", "a.h5"]) == 0
    monkeypatch.setattr("lesionlab.sim.runs.lifecycle._compare_with_row", lambda *_: signal.raise_signal(signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert main(["fork", "a.h5", "--at", "1", "long.yaml", "-o", "b.h5"]) == 130
        said = capsys.readouterr().err
        assert "nothing was written; the same command begins anew" in said and "resume" not in said
        (folder / "b.h5").write_bytes((folder / "a.h5").read_bytes())
        assert main(["fork", "a.h5", "--at", "1", "long.yaml", "-o", "b.h5", "--force"]) == 130
        assert "b.h5 stays as it was" in capsys.readouterr().err
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_model_travels_and_goes_on_to_the_same_bytes(folder: Path) -> None:
    here = TumourModel(folder / "tiny.yaml")
    for _ in range(5):
        here.step()
    there = pickle.loads(pickle.dumps(here))
    for model in (here, there):
        while model.running:
            model.step()
    assert hash_arrays(here.state.arrays()) == hash_arrays(there.state.arrays())
    assert [event.kind for event in here.events] == [event.kind for event in there.events]


def test_a_system_without_file_locks_is_shown_what_is_meant(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("lesionlab.sim.cli.find_spec", lambda name: None)
    assert main(["check", "teaching"]) == 2
    assert capsys.readouterr().err == ("error: LesionLab runs on Linux and macOS; on Windows, install it inside the Windows Subsystem "
                                       "for Linux\n")


def test_a_stream_that_fails_falls_silent_and_keeps_the_reason() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = Lasting(os.fdopen(writing, "w", encoding="ascii"))
    assert stream.write("größe\n") == 6
    stream.flush()
    assert isinstance(stream.lost, BrokenPipeError) and not stream.is_full
    started = time.monotonic()
    stream.write("more")
    stream.flush()
    assert time.monotonic() - started < 1.0
