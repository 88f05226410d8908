"""The verbs `resume` and `fork` as a user runs them: output, exit codes, one message for every mistake, nothing lost."""

import os
import shutil
from pathlib import Path

import h5py
import pytest

from lesionlab.sim import __version__
from lesionlab.sim.cli import main
from tests.resealed import as_of_first_version, resealed
from tests.same_record import differences
from tests.tiny_arm import TREATED


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scenario, its whole record and a record of its first day."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "tiny.yaml").write_text(TREATED)
    assert main(["run", str(folder / "tiny.yaml"), "-o", str(folder / "whole.h5")]) == 0
    assert main(["run", str(folder / "tiny.yaml"), "-o", str(folder / "day.h5"), "--until", "2021-07-06"]) == 0
    return folder


@pytest.fixture(autouse=True)
def in_a_copy(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for path in runs.iterdir():
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()


def test_a_run_goes_further_and_says_where_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resume", "day.h5", "--until", "3"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("day.h5: tiny, end of calendar after 3 days\nstate_sha256 ")
    assert said.err.startswith("going on from day 1; ")
    assert differences(Path("whole.h5"), Path("day.h5")) == []


def test_a_fork_has_another_future(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fork", "whole.h5", "--at", "2021-07-06", "tiny.yaml", "--set", "radiotherapy[0].start=2021-07-07", "--set", "arm=later",
                 "-o", "later.h5"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("later.h5: later, end of calendar after 3 days\nstate_sha256 ")
    assert said.err.startswith("from day 1 of whole.h5; ")
    assert main(["inspect", "later.h5"]) == 0
    seen = capsys.readouterr().out
    assert "forked    from whole.h5 (tiny) on day 1\n" in seen and "kept      the state of day 1\n" in seen
    assert "going on  nothing to resume: the run is complete" in seen


def test_what_the_new_scenario_plans_for_the_past_is_not_given_and_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fork", "whole.h5", "--at", "2", "tiny.yaml", "--set", "radiotherapy[0].start=2021-07-05", "--set", "arm=sooner",
                 "-o", "sooner.h5"]) == 0
    assert "1 fractions that sooner plans before day 2 are not given: the past stands as it is\n" in capsys.readouterr().err


def test_inspect_tells_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    for attributes, outlook in (
            ({}, "complete to day 1 of 3; lesionlab resume day.h5 --until DATE|DAYS goes further"),
            ({"status": "interrupted"}, "lesionlab resume day.h5 goes on from day 1"),
            ({"code_version": "other"}, f"made by other code, other, here {__version__}+"),
            ({"committed_time_d": float("nan"), "state_sha256": ""}, "lesionlab resume day.h5 begins anew: nothing was committed")):
        with resealed("day.h5") as file:
            file.attrs.update(attributes)
        assert main(["inspect", "day.h5"]) == 0
        assert f"going on  {outlook}" in capsys.readouterr().out


def test_run_says_that_what_is_there_can_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    with resealed("day.h5") as file:
        file.attrs["status"] = "interrupted"
    assert main(["run", "tiny.yaml", "-o", "day.h5"]) == 2
    assert capsys.readouterr().err == ("error: day.h5: exists already (lesionlab resume day.h5 goes on from day 1); choose another name "
                                       "or add --force\n")


