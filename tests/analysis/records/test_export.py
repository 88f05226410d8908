"""Exports: tidy tables and VTKHDF image data say what the record says, and never replace a file unasked."""

import csv
import os

import h5py
import numpy as np
import pytest

from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.export import Row, tidy_rows, write_csv, write_parquet, write_vtkhdf
from lesionlab.analysis.records.record import load, load_snapshots
from tests.made_record import SHAPE, make_record
from tests.resealed import resealed


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    return load(make_record(tmp_path_factory.mktemp("record") / "combined.h5", "combined", replicate=2))


def test_a_tidy_row_is_one_value_with_its_unit(record):
    rows = {(row.lesion, row.quantity, row.time_d): row for row in tidy_rows(record)}
    assert rows["neck", "t_cells_per_mm2", 0.0] == Row("combined", 2, 0.0, "neck", "t_cells_per_mm2", "mm-2", 320.0)
    assert rows["", "drug_level:toripalimab", 66.0] == Row("combined", 2, 66.0, "", "drug_level:toripalimab", "mg/L", 60.0)
    assert rows["", "burden_cells", 0.0].unit == "1"
    assert len(rows) == len(record.time_d) * (29 * 4 + 7 + 2)


def test_missing_values_have_no_row(record):
    values = record.series["burden_cells"].copy()
    values[3:] = np.nan
    record = load(record.path)
    record.series["burden_cells"] = values
    assert [row.time_d for row in tidy_rows(record) if row.quantity == "burden_cells"] == [0.0, 7.0, 14.0]


def test_csv_holds_every_row_exactly(record, tmp_path):
    assert write_csv(record, tmp_path / "a.csv") == (tmp_path / "a.csv",)
    with open(tmp_path / "a.csv", newline="") as file:
        heading, *lines = csv.reader(file)
    assert heading == ["arm", "replicate", "time_d", "lesion", "quantity", "unit", "value"]
    expected = list(tidy_rows(record))
    assert len(lines) == len(expected)
    assert [Row(line[0], int(line[1]), float(line[2]), *line[3:6], float(line[6])) for line in lines[:2000]] == expected[:2000]


def test_parquet_holds_the_same_table(record, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    write_parquet(record, tmp_path / "a.parquet")
    table = parquet.read_table(tmp_path / "a.parquet")
    assert table.column_names == list(Row._fields)
    assert b"clinical" in table.schema.metadata[b"disclaimer"]
    assert [Row(*row.values()) for row in table.slice(0, 2000).to_pylist()] == list(tidy_rows(record))[:2000]


def test_an_empty_record_gives_an_empty_table(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    path = make_record(tmp_path / "a.h5")
    with resealed(path) as file:
        file.attrs["committed_time_d"] = np.nan
    write_parquet(load(path), tmp_path / "a.parquet")
    assert parquet.read_table(tmp_path / "a.parquet").num_rows == 0
    assert write_vtkhdf(load(path), tmp_path / "a.vtkhdf") == ()


def test_vtkhdf_has_a_file_a_lesion_with_every_time_step(record, tmp_path):
    paths = write_vtkhdf(record, tmp_path / "a.vtkhdf")
    assert [path.name for path in paths] == [f"a_{lesion}.vtkhdf" for lesion in record.lesions]
    snapshots = load_snapshots(record.path, "neck")
    with h5py.File(paths[0]) as file:
        group = file["VTKHDF"]
        assert group.attrs["Type"] == b"ImageData"
        assert group.attrs["WholeExtent"].tolist() == [0, SHAPE[2], 0, SHAPE[1], 0, SHAPE[0]]
        assert group.attrs["Spacing"].tolist() == [20.0] * 3
        assert (group.attrs["Origin"] + group.attrs["Spacing"] * SHAPE[::-1] / 2).tolist() == [0.0] * 3
        assert group["Steps"].attrs["NSteps"] == len(snapshots.time_d)
        assert group["Steps/Values"][:].tolist() == snapshots.time_d.tolist()
        assert group["Steps/CellDataOffsets/oxygen"][:].tolist() == list(range(len(snapshots.time_d)))
        np.testing.assert_array_equal(group["CellData/cell_state"][:], snapshots.cell_state)


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_an_existing_file_is_replaced_only_by_force(record, tmp_path, write):
    path = tmp_path / "a.out"
    path.write_text("mine")
    with pytest.raises(RecordError, match="exists already"):
        write(record, path)
    assert path.read_text() == "mine"
    write(record, path, is_forced=True)
    assert path.stat().st_size > 1000
    assert os.listdir(tmp_path) == ["a.out"]


def test_no_lesion_is_written_when_one_file_exists(record, tmp_path):
    (tmp_path / "a_liver.vtkhdf").write_text("mine")
    with pytest.raises(RecordError, match=r"a_liver\.vtkhdf: exists already"):
        write_vtkhdf(record, tmp_path / "a.vtkhdf")
    assert os.listdir(tmp_path) == ["a_liver.vtkhdf"]


def test_a_place_that_cannot_be_written_is_one_message(record, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match="cannot be written"):
        write_csv(record, tmp_path / "file" / "a.csv")
