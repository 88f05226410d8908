"""The verbs `inspect` and `export` as a user runs them: output, exit code, one message for every mistake."""

import json

import pytest

from tests.made_record import make_record
from tests.resealed import resealed

main = pytest.importorskip("lesionlab.sim.cli").main


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    return make_record(tmp_path_factory.mktemp("record") / "combined.h5", "combined")


def test_inspect_tells_what_a_record_is(record, capsys):
    assert main(["inspect", str(record)]) == 0
    seen = capsys.readouterr().out
    for part in ("complete (end of calendar)", "combined", "20210706", "replicate 0", "to day 1333",
                 "pelvis (not_evaluable, 3 cm)", "agrees with the checkpoint", "not for clinical use"):
        assert part in seen


def test_inspect_speaks_json(record, capsys):
    assert main(["inspect", str(record), "--json"]) == 0
    seen = json.loads(capsys.readouterr().out)
    assert (seen["status"], seen["committed_time_d"], seen["is_hash_confirmed"]) == ("complete", 1333.0, True)
    node = {"name": "mediastinum", "role": "target", "is_nodal": True, "is_occult": False, "baseline_cm": 8.3}
    assert seen["lesions"][1] == node
    assert len(seen["state_sha256"]) == 64
    assert seen["scenario_yaml"].startswith("schema: 1")


def test_inspect_finds_a_checkpoint_that_was_changed(tmp_path, capsys):
    path = make_record(tmp_path / "a.h5")
    with resealed(path) as file:
        file["checkpoint/neck/cell_state"][0, 0, 0] = 5
    assert main(["inspect", str(path)]) == 1
    assert "DOES NOT agree" in capsys.readouterr().out


def test_inspect_reads_an_unfinished_record(tmp_path, capsys):
    path = make_record(tmp_path / "a.h5", is_finished=False)
    with resealed(path) as file:
        file.attrs["committed_time_d"] = float("nan")
        file.attrs["state_sha256"] = ""
    assert main(["inspect", str(path)]) == 0
    seen = capsys.readouterr().out
    assert "interrupted" in seen
    assert "nothing committed yet" in seen
    assert main(["inspect", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["committed_time_d"] is None


@pytest.mark.parametrize("kind", ["csv", "parquet", "vtkhdf"])
def test_export_writes_prints_and_never_overwrites(record, tmp_path, capsys, kind):
    output = tmp_path / f"a.{kind}"
    command = ["export", str(record), "--to", kind, "-o", str(output)]
    assert main(command) == 0
    written = capsys.readouterr().out.split()
    assert len(written) == (4 if kind == "vtkhdf" else 1)
    assert main(command) == 2
    message = capsys.readouterr().err
    assert "exists already" in message
    assert "Traceback" not in message
    assert main([*command, "--force"]) == 0


def test_export_names_its_file_after_the_record(tmp_path, capsys):
    path = make_record(tmp_path / "arm.h5", "untreated")
    assert main(["export", str(path), "--to", "csv"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "arm.csv")


@pytest.mark.parametrize("command", [["inspect"], ["export", "--to", "csv"]])
def test_a_wrong_file_is_one_message(tmp_path, capsys, command):
    (tmp_path / "a.h5").write_text("no record")
    for name, message in (("a.h5", "damaged or no HDF5 file"), ("none.h5", "no such file")):
        assert main([*command, str(tmp_path / name)]) == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        assert message in shown.err
        assert len(shown.err.strip().splitlines()) == 1
