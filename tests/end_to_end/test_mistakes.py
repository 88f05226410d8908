"""A user's mistakes: each is one clear message with its place, exit code 2, no traceback, nothing written."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lesionlab.sim.cli import main
from lesionlab.sim.treatment.drug_library import library

SCENARIO = """\
schema: 1
start: 2021-07-06
end: 2021-12-31
lesions:
  neck: {size_cm: [10, 8, 6], measured: 2021-07-06}
radiotherapy:
  - lesion: neck
    start: 2021-07-06
    fractions: 10
    volumes: {core: {dose_per_fraction_gy: 4}, mass: {dose_per_fraction_gy: 3}}
drugs:
  anlotinib: {class: vegfr_tki, dose_mg: 12, start: 2021-08-01, interval_d: 1, until: 2021-12-31}
scans: [2021-07-06, 2021-09-10]
"""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def messages(capsys: pytest.CaptureFixture[str], text: str, *options: str) -> list[str]:
    """Return the lines on stderr of `check` on a text; it must end with exit code 2."""
    Path("a.yaml").write_text(text, encoding="utf-8")
    assert main(["check", "a.yaml", *options]) == 2
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    assert said.out == ""
    return said.err.splitlines()


def test_without_a_mistake_there_is_no_message(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.yaml").write_text(SCENARIO)
    assert main(["check", "a.yaml"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("a.yaml: ok\n")
    assert "core 10 x 4 Gy = 40 Gy (EQD2 46.67 Gy, alpha/beta 10 Gy), mass 10 x 3 Gy = 30 Gy (EQD2 32.5 Gy, alpha/beta 10 Gy)" in said.out
    assert said.err == ""


# Each row: what is written, what is written instead, the one message.
WRONG = {
    "an unknown key": ("fractions: 10", "fractions: 10\n    penumbra: 1",
        "a.yaml:10:5: radiotherapy[0].penumbra: unknown key; did you mean 'penumbra_cm'?"),
    "a wrong unit in the key": ("core: {dose_per_fraction_gy: 4}", "core: {dose_per_fraction_gy: 4, radius_cm: 3}",
        "a.yaml:10:47: radiotherapy[0].volumes.core.radius_cm: unknown key; did you mean 'radius_fraction'?"),
    "a negative dose": ("mass: {dose_per_fraction_gy: 3}", "mass: {dose_per_fraction_gy: -3}",
        "a.yaml:10:77: radiotherapy[0].volumes.mass.dose_per_fraction_gy: must be greater than 0 Gy (got -3)"),
    "a date before the start": ("start: 2021-08-01", "start: 2021-06-01",
        "a.yaml:12:53: drugs.anlotinib.start: must not be before the scenario's start, 2021-07-06 (got 2021-06-01)"),
    "an unknown lesion": ("- lesion: neck", "- lesion: nek",
        "a.yaml:7:13: radiotherapy[0].lesion: no lesion is called 'nek'; did you mean 'neck'?"),
    "a key given twice": ("end: 2021-12-31\n", "end: 2021-12-31\nend: 2022-12-31\n",
        "a.yaml:4:1: end: this key is given twice (first on line 3)"),
    "nan": ("dose_mg: 12", "dose_mg: .nan",
        "a.yaml:12:42: drugs.anlotinib.dose_mg: must be a finite number (got nan)"),
    "text for a number": ("interval_d: 1", "interval_d: daily",
        "a.yaml:12:77: drugs.anlotinib.interval_d: must be a number (got 'daily')"),
    "broken YAML": ("scans: [2021-07-06, 2021-09-10]", "scans: [2021-07-06, 2021-09-10",
        "a.yaml:14:1: not readable as YAML: expected ',' or ']', but got '<stream end>'"),
    "a date that does not exist": ("end: 2021-12-31\n", "end: 2021-13-31\n",
        "a.yaml:3:6: end: must be a date such as 2021-07-06 (got '2021-13-31')"),
    "a key left out": ("    fractions: 10\n", "",
        "a.yaml:7:5: radiotherapy[0].fractions: must be given"),
    "a value left out": ("end: 2021-12-31\n", "end:\n", "a.yaml:3:1: end: has no value; give one or leave the key out"),
    "an unknown drug": ("anlotinib: {class: vegfr_tki,", "anlotinb: {",
        "a.yaml:12:3: drugs.anlotinb: must give class (anti_pd1 or vegfr_tki) and pharmacokinetics: the library knows "
        f"{', '.join(library())}; did you mean 'anlotinib'?"),
    "an unknown drug of a known class": ("anlotinib: {", "sorafenib: {",
        f"a.yaml:12:3: drugs.sorafenib: must give pharmacokinetics: the library knows {', '.join(library())}"),
    "an unknown class": ("vegfr_tki", "vegf_tki",
        "a.yaml:12:22: drugs.anlotinib.class: must be 'anti_pd1' or 'vegfr_tki' (got 'vegf_tki'); did you mean 'vegfr_tki'?"),
    "days on without days off": ("interval_d: 1", "interval_d: 1, days_on: 14",
        "a.yaml:12:89: drugs.anlotinib.days_on: days_on and days_off are given together or not at all"),
    "missed doses outside the calendar": ("interval_d: 1", "interval_d: 1, missed: [{start: 2021-06-01, until: 2021-06-09}]",
        "a.yaml:12:89: drugs.anlotinib.missed[0]: no dose is due in this period, 2021-06-01 to 2021-06-09"),
    "a period that ends before it starts": ("interval_d: 1", "interval_d: 1, missed: [{start: 2021-09-09, until: 2021-09-01}]",
        "a.yaml:12:116: drugs.anlotinib.missed[0].until: must not be before the period's start, 2021-09-09"),
    "a block with layers": ("size_cm: [10, 8, 6]", "size_cm: [10, 8, 6], section_shape: block, section_layers: 3",
        "a.yaml:5:69: lesions.neck.section_layers: follow from the size in a block; leave them out"),
    "a block too large for its draws": ("size_cm: [10, 8, 6]", "size_cm: [10, 8, 6], section_shape: block, section_cells: 500000",
        "a.yaml:5:68: lesions.neck.section_cells: a block may have 63 layers with its margin; this one needs 81: take fewer cells"),
    "until before start": ("until: 2021-12-31", "until: 2021-07-31",
        "a.yaml:12:87: drugs.anlotinib.until: must not be before the drug's start, 2021-08-01"),
    "an end before the start": ("end: 2021-12-31\n", "end: 2021-07-01\n",
        "a.yaml:3:6: end: must be after the scenario's start, 2021-07-06 (got 2021-07-01)"),
    "an end beyond all calendars": ("end: 2021-12-31\n", "end: 9999-12-31\n",
        "a.yaml:3:6: end: must lie between the years 1900 and 2200 (got 9999-12-31)"),
    "a course that outlasts the scenario": ("    start: 2021-07-06", "    start: 2021-12-27",
        "a.yaml:9:16: radiotherapy[0].fractions: the last fraction, on 2022-01-07, is after the scenario's end, 2021-12-31"),
    "a scan outside the calendar": ("2021-09-10]", "2022-09-10]",
        "a.yaml:13:21: scans[1]: must not be after the scenario's end, 2021-12-31 (got 2022-09-10)"),
    "sizes in the wrong order": ("[10, 8, 6]", "[6, 8, 10]",
        "a.yaml:5:10: lesions.neck.size_cm: must name the longest diameter first"),
    "a block where a list belongs": ("size_cm: [10, 8, 6]", "size_cm: {long: 10}",
        "a.yaml:5:10: lesions.neck.size_cm: must be a list (got {\"long\": 10})"),
    "true for a number": ("fractions: 10", "fractions: true",
        "a.yaml:9:16: radiotherapy[0].fractions: must be a whole number (got true)"),
    "a half fraction": ("fractions: 10", "fractions: 9.5",
        "a.yaml:9:16: radiotherapy[0].fractions: must be a whole number (got 9.5)"),
    "a dormant lesion that is known": ("measured: 2021-07-06}", "measured: 2021-07-06, dormant_until: 2021-08-01}",
        "a.yaml:5:68: lesions.neck.dormant_until: only an occult lesion can be dormant (is_occult: true)"),
    "a dormancy beyond the end": ("measured: 2021-07-06}", "measured: 2021-07-06, is_occult: true, dormant_until: 2022-08-01}",
        "a.yaml:5:85: lesions.neck.dormant_until: must not be after the scenario's end, 2021-12-31 (got 2022-08-01)"),
    "a lesion with a strange name": ("  neck: {", "  neck: {size_cm: [1, 1], measured: 2021-07-06}\n  the/neck: {",
        "a.yaml:6:3: lesions.the/neck: must be a name of lower-case letters, digits and _, starting with a letter (got 'the/neck')"),
    "an unknown mark": ("interval_d: 1", "interval_d: 1, evidence: {dose: case}",
        "a.yaml:12:97: drugs.anlotinib.evidence.dose: no key is called 'dose'; did you mean 'dose_mg'?"),
    "another format": ("schema: 1", "schema: 2", "a.yaml:1:9: schema: must be 1 (got 2)"),
    "a parameter out of its range": ("schema: 1", "schema: 1\nclinic: {detection_limit_cm: 3}",
        "a.yaml:2:30: clinic.detection_limit_cm: must lie between 0.1 and 0.5 cm, assumed: slice thickness of CT (got 3)"),
    "an unknown section": ("schema: 1", "schema: 1\noxigen: {}", "a.yaml:2:1: oxigen: unknown key; did you mean 'oxygen'?"),
    "a step that does not divide a day": ("schema: 1", "schema: 1\ntime_step_h: 0.7",
        "a.yaml:2:14: time_step_h: must be a whole number of 6-minute micro-steps that divides the day: "
        "0.6 or 0.8 h can be kept (got 0.7)"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_each_mistake_is_one_message_at_its_place(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    right, wrong, message = WRONG[kind]
    assert right in SCENARIO
    assert messages(capsys, SCENARIO.replace(right, wrong, 1)) == [f"error: {message}"]


def together(one: str, other: str) -> list[str]:
    """Return the text with both mistakes, and the message of each."""
    text = SCENARIO
    for right, wrong, _ in (WRONG[one], WRONG[other]):
        assert right in text
        text = text.replace(right, wrong, 1)
    return [text, WRONG[one][2], WRONG[other][2]]


def bare(line: str) -> str:
    return re.sub(r"^(error: )?a\.yaml:\d+:\d+: ", "", line)


HELD_BACK = [
    ("an unknown class", "a date before the start"), ("text for a number", "a date before the start"), ("nan", "until before start"),
    ("a period that ends before it starts", "a date before the start"), ("a key left out", "an unknown lesion"),
    ("an unknown mark", "until before start"), ("sizes in the wrong order", "an unknown lesion"), ("a negative dose", "an unknown lesion"),
    ("a block with layers", "an unknown lesion"), ("a wrong unit in the key", "a course that outlasts the scenario"),
    ("an unknown class", "days on without days off"), ("a dormancy beyond the end", "an unknown lesion"),
]
"""The first of each pair keeps the second from being checked."""


@pytest.mark.parametrize(("one", "other"), HELD_BACK)
def test_a_mistake_holds_no_other_back(one: str, other: str, capsys: pytest.CaptureFixture[str]) -> None:
    text, *expected = together(one, other)
    assert sorted(map(bare, messages(capsys, text))) == sorted(map(bare, expected))


def test_what_depends_on_a_mistake_is_not_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """Whether a scan lies after the end cannot be said while the end is unknown, nor what a section needs without a size."""
    text, wrong_end, _ = together("a date that does not exist", "a scan outside the calendar")
    assert messages(capsys, text) == [f"error: {wrong_end}"]
    text, _, wrong_mark = together("a block too large for its draws", "an unknown mark")
    assert [bare(line) for line in messages(capsys, text.replace("[10, 8, 6]", "7"))] == [
        "lesions.neck.size_cm: must be a list (got 7)", bare(wrong_mark)]


def test_mistakes_of_a_file_are_reported_though_what_it_extends_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert messages(capsys, "extends: xxxxxxxx.yaml\nsed: 1\noxygen: {vessel_mmhg: many}\ndrugs: {sorafenib: {dose_mg: 1}}\n") == [
        "error: a.yaml:1:10: extends: xxxxxxxx.yaml: no such file",
        "error: a.yaml:3:10: oxygen.vessel_mmhg: unknown key; did you mean 'vessel_mmHg'?",
        "error: a.yaml:2:1: sed: unknown key; did you mean 'seed'?"]


def test_every_wrong_set_and_every_wrong_scenario_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    said = messages(capsys, SCENARIO, "--set", "sed=1", "--set", "drugs.toripalimab=null", "--set", "patient=-1")
    assert [line.split(": ")[1] for line in said] == ["--set drugs.toripalimab=null", "--set patient=-1", "--set sed=1"]
    Path("b.yaml").write_text(SCENARIO.replace("schema: 1", "schema: 3"))
    Path("c.yaml").write_text(SCENARIO.replace("dose_mg: 12", "dose_mg: -12"))
    assert main(["compare", "b.yaml", "c.yaml", "-o", "out"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1].strip() for line in said] == ["b.yaml", "c.yaml"]


def test_a_missing_file_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    Path("study.yaml").write_text(SCENARIO)
    assert main(["check", "stdy.yaml"]) == 2
    assert capsys.readouterr().err == "error: stdy.yaml: no such file; did you mean 'study.yaml'?\n"


@pytest.mark.parametrize(("content", "message"), [
    (b"\xff\xfe\x00", "a.yaml: not a text file in UTF-8"),
    (b"", "a.yaml:1:1: schema: must be given"),
    (b"- 1\n", "a.yaml:1:1: a scenario is a block of keys, such as `schema: 1`"),
    (b"a: &a {b: *a}\n", "a.yaml: not readable as YAML: nested too deeply"),
    (b"a: " + b"[" * 2000, "a.yaml: not readable as YAML: nested too deeply"),
    (b"a: \x01\n", "a.yaml: not readable as YAML: unacceptable character #x0001: special characters are not allowed"),
    (b"a: 1\n---\nb: 1\n", "a.yaml:2:1: not readable as YAML: but found another document"),
    (b"a: 1\n\tb: 1\n", "a.yaml:2:1: not readable as YAML: found character '\\t' that cannot start any token"),
])
def test_what_is_no_scenario_at_all_is_refused(content: bytes, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.yaml").write_bytes(content)
    assert main(["check", "a.yaml"]) == 2
    assert capsys.readouterr().err.splitlines()[0] == f"error: {message}"


def test_a_folder_is_no_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "."]) == 2
    assert capsys.readouterr().err == "error: .: is a folder\n"


def test_all_mistakes_of_a_file_are_reported_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    text = SCENARIO.replace("fractions: 10", "fractions: -1")
    text = text.replace("dose_mg: 12", "dose_g: 12")
    text = text.replace("schema: 1", "schema: 1\nseed: 1\nseed: 2")
    assert messages(capsys, text) == [
        "error: a.yaml:3:1: seed: this key is given twice (first on line 2)",
        "error: a.yaml:11:16: radiotherapy[0].fractions: must be greater than 0 (got -1)",
        "error: a.yaml:14:3: drugs.anlotinib.dose_mg: must be given",
        "error: a.yaml:14:33: drugs.anlotinib.dose_g: unknown key; did you mean 'dose_mg'?",
    ]


def test_a_mistake_in_an_extended_file_points_there(capsys: pytest.CaptureFixture[str]) -> None:
    Path("under.yaml").write_text(SCENARIO.replace("fractions: 10", "fractions: ten"))
    assert messages(capsys, "extends: under.yaml\nsed: 1\n") == [
        "error: under.yaml:9:16: radiotherapy[0].fractions: must be a whole number (got 'ten')",
        "error: a.yaml:2:1: sed: unknown key; did you mean 'seed'?",
    ]


def test_an_overlaid_value_points_to_the_file_that_gave_it(capsys: pytest.CaptureFixture[str]) -> None:
    Path("under.yaml").write_text(SCENARIO)
    assert messages(capsys, "extends: under.yaml\ndrugs: {anlotinib: {dose_mg: -1}}\n") == [
        "error: a.yaml:2:30: drugs.anlotinib.dose_mg: must be greater than 0 mg (got -1)"]


@pytest.mark.parametrize(("line", "message"), [
    ("extends: udner.yaml", "a.yaml:1:10: extends: udner.yaml: no such file; did you mean 'under.yaml'?"),
    ("extends: a.yaml", "a.yaml:1:10: extends: a.yaml: this file extends itself"),
    ("extends: [under.yaml]", "a.yaml:1:1: extends: must name one file (got ['under.yaml'])"),
    ("extends: under.yaml\nradioterapy: null",
     "a.yaml:2:1: radioterapy: has no value; give one or leave the key out; did you mean 'radiotherapy'?"),
])
def test_a_wrong_extends_is_shown_at_its_place(line: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("under.yaml").write_text(SCENARIO)
    assert messages(capsys, line + "\n") == [f"error: {message}"]


@pytest.mark.parametrize(("override", "message"), [
    ("seed", "must be path=value, such as radiotherapy[0].fractions=5 or lesions.neck.nodal=true"),
    ("=1", "must be path=value, such as radiotherapy[0].fractions=5 or lesions.neck.nodal=true"),
    ("sed=1", "sed: unknown key; did you mean 'seed'?"),
    ("seed=many", "seed: must be a whole number (got 'many')"),
    ("seed.root=1", "seed is a single value, not a block"),
    ("lesions[0].nodal=true", "lesions is a block of keys"),
    ("radiotherapy[1].fractions=1", "radiotherapy is a list of 1, counted from [0]"),
    ("radiotherapy.neck=1", "radiotherapy is a list of 1, counted from [0]"),
    ("drugs.toripalimab=null", "there is nothing to take away"),
    ("lesions.neck.size_cm=[1", "the value is not readable as YAML: expected ',' or ']', but got '<stream end>'"),
    ("lesions.neck.section_cells=1", "lesions.neck.section_cells: must be at least 500 (got 1)"),
])
def test_a_wrong_set_is_shown(override: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = SCENARIO.replace("schema: 1", "schema: 1\nseed: 1")
    assert messages(capsys, text, "--set", override) == [f"error: --set {override}: {message}"]


@pytest.mark.parametrize(("arguments", "message"), [
    (["chek", "a.yaml"], "chek: no such verb; did you mean 'check'?"),
    (["check"], "the following arguments are required: SCENARIO; see lesionlab check --help"),
    (["check", "a.yaml", "--sett", "x=1"], "unrecognized arguments: --sett x=1; did you mean '--set'?; see lesionlab --help"),
    ([], "the following arguments are required: VERB; see lesionlab --help"),
    (["describe", "oxigen"], "oxigen: no process, parameter or drug has this name; did you mean 'oxygen'?"),
    (["describe", "alpha"], "alpha: no process, parameter or drug has this name; did you mean 'alpha_per_gy'?"),
])
def test_a_wrong_command_is_one_message(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_the_exit_code_reaches_the_shell() -> None:
    run = Path(__file__).resolve().parents[2] / "run.py"
    done = subprocess.run([sys.executable, str(run), "check", "nowhere.yaml"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: nowhere.yaml: no such file")
    assert done.stderr.count("\n") == 1


JUNK = [
    "null", "''", "nothing", "-1", "0", "1e400", ".nan", "-.inf", "true", "[]", "[1, [2]]", "{}", "{a: {b: 1}}", "9" * 30, "0000-00-00",
    "9999-12-31", "!!python/object:os.system x", "!!float x", "'\\ud800'", "\"\\ud800\"", "*a", "{1: 2}", "? [1]",
]


@pytest.mark.parametrize("junk", JUNK)
def test_no_value_anywhere_gives_a_traceback(junk: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each value of a scenario in turn is replaced; the answer is ok or messages, never a traceback."""
    values = [match.span(1) for match in re.finditer(r"(?:[:,] |\[)([\w.-]+)(?=[,\]}\n])", SCENARIO)]
    assert len(values) == 19
    for start, end in values:
        Path("a.yaml").write_text(SCENARIO[:start] + junk + SCENARIO[end:])
        code = main(["check", "a.yaml"])
        said = capsys.readouterr()
        assert code in (0, 2)
        assert (code == 0) == (said.err == "")
        assert all(line.startswith("error: a.yaml") for line in said.err.splitlines())
