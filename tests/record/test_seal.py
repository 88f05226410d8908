"""Damage: every change of a record is noticed, nothing outside it is read, and what can still be had of it is had."""

import os
import random
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import EXPECTED, load, load_snapshots
from lesionlab.sim.cli import main
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record import seal as record_seal
from lesionlab.sim.record.reader import opened, read_run, root_attributes
from lesionlab.sim.record.seal import SEAL_BYTES, examine
from tests.made_record import make_record
from tests.resealed import as_of_first_version, resealed


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_record(tmp_path_factory.mktemp("whole") / "a.h5", every_d=120.0, snapshot_every_d=400.0).read_bytes()


@pytest.fixture
def path(tmp_path: Path, whole: bytes) -> Path:
    (tmp_path / "a.h5").write_bytes(whole)
    return tmp_path / "a.h5"


def edit(path: Path) -> h5py.File:
    """Open a record as any other tool would; what it changes is not sealed."""
    return h5py.File(path, "r+")


def test_a_record_is_sealed_and_every_number_that_grows_has_a_checksum(path: Path) -> None:
    assert examine(path) == (True, ())
    with h5py.File(path) as file:
        grown = [item for _, item in record_seal.walk(file) if isinstance(item, h5py.Dataset) and item.chunks and item.dtype.kind != "O"]
        assert len(grown) > 50
        assert all(item.fletcher32 for item in grown if not item.name.rpartition("/")[2].startswith("axis_"))
        assert "missing value" in file.attrs["missing_values"]
        assert np.isnan(file["hypoxic_fraction_below_5_mmHg"].attrs["missing_value"])


def test_every_flipped_bit_is_noticed(path: Path, whole: bytes) -> None:
    stream = random.Random(1)
    for _ in range(12):
        place = stream.randrange(len(whole))
        damaged = bytearray(whole)
        damaged[place] ^= 1 << stream.randrange(8)
        path.write_bytes(damaged)
        assert root_attributes(path) == {}
        with pytest.raises(UserError, match=r"damaged|no record|record schema"):
            read_run(path)
    path.write_bytes(whole[:-1])
    with pytest.raises(UserError, match="damaged"):
        read_run(path)


def test_a_damaged_series_is_named_and_the_rest_is_had(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                       capsys: pytest.CaptureFixture[str]) -> None:
    with h5py.File(path) as file:
        chunk = file["viable_cells"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + 3] ^= 64
    path.write_bytes(content)
    record = load(path)
    assert record.damage == ("it is not as it was written", "viable_cells cannot be read")
    assert np.isnan(record.series["viable_cells"]).all() and np.isfinite(record.series["clonogens"]).all()
    assert main(["inspect", str(path)]) == 1
    assert "viable_cells cannot be read" in capsys.readouterr().out
    verbs = {2: [["resume", str(path)]], 1: [["export", str(path), "--to", "csv"], ["plot", str(path), "-o", str(tmp_path / "a.png")]]}
    for code, verb in [(code, verb) for code, listed in verbs.items() for verb in listed]:
        assert main(verb) == code
        assert "damaged" in capsys.readouterr().err
    assert (tmp_path / "a.png").exists() and (tmp_path / "a.csv").exists()
    monkeypatch.setattr("lesionlab.sim.cli._attempts.drawings", lambda records: [])
    assert main(["compare", str(path), "--no-animation", "-o", str(tmp_path / "out")]) == 1
    assert "damaged" in capsys.readouterr().out
    assert "damaged" in (tmp_path / "out/report.html").read_text() and "damaged" in (tmp_path / "out/summary.json").read_text()


def test_an_edited_record_is_not_taken_for_the_one_that_was_written(path: Path) -> None:
    with edit(path) as file:
        file.attrs["seed"] = 1
    assert load(path).damage == ("it is not as it was written",)
    with pytest.raises(UserError, match="not as it was written"):
        read_run(path)


def test_a_record_of_the_first_version_has_no_seal_and_is_read(path: Path) -> None:
    as_of_first_version(path)
    assert examine(path) == (False, ())
    assert load(path).damage == () and len(load_snapshots(path, "neck").time_d) > 0
    assert read_run(path).committed_d == 1333.0


def test_any_later_record_without_a_seal_is_damaged(path: Path) -> None:
    """Only version 0.1.0 wrote no seal; a record that lost its own, and a series with it, is not as it was written."""
    with edit(path) as file:
        del file.attrs["seal"], file["viable_cells"]
    assert examine(path) == (False, ("it is not as it was written",)) and root_attributes(path) == {}
    with pytest.raises(UserError, match="not as it was written"):
        read_run(path)


