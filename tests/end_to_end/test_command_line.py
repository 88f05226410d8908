"""The command line as a whole: what it offers, how it ends, and what an installed copy brings with it."""

import os
import subprocess
import sys
import zipfile
from argparse import Namespace
from pathlib import Path

import pytest

from lesionlab.analysis.records.errors import RecordError
from lesionlab.sim import DISCLAIMER, __version__
from lesionlab.sim.cli import check, main, verbs
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.scenario.couplings import MECHANISMS
from lesionlab.sim.schedule import PARAMETERS

ROOT = Path(__file__).resolve().parents[2]


def raising(error: BaseException) -> object:
    def execute(options: Namespace) -> int:
        raise error
    return execute


def test_help_offers_the_verbs_that_are_built_and_no_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    offered = {line.split()[0] for line in printed.splitlines() if line.startswith("    ") and line[4] != " "}
    assert offered == set(verbs())
    assert DISCLAIMER in printed


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert f"usage: lesionlab {verb}" in capsys.readouterr().out


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"lesionlab {__version__}\n"


@pytest.mark.parametrize(("error", "code", "said"), [
    (UserError("one\ntwo"), 2, "error: one\nerror: two\n"), (RecordError("torn"), 2, "error: torn\n"),
    (KeyboardInterrupt(), 130, "interrupted\n"),
])
def test_each_end_has_its_exit_code(error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch,
                                    capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(check, "execute", raising(error))
    assert main(["check", "teaching"]) == code
    assert capsys.readouterr().err == said


def test_a_fault_of_the_program_is_not_taken_for_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "execute", raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        main(["check", "teaching"])


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = [sys.executable, str(ROOT / "run.py"), "describe", "--schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.read(1)
        run.stdout.close()
        assert run.stderr.read() == b""
        assert run.wait() == 0


def test_check_prints_the_case_with_doses_and_eqd2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "case", "--set", "clinic.detection_limit_cm=0.3"]) == 0
    printed = capsys.readouterr().out
    for expected in ("case: ok", "combined: 2021-07-06 to 2025-02-28", "core 10 x 4 Gy = 40 Gy (EQD2 46.67 Gy, alpha/beta 10 Gy)",
                     "mass 10 x 3 Gy = 30 Gy (EQD2 32.5 Gy, alpha/beta 10 Gy)", "mass 5 x 2 Gy = 10 Gy (EQD2 10 Gy, alpha/beta 10 Gy)",
                     "core 15 x 4 Gy = 60 Gy (EQD2 70 Gy, alpha/beta 10 Gy)", "mass 15 x 3 Gy = 45 Gy (EQD2 48.75 Gy, ",
                     "anlotinib: vegfr_tki, 12 mg every 1 d; 1308 doses",
                     "clinic.detection_limit_cm = 0.3 cm (default 0.2)"):
        assert expected in printed


def test_eqd2_rests_on_the_alpha_beta_of_the_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    """By hand: 40 Gy (4 + 3) / (2 + 3) = 56 Gy, 30 Gy (3 + 3) / (2 + 3) = 36 Gy."""
    assert main(["check", "teaching", "--set", "radiobiology.alpha_beta_gy=3"]) == 0
    printed = capsys.readouterr().out
    assert "40 Gy (EQD2 56 Gy, alpha/beta 3 Gy)" in printed and "30 Gy (EQD2 36 Gy, alpha/beta 3 Gy)" in printed
    assert printed.count("EQD2") == printed.count("alpha/beta 3 Gy")


def test_check_tells_the_mistakes_of_every_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text("schema: 2\n")
    (tmp_path / "b.yaml").write_text("[\n")
    assert main(["check", "teaching", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")]) == 2
    said = capsys.readouterr()
    assert said.out.startswith("teaching: ok\n")
    assert "a.yaml:1:9: schema: must be 1 (got 2)" in said.err
    assert "b.yaml:2:1: not readable as YAML" in said.err


def test_the_page_of_parameters_is_what_the_code_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", "--table"]) == 0
    printed = capsys.readouterr().out
    assert "| `cycle_time_h` | cycle time of a cycling cell | 30 | h | 5 to 1000 | 24 to 48 | literature |" in printed
    assert printed == (ROOT / "docs/parameters.md").read_text(), "renew it: lesionlab describe --table > docs/parameters.md"


def test_the_page_of_the_state_is_what_the_code_declares(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", "--state"]) == 0
    printed = capsys.readouterr().out
    assert "| `oxygen` | float32 (z, y, x) | mmHg | oxygen partial pressure |" in printed
    assert printed == (ROOT / "docs/state.md").read_text(), "renew it: lesionlab describe --state > docs/state.md"


def test_the_model_description_names_every_process_and_switch() -> None:
    text = (ROOT / "docs/odd.md").read_text()
    assert [name for name in MECHANISMS if f"| `{name}` | {MECHANISMS[name].meaning} |" not in text] == []
    assert [name for name in PARAMETERS if name not in text] == []


HOSTILE = "raise SystemExit('a user\'s own module was taken for ours')\n"


def test_a_wheel_brings_one_package_and_works_beside_a_users_own_sim_and_analysis(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("lesionlab-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    assert {path.name for path in (tmp_path / "site").iterdir() if path.suffix != ".dist-info"} == {"lesionlab"}
    assert {path.name for path in (tmp_path / "site/lesionlab").iterdir()} == {
        "__init__.py", "py.typed", "api", "sim", "analysis", "scenarios"}
    bundled = {path.name for path in (tmp_path / "site/lesionlab/scenarios").iterdir()}
    assert bundled == {path.name for path in (ROOT / "scenarios").iterdir()}
    drugs = {path.name for path in (tmp_path / "site/lesionlab/sim/treatment/library").iterdir()}
    assert "anlotinib.yaml" in drugs and drugs == {path.name for path in (ROOT / "sim/treatment/library").iterdir()}
    here = tmp_path / "here"
    (here / "analysis").mkdir(parents=True)
    (here / "sim.py").write_text(HOSTILE)
    (here / "analysis/__init__.py").write_text(HOSTILE)
    code = ("import lesionlab.sim.cli, sys; assert lesionlab.sim.cli.__file__.startswith(sys.argv[1]); "
            "code = lesionlab.sim.cli.main(['check', 'case']); assert not {'sim', 'analysis'} & set(sys.modules); sys.exit(code)")
    own = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "site")], cwd=here, env=own, capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["sim", "analysis"])
def test_a_folder_imported_by_its_bare_name_says_how_it_is_called(name: str) -> None:
    done = subprocess.run([sys.executable, "-c", f"import {name}"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and f"ImportError: import lesionlab.{name}: under its bare name" in done.stderr