@pytest.mark.parametrize("lost", [None, "burden_cells"])
def test_a_record_of_the_first_version_is_read_and_never_gone_on_with(lost: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    """it has no seal, so no one knows what it lost: a lost series would be missing data without a word."""
    if lost:
        with h5py.File("day.h5", "r+") as file:
            del file[lost]
    as_of_first_version("day.h5")
    before = Path("day.h5").read_bytes()
    said = "was made by version 0.1.0, whose records have no seal and another checkpoint: it cannot go on; run its scenario again"
    for command in ("resume day.h5 --until 2 --force", "fork day.h5 --at 1 tiny.yaml -o new.h5 --force"):
        assert main(command.split()) == 2
        assert capsys.readouterr().err == f"error: day.h5: {said}\n"
    assert main(["inspect", "day.h5"]) == 0 and f"going on  {said}\n" in capsys.readouterr().out
    assert main(["export", "day.h5", "--to", "csv"]) == 0
    assert Path("day.h5").read_bytes() == before and not Path("new.h5").exists()


def test_resume_and_fork_write_through_links_and_the_links_stay(capsys: pytest.CaptureFixture[str]) -> None:
    """The records lie in another folder; the link to the child leads to a file that is not there yet."""
    Path("far").mkdir()
    for name in ("day.h5", "whole.h5"):
        shutil.move(name, f"far/{name}")
        Path(name).symlink_to(f"far/{name}")
    Path("child.h5").symlink_to("far/child.h5")
    assert main(["resume", "day.h5", "--until", "3"]) == 0
    assert differences(Path("far/whole.h5"), Path("far/day.h5")) == []
    assert main(["fork", "whole.h5", "--at", "1", "tiny.yaml", "--set", "arm=later", "-o", "child.h5"]) == 0
    assert main(["fork", "whole.h5", "--at", "2", "tiny.yaml", "--set", "arm=latest", "-o", "child.h5", "--force"]) == 0
    with h5py.File("far/child.h5") as child:
        assert (child.attrs["arm"], child.attrs["fork_day"]) == ("latest", 2.0)
    assert all(Path(name).is_symlink() for name in ("day.h5", "whole.h5", "child.h5"))
    assert sorted(os.listdir("far")) == ["child.h5", "day.h5", "whole.h5"]
    capsys.readouterr()
    Path("parent.h5").symlink_to("far/whole.h5")
    assert main(["fork", "whole.h5", "--at", "1", "tiny.yaml", "-o", "parent.h5", "--force"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == "error: parent.h5: is the parent itself; choose another name"


def test_a_link_that_leads_nowhere_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    Path("nowhere.h5").symlink_to("far/none.h5")
    Path("loop.h5").symlink_to("loop.h5")
    for command, said in (("resume nowhere.h5", "nowhere.h5: no such record"), ("resume loop.h5", "loop.h5: no such record"),
                          ("fork whole.h5 --at 1 tiny.yaml -o loop.h5", "loop.h5: is a symbolic link that leads back to itself")):
        assert main(command.split()) == 2
        assert capsys.readouterr().err == f"error: {said}\n"


def make_broken() -> None:
    """Write files that are no records, each in its way."""
    whole = Path("whole.h5").read_bytes()
    Path("cut.h5").write_bytes(whole[: len(whole) // 2])
    Path("damaged.h5").write_bytes(b"\0" * 4096 + whole[4096:])
    Path("text.h5").write_text("hello")
    Path("empty.h5").write_bytes(b"")
    with h5py.File("foreign.h5", "w") as file:
        file.attrs["mine"] = 1


@pytest.mark.parametrize(("command", "message"), [
    *((f"{verb} {name}.h5{rest}", f"error: {name}.h5: no readable record, it is damaged, cut off or no HDF5 file: ")
      for verb, rest in (("resume", ""), ("fork", " --at 1 tiny.yaml -o new.h5")) for name in ("cut", "damaged", "text", "empty")),
    *((f"{rest} --threads 0", "error: --threads 0: at least one thread is needed") for rest in (
        "run tiny.yaml -o new.h5", "resume day.h5 --until 2", "fork whole.h5 --at 1 tiny.yaml -o new.h5")),
    ("resume foreign.h5", "error: foreign.h5: is no record of a LesionLab run"),
    ("resume none.h5", "error: none.h5: no such record"),
    ("resume whole.h5", "error: whole.h5: is complete to day 3: there is nothing to resume"),
    ("resume day.h5", "error: day.h5: is complete to day 1: there is nothing to resume; add --until DATE or DAYS to go further"),
    ("resume day.h5 --until 4", "error: --until 4: must lie after the start"),
    ("fork whole.h5 tiny.yaml -o new.h5", "error: the following arguments are required: --at"),
    ("fork whole.h5 --at 1.5 tiny.yaml -o new.h5", "error: --at 1.5: must be a whole day from the start"),
    ("fork whole.h5 --at soon tiny.yaml -o new.h5", "error: --at soon: must be a date such as 2021-07-05 or a number of days"),
    ("fork day.h5 --at 2 tiny.yaml -o new.h5", "error: --at 2: day.h5: it holds days 0 to 1"),
    ("fork whole.h5 --at 1 tiny.yaml -o day.h5", "error: day.h5: exists already; choose another name or add --force"),
    ("fork whole.h5 --at 1 tiny.yaml -o new.txt", "error: -o new.txt: a record ends in .h5"),
    ("fork whole.h5 --at 1 tiny.yaml -o new.h5 --set seed=3", "error: tiny cannot go on from whole.h5: seed is 3, there 7"),
    ("fork whole.h5 --at 1 tiny.yaml -o new.h5 --until 1", "error: --until: day 1 is not after the fork, day 1")])
def test_a_mistake_is_one_message_and_changes_nothing(command: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    make_broken()
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    assert main(command.split()) == 2
    said = capsys.readouterr()
    assert said.err.startswith(message) and said.err.count("\n") == 1 and said.out == ""
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    Path().chmod(0o555)
    try:
        assert main(["resume", "day.h5", "--until", "3"]) == 2
    finally:
        Path().chmod(0o755)
    assert "error: day.h5: cannot be written: " in capsys.readouterr().err