DAMAGE = {
    "a group for a dataset": lambda file: (file.__delitem__("time"), file.create_group("time")),
    "text for numbers": lambda file: (file.__delitem__("lesion_baseline_cm"), file.create_dataset("lesion_baseline_cm", data=["a"] * 4)),
    "another shape": lambda file: (file.__delitem__("event_value"), file.create_dataset("event_value", data=np.zeros((3, 3)))),
    "no attribute": lambda file: file.attrs.__delitem__("committed_time_d"),
    "an attribute of another type": lambda file: file.attrs.__setitem__("committed_time_d", "soon"),
    "an attribute of another shape": lambda file: file.attrs.__setitem__("replicate", [1, 2]),
    "no date": lambda file: file.attrs.__setitem__("start_date", "yesterday"),
    "a checkpoint that contains itself": lambda file: file["checkpoint"].__setitem__("more", file["checkpoint"]),
    "a soft link to itself": lambda file: (file.__delitem__("scenario_yaml"),
                                           file.__setitem__("scenario_yaml", h5py.SoftLink("/scenario_yaml"))),
    "a link to another file": lambda file: (file.__delitem__("scenario_yaml"),
                                            file.__setitem__("scenario_yaml", h5py.ExternalLink("other.h5", "/scenario_yaml"))),
    "values in another file": lambda file: file.create_dataset("secret", (100,), "u1", external=[("/etc/passwd", 0, 100)]),
    "eight terabytes": lambda file: file.create_dataset("huge", (10**12,), "f8", chunks=(1000,)),
    "a size with a flipped bit": lambda file: file["viable_cells"].resize(2**30, axis=0),
    "no checkpoint but a number": lambda file: (file.__delitem__("checkpoint"), file.create_dataset("checkpoint", data=1)),
    "lesions of one name": lambda file: file["lesion"].__setitem__(slice(None), ["neck"] * 4),
    "times that fall": lambda file: file["time"].__setitem__(0, 1e9),
    "no pictures": lambda file: file.__delitem__("snapshots"),
}


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("is_sealed", [False, True], ids=["as 0.1.0 left it", "sealed"])
def test_what_is_not_as_declared_is_refused_in_one_line(path: Path, kind: str, is_sealed: bool) -> None:
    if is_sealed:
        with resealed(path) as file:
            DAMAGE[kind](file)
    else:
        as_of_first_version(path)
        with edit(path) as file:
            DAMAGE[kind](file)
    for read, error in ((load, RecordError), (read_run, UserError)):
        with pytest.raises(error) as caught:
            read(path)
        assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_a_series_that_is_gone_is_missing_data(path: Path) -> None:
    with resealed(path) as file:
        del file["longest_diameter_cm"], file["t_cells_per_mm2"]
        file.create_group("t_cells_per_mm2")
    record = load(path)
    assert record.damage == ("longest_diameter_cm is not there", "t_cells_per_mm2 is not there")
    assert set(EXPECTED) <= set(record.series) and np.isnan(record.series["longest_diameter_cm"]).all()


def test_what_makes_the_library_abort_does_not_end_this_process(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_of_first_version(path)
    abort = "import sys, os\nos.abort()\n"
    (path.parent / "abort.py").write_text(abort)
    monkeypatch.setattr("lesionlab.sim.record.seal.__file__", str(path.parent / "abort.py"))
    for read, error in ((load, RecordError), (read_run, UserError)):
        with pytest.raises(error, match="damaged so that the HDF5 library fails on it"):
            read(path)
    (path.parent / "abort.py").write_text("while True: pass\n")
    os.utime(path, ns=(1, 1))
    monkeypatch.setattr("lesionlab.sim.record.seal.PROBE_S", 0.5)
    with pytest.raises(RecordError, match="does not come to an end"):
        load(path)


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.h5")
    for name in (tmp_path / "pipe.h5", Path("/dev/zero"), tmp_path):
        for read, error in ((load, RecordError), (read_run, UserError)):
            with pytest.raises(error, match="no regular file"):
                read(name)


def test_another_program_reads_a_sealed_record(path: Path) -> None:
    reading = "import h5py, sys; file = h5py.File(sys.argv[1]); print(len(file['time']), file.attrs['status'])"
    said = subprocess.run([sys.executable, "-c", reading, str(path)], capture_output=True, text=True, check=True).stdout
    assert said.split()[1] == "complete" and path.stat().st_size > SEAL_BYTES
    with opened(path) as file:
        assert said.split()[0] == str(len(file["time"]))


def test_a_record_that_another_library_holds_open_is_read(path: Path) -> None:
    with h5py.File(path, "r"):
        assert load(path).attributes["status"] == read_run(path).attributes["status"] == "complete"
