"""Files of the system: links are written through, of two at once one wins, and nothing is left of those who died."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.test_record import STATE, header

from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import load
from lesionlab.analysis.records.written import created, write_text
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.files import alone_in, clear_away, draft, is_in_use, left_behind, mark, temporary_folder, through_links
from lesionlab.sim.record.seal import examine
from lesionlab.sim.record.writer import RecordWriter, hash_arrays
from tests.made_record import make_record

ROOT = Path(__file__).resolve().parents[2]
RIVAL = """
import sys, time
from pathlib import Path
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.writer import RecordWriter, hash_arrays
from tests.test_record import STATE, header
path, begin = sys.argv[1], float(sys.argv[2])
time.sleep(max(0.0, begin - time.time()))
try:
    with RecordWriter(path, header(), is_forced=len(sys.argv) > 3) as writer:
        for day in range(3):
            writer.append(float(day), {"burden_cells": 1.0})
            writer.commit(STATE, hash_arrays(STATE), float(day), end_reason="end of calendar" if day == 2 else "")
            time.sleep(0.3)
    print("won")
except UserError as error:
    print(error)
"""


def commit(path: Path, is_forced: bool = False) -> None:
    with RecordWriter(path, header(), is_forced) as writer:
        writer.append(0.0, {"burden_cells": 1.0})
        writer.commit(STATE, hash_arrays(STATE), 0.0, end_reason="end of calendar")


def test_a_record_is_written_through_symbolic_links_and_the_links_stay(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far/a.h5", tmp_path / "b.h5"
    link.symlink_to("c.h5")
    (tmp_path / "c.h5").symlink_to("far/a.h5")
    commit(link)
    first = target.read_bytes()
    with pytest.raises(UserError, match=r"b\.h5: exists already"):
        commit(link)
    commit(link, is_forced=True)
    mark(link, mine=1)
    assert link.is_symlink() and (tmp_path / "c.h5").is_symlink() and not target.is_symlink()
    assert target.read_bytes() != first and load(target).attributes["mine"] == 1
    assert sorted(os.listdir(tmp_path)) == ["b.h5", "c.h5", "far"] and os.listdir(tmp_path / "far") == ["a.h5"]


def test_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "loop.h5").symlink_to("loop.h5")
    (tmp_path / "null.h5").symlink_to("/dev/null")
    os.mkfifo(tmp_path / "pipe.h5")
    (tmp_path / "folder.h5").mkdir()
    others = {"loop": "leads back to itself", "null": "no regular file", "pipe": "no regular file", "folder": "is a folder"}
    for name, said in others.items():
        with pytest.raises(UserError, match=said):
            commit(tmp_path / f"{name}.h5", is_forced=True)
        with pytest.raises(RecordError):
            write_text(tmp_path / f"{name}.h5", "x")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("is_forced", [False, True], ids=["a new file", "over one that is there"])
def test_of_runs_that_begin_one_file_at_once_one_wins_and_the_others_say_so(tmp_path: Path, is_forced: bool) -> None:
    path = tmp_path / "a.h5"
    if is_forced:
        commit(path)
    command = [sys.executable, "-c", RIVAL, str(path), str(time.time() + 4.0), *["--force"] * is_forced]
    rivals = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = sorted(rival.communicate()[0].strip() for rival in rivals)
    assert said.count("won") == 1
    others = [line for line in said if line != "won"]
    allowed = ("another run has just begun it", "exists already", "another program has it open")
    assert all(line.startswith(str(path)) and any(words in line for words in allowed) and "\n" not in line for line in others), others
    assert load(path).time_d.tolist() == [0.0, 1.0, 2.0] and load(path).attributes["status"] == "complete"
    assert os.listdir(tmp_path) == ["a.h5"]


def test_the_draft_of_one_that_lives_stays_and_of_one_that_died_goes(tmp_path: Path) -> None:
    target = tmp_path / "a.h5"
    holding = ("import sys, time\nfrom pathlib import Path\nimport lesionlab.sim.record.files as f\nf._CAN_BE_NAMELESS = False\n"
               "with f.draft(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n")
    process = subprocess.Popen([sys.executable, "-c", holding, str(target)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    waiting = next(iter(tmp_path.iterdir()))
    assert waiting.name.startswith(f".a.h5.{process.pid}-") and is_in_use(waiting) and left_behind(target) == []
    clear_away(target)
    assert waiting.exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert left_behind(target) == [waiting]
    (tmp_path / ".a.h5.writing").write_text("left by 0.1.0")
    commit(target)
    assert os.listdir(tmp_path) == ["a.h5"]


def test_without_nameless_files_the_same_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lesionlab.sim.record.files._CAN_BE_NAMELESS", False)
    commit(tmp_path / "a.h5")
    commit(tmp_path / "a.h5", is_forced=True)
    with pytest.raises(UserError, match="exists already"):
        commit(tmp_path / "a.h5")
    assert os.listdir(tmp_path) == ["a.h5"] and examine(tmp_path / "a.h5") == (True, ())


def test_a_draft_never_takes_the_place_of_what_came_first(tmp_path: Path) -> None:
    for can_be_nameless in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("lesionlab.sim.record.files._CAN_BE_NAMELESS", can_be_nameless and hasattr(os, "O_TMPFILE"))
            target = tmp_path / f"{can_be_nameless}"
            with draft(target) as made:
                target.write_text("the winner's")
                with pytest.raises(FileExistsError):
                    made.place(is_new=True)
            assert target.read_text() == "the winner's"
    assert sorted(os.listdir(tmp_path)) == ["False", "True"]


def test_the_rights_of_a_file_that_is_replaced_stay(tmp_path: Path) -> None:
    path = make_record(tmp_path / "a.h5", every_d=400.0)
    path.chmod(0o640)
    mark(path, mine=2)
    write_text(path.with_suffix(".txt"), "one")
    path.with_suffix(".txt").chmod(0o600)
    write_text(path.with_suffix(".txt"), "two")
    assert path.stat().st_mode & 0o777 == 0o640 and path.with_suffix(".txt").stat().st_mode & 0o777 == 0o600


def test_a_folder_is_for_one_at_a_time(tmp_path: Path) -> None:
    holding = ("import sys, time\nfrom pathlib import Path\nfrom lesionlab.sim.record.files import alone_in\n"
               "with alone_in(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n")
    process = subprocess.Popen([sys.executable, "-c", holding, str(tmp_path / "out")], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    with pytest.raises(UserError, match="another run of LesionLab writes there"), alone_in(tmp_path / "out"):
        pass
    process.kill()
    process.wait()
    with alone_in(tmp_path / "out"):
        assert list((tmp_path / "out").iterdir()) == []


def test_temporary_folders_of_the_dead_are_cleared_away(tmp_path: Path) -> None:
    with temporary_folder(tmp_path) as mine:
        (tmp_path / "lesionlab-run-dead").mkdir()
        (tmp_path / "lesionlab-run-dead/file").write_text("left")
        (tmp_path / "other").mkdir()
        with temporary_folder(tmp_path) as second:
            assert mine.is_dir() and second.is_dir() and not (tmp_path / "lesionlab-run-dead").exists()
    assert os.listdir(tmp_path) == ["other"]


def test_outputs_of_two_at_once_do_not_touch_each_other(tmp_path: Path) -> None:
    path, both = tmp_path / "a.txt", threading.Barrier(2)
    said: list[str] = []

    def write(text: str) -> None:
        try:
            with created(path, is_forced=False) as unfinished:
                unfinished.write_text(text)
                both.wait()
            said.append(text)
        except RecordError as error:
            said.append(str(error))

    threads = [threading.Thread(target=write, args=(text,)) for text in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [text for text in said if text in ("one", "two")]
    assert len(won) == 1 and path.read_text() == won[0] and os.listdir(tmp_path) == ["a.txt"]
    assert any("another program has written it meanwhile" in text for text in said)


def test_through_links_names_the_file_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    assert through_links(tmp_path / "a") == tmp_path / "b"
    with pytest.raises(UserError, match="cannot be written"):
        through_links("a\0b")
