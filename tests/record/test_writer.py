"""The writer: what a record holds after commits, kills and mistakes, and that every netCDF reader opens it."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.files import left_behind
from lesionlab.sim.record.layout import round_mantissa
from lesionlab.sim.record.writer import DrugHeader, Header, LesionHeader, RecordWriter, Series, hash_arrays, read_checkpoint
from tests.made_record import make_record

SHAPE = (1, 6, 8)
LESIONS = (LesionHeader("neck", "target", False, False, 10.0, SHAPE, 20.0),
           LesionHeader("liver", "non_target", False, True, 0.1, (1, 5, 5), 20.0))
SERIES = (Series("burden_cells", "1", "burden", ("time",)), Series("viable_cells", "1", "cells", ("time", "lesion")),
          Series("drug_level", "1", "level", ("time", "drug")))
DRUGS = (DrugHeader("toripalimab", "anti_pd1", "mg/L"),)
STATE = {"neck/cells": np.arange(48, dtype=np.uint8).reshape(SHAPE), "neck/flags": np.arange(100) % 3 == 0,
         "t_cells": np.zeros((0, 3), np.float32), "step": np.array(7, dtype=np.int64),
         "oxygen": np.linspace(0, 1, 500, dtype=">f4")}


def header(drugs=DRUGS):
    return Header({"arm": "made", "seed": 1, "replicate": 0, "is_quick": True, "start_date": "2021-07-06", "end_date": "2021-12-06",
                   "code_version": "0.0.0"}, "schema: 1\n", LESIONS, drugs, SERIES)


def write_day(writer, day):
    writer.append(day, {"burden_cells": 10.0 * day, "viable_cells": [day, 2.0]})


def snapshot(oxygen=20.0):
    return {"cell_state": np.ones(SHAPE), "oxygen": np.full(SHAPE, oxygen), "t_cells": np.zeros(SHAPE),
            "vessels": np.zeros(SHAPE), "scale": 12.5}


def test_committed_rows_events_and_snapshots_are_read_back(tmp_path):
    with RecordWriter(tmp_path / "a.h5", header()) as writer:
        for segment in range(3):
            for day in range(200 * segment, 200 * (segment + 1)):
                write_day(writer, day)
            writer.event(200.0 * segment, "fraction", "neck", "first course", 3.0, 4.0)
            writer.snapshot("neck", 200.0 * segment, **snapshot())
            writer.commit(STATE, hash_arrays(STATE), 200.0 * segment + 199)
        writer.finish("end of calendar")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["time"][:].tolist() == list(range(600))
        assert file["burden_cells"][:].tolist() == [10.0 * day for day in range(600)]
        assert np.isnan(file["drug_level"][:]).all()
        assert file["event_time_d"][:].tolist() == [0.0, 200.0, 400.0]
        assert file["event_label"].asstr()[:].tolist() == ["first course"] * 3
        assert file["snapshots/neck/cell_state"].shape == (3, *SHAPE)
        assert file["snapshots/liver/cell_state"].shape == (0, 1, 5, 5)
        assert dict(file.attrs)["status"] == "complete"
        assert dict(file.attrs)["end_reason"] == "end of calendar"


def test_a_checkpoint_comes_back_with_its_bytes_and_its_hash(tmp_path):
    with RecordWriter(tmp_path / "a.h5", header()) as writer:
        writer.commit({"old": np.ones(3)}, "0", 1.0)
        writer.commit(STATE, hash_arrays(STATE), 2.0)
    time_d, arrays = read_checkpoint(tmp_path / "a.h5")
    assert time_d == 2.0
    assert {name: (array.dtype, array.shape) for name, array in arrays.items()} == {
        name: (array.dtype, array.shape) for name, array in STATE.items()}
    assert hash_arrays(arrays) == hash_arrays(STATE)


def test_kept_checkpoints_stay_and_are_found_by_day(tmp_path):
    with RecordWriter(tmp_path / "a.h5", header()) as writer:
        for day in (0, 5, 6, 10, 11):
            state = STATE | {"step": np.array(day)}
            writer.commit(state, hash_arrays(state), float(day), is_kept=day % 5 == 0)
    found = {at_d: read_checkpoint(tmp_path / "a.h5", at_d) for at_d in (0.0, 4.0, 5.0, 9.0, 10.5, 11.0)}
    assert {at_d: (day, int(arrays["step"])) for at_d, (day, arrays) in found.items()} == {
        0.0: (0, 0), 4.0: (0, 0), 5.0: (5, 5), 9.0: (5, 5), 10.5: (10, 10), 11.0: (11, 11)}
    assert read_checkpoint(tmp_path / "a.h5")[0] == 11.0


def test_the_space_of_old_checkpoints_is_used_again(tmp_path):
    sizes, stream = [], np.random.default_rng(1)
    with RecordWriter(tmp_path / "a.h5", header()) as writer:
        for day in range(40):
            state = {"noise": stream.random(20_000)}
            writer.commit(state, hash_arrays(state), float(day))
            sizes.append((tmp_path / "a.h5").stat().st_size)
    assert max(sizes) < sizes[0] + 2 * 160_000


def test_the_hash_is_over_sorted_names_types_shapes_and_bytes():
    first, second = np.array([[1, 2], [3, 4]], dtype="<i2"), np.array(2.5)
    expected = hashlib.sha256(b"a\0<i2(2, 2)" + bytes([1, 0, 2, 0, 3, 0, 4, 0]) + b"b\0<f8()" + second.tobytes()).hexdigest()
    assert hash_arrays({"b": second, "a": np.asfortranarray(first)}) == expected
    assert hash_arrays({"b": second, "a": first.ravel()}) != expected


def test_every_change_of_the_state_changes_the_hash():
    reference = hash_arrays(STATE)
    for name, array in STATE.items():
        if array.size:
            changed = array.copy()
            changed.flat[0] = not changed.flat[0]
            assert hash_arrays(STATE | {name: changed}) != reference, name


@pytest.mark.parametrize("drugs", [DRUGS, ()], ids=["one drug", "no drug"])
def test_every_reader_of_netcdf_opens_a_record_without_a_warning(tmp_path, drugs):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    with RecordWriter(tmp_path / "a.h5", header(drugs)) as writer:
        write_day(writer, 0)
        writer.event(0.0, "scan")
        writer.snapshot("neck", 0.0, **snapshot())
        writer.commit(STATE, hash_arrays(STATE), 0.0, is_kept=True)
        writer.finish("end of calendar")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with xarray.open_dataset(tmp_path / "a.h5", engine="h5netcdf") as dataset:
            assert dataset["viable_cells"].sel(lesion="neck", time=0).item() == 0
            assert dataset["time"].attrs["units"] == "d"
        with xarray.open_datatree(tmp_path / "a.h5") as tree:
            tree.load()
            assert tree["snapshots/neck/oxygen"].dims == ("snapshot_time", "z", "y", "x")
            for group in ("checkpoint", "checkpoints/0"):
                assert set(tree[group].data_vars) == {"t_cells", "step", "oxygen"}


def test_h5dump_reads_a_record(tmp_path):
    if not shutil.which("h5dump"):
        pytest.skip("h5dump is not installed (hdf5-tools)")
    path = make_record(tmp_path / "a.h5")
    shown = subprocess.run(["h5dump", "-H", path], capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stderr) == (0, "")


def test_every_axis_has_a_scale_and_every_number_a_unit(tmp_path):
    def check(name, item):
        if not isinstance(item, h5py.Dataset) or name.startswith("checkpoint/axis_"):
            return
        assert item.attrs["long_name"], name
        assert h5py.check_string_dtype(item.dtype) or item.attrs["units"], name
        assert item.is_scale or all(len(axis) == 1 for axis in item.dims), name
        assert item.compression in (None, "gzip"), name

    with h5py.File(make_record(tmp_path / "a.h5")) as file:
        file.visititems(check)
        assert file["snapshots/neck/cell_state"].compression_opts == 1
        assert file["snapshots/neck/oxygen"].compression_opts == 4
        assert file["snapshots/neck/cell_state"].attrs["flag_meanings"].split()[7] == "necrotic"
        assert "clinical" in file.attrs["disclaimer"]


def test_fields_keep_ten_mantissa_bits():
    values = np.random.default_rng(1).uniform(1e-3, 100, 10_000).astype(np.float32)
    rounded = round_mantissa(values)
    assert np.abs(rounded / values - 1).max() <= 2**-11
    assert not (rounded.view(np.uint32) & 0x1FFF).any()
    assert np.isnan(round_mantissa(np.array([np.nan]))[0])
    assert round_mantissa(np.array([0.0, np.inf, -2.0])).tolist() == [0.0, np.inf, -2.0]


def test_an_existing_file_is_never_replaced_without_force(tmp_path):
    path = tmp_path / "a.h5"
    path.write_text("mine")
    with pytest.raises(UserError, match="exists already"):
        RecordWriter(path, header())
    assert path.read_text() == "mine"
    with RecordWriter(path, header(), is_forced=True) as writer:
        write_day(writer, 0)
        assert path.read_text() == "mine"
        writer.commit(STATE, hash_arrays(STATE), 0.0)
        assert h5py.is_hdf5(path)
        assert os.listdir(tmp_path) == ["a.h5"]


def test_a_forced_run_that_commits_nothing_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.h5"
    path.write_text("mine")
    with RecordWriter(path, header(), is_forced=True) as writer:
        write_day(writer, 0)
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == ["a.h5"]


def test_force_keeps_the_old_file_when_the_new_one_cannot_be_made(tmp_path):
    path = tmp_path / "a.h5"
    path.write_text("mine")
    broken = Header({"arm": object()}, "", LESIONS, DRUGS, SERIES)
    with pytest.raises(TypeError):
        RecordWriter(path, broken, is_forced=True)
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == ["a.h5"]


def test_a_place_that_cannot_be_written_is_the_users_mistake(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        RecordWriter(tmp_path / "file" / "a.h5", header())


@pytest.mark.parametrize(("error", "status"), [
    (KeyboardInterrupt(), "interrupted"), (ValueError("too\nbad"), "failed: ValueError: too bad"), (None, "interrupted")])
def test_leaving_early_keeps_what_was_committed_and_says_why(tmp_path, error, status):
    def leave_early():
        with RecordWriter(tmp_path / "a.h5", header()) as writer:
            write_day(writer, 0)
            writer.commit(STATE, hash_arrays(STATE), 0.0)
            write_day(writer, 1)
            if error:
                raise error

    if error:
        with pytest.raises(type(error)):
            leave_early()
    else:
        leave_early()
    with h5py.File(tmp_path / "a.h5") as file:
        assert file.attrs["status"] == status
        assert file["time"][:].tolist() == [0.0]


def test_ctrl_c_waits_for_the_end_of_a_commit(tmp_path, monkeypatch):
    monkeypatch.setattr("lesionlab.sim.record.writer.add_checkpoint", lambda *_: os.kill(os.getpid(), signal.SIGINT))

    def write():
        with RecordWriter(tmp_path / "a.h5", header()) as writer:
            write_day(writer, 3)
            writer.commit(STATE, hash_arrays(STATE), 3.0)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            write()
    finally:
        signal.signal(signal.SIGINT, before)
    with h5py.File(tmp_path / "a.h5") as file:
        assert (file.attrs["status"], file.attrs["committed_time_d"], file["time"][:].tolist()) == ("interrupted", 3.0, [3.0])


def test_mistakes_of_the_caller_are_refused(tmp_path):
    with RecordWriter(tmp_path / "a.h5", header()) as writer:
        with pytest.raises(ValueError, match="not declared"):
            writer.append(0.0, {"burden": 1.0})
        with pytest.raises(ValueError, match="shape"):
            writer.append(0.0, {"viable_cells": [1.0]})
        with pytest.raises(ValueError, match="declared"):
            writer.snapshot("liver", 0.0, **snapshot())
        write_day(writer, 1)
        with pytest.raises(ValueError, match="does not rise"):
            write_day(writer, 1)
        with pytest.raises(ValueError, match="commit before finish"):
            writer.finish("end of calendar")


def test_buffered_arrays_are_copies(tmp_path):
    cells, section = np.array([1.0, 2.0]), snapshot()
    with RecordWriter(tmp_path / "a.h5", header()) as writer:
        writer.append(0.0, {"viable_cells": cells})
        writer.snapshot("neck", 0.0, **section)
        cells[:] = 0
        section["cell_state"][:] = 0
        writer.commit(STATE, hash_arrays(STATE), 0.0)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["viable_cells"][0].tolist() == [1.0, 2.0]
        assert file["snapshots/neck/cell_state"][:].all()


def test_a_record_without_a_commit_has_no_checkpoint(tmp_path):
    with RecordWriter(tmp_path / "a.h5", header()):
        pass
    with pytest.raises(UserError, match="no checkpoint"):
        read_checkpoint(tmp_path / "a.h5")
    with pytest.raises(UserError, match="no such record"):
        read_checkpoint(tmp_path / "none.h5")


KILLED = """
import os, signal, sys, threading, time
from tests.record.test_writer import STATE, RecordWriter, hash_arrays, header, snapshot, write_day
path, delay_s = sys.argv[1], float(sys.argv[2])
with RecordWriter(path, header()) as writer:
    for segment in range(10**6):
        for day in range(10 * segment, 10 * segment + 10):
            write_day(writer, day)
        writer.snapshot("neck", 10.0 * segment, **snapshot())
        state = STATE | {"step": STATE["step"] + segment}
        writer.commit(state, hash_arrays(state), 10.0 * segment + 9)
        if segment == 2:
            print("committed", flush=True)
            if not delay_s:
                write_day(writer, 30)
                os.kill(os.getpid(), signal.SIGKILL)
            kill = threading.Timer(delay_s, os.kill, (os.getpid(), signal.SIGKILL))
            kill.start()
"""


@pytest.mark.parametrize("delay_s", [0.0, 0.011, 0.034, 0.057, 0.103])
def test_a_killed_writer_leaves_what_was_committed(tmp_path, delay_s):
    path = tmp_path / "a.h5"
    command = [sys.executable, "-c", KILLED, str(path), str(delay_s)]
    killed = subprocess.run(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert set(os.listdir(tmp_path)) <= {"a.h5", *(path.name for path in left_behind(path))}
    with h5py.File(path) as file:
        committed_d = file.attrs["committed_time_d"]
        assert file.attrs["status"] == "running"
        assert committed_d == 29 if delay_s == 0 else committed_d >= 29
        assert file["time"][:].tolist() == list(range(int(committed_d) + 1))
        np.testing.assert_array_equal(file["burden_cells"][:], 10.0 * np.arange(committed_d + 1))
    time_d, state = read_checkpoint(path)
    assert state["step"] == STATE["step"] + (time_d - 9) / 10
