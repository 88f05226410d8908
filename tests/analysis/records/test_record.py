"""The loader: what was written comes back, only what was committed counts, and a wrong file is one clear message."""

from datetime import datetime

import h5py
import numpy as np
import pytest

from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import dates, load, load_snapshots
from tests.made_record import LESIONS, PER_LESION, SHAPE, SYSTEMIC, make_record
from tests.resealed import resealed


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return make_record(tmp_path_factory.mktemp("record") / "combined.h5", "combined")


def test_a_record_comes_back_whole(path):
    record = load(path)
    assert record.lesions == tuple(LESIONS)
    assert record.roles == ("target", "target", "not_evaluable", "non_target")
    assert record.nodal == (False, True, False, False)
    assert record.occult == (False, False, False, True)
    assert record.baseline_cm.tolist() == [10.0, 8.3, 3.0, 0.1]
    assert (record.drugs, record.drug_classes) == (("toripalimab", "anlotinib"), ("anti_pd1", "vegfr_tki"))
    assert set(record.series) == {*PER_LESION, *SYSTEMIC, "drug_level"}
    assert record.units["longest_diameter_cm"] == "cm"
    assert record.attributes["seed"] == 20210706
    assert record.scenario_yaml.startswith("schema: 1")
    n_rows = len(record.time_d)
    assert {values.shape for values in record.series.values()} == {(n_rows,), (n_rows, 4), (n_rows, 2)}
    assert record.of_lesion("longest_diameter_cm", "mediastinum")[0] == 8.3


def test_events_carry_dose_lesion_and_label(path):
    events = load(path).events
    fractions = [event for event in events if event.kind == "fraction" and event.lesion == "neck"]
    assert [event.time_d for event in fractions] == [0, 1, 2, 3, 4, 7, 8, 9, 10, 11]
    assert fractions[0][2:] == ("neck", "neck course", 3.0, 4.0)
    assert [event.time_d for event in events] == sorted(event.time_d for event in events)


def test_days_become_dates(path):
    record = load(path)
    assert dates(record)[0] == datetime(2021, 7, 6)
    assert len(dates(record)) == len(record.time_d)
    assert dates(record, [66.0, 66.5]) == [datetime(2021, 9, 10), datetime(2021, 9, 10, 12)]


def test_snapshots_carry_their_own_coordinates(path):
    snapshots = load_snapshots(path, "neck")
    assert snapshots.cell_state.shape == (len(snapshots.time_d), *SHAPE)
    assert snapshots.oxygen.dtype == np.float32
    assert (len(snapshots.z_um), len(snapshots.y_um), len(snapshots.x_um)) == SHAPE
    assert snapshots.x_um.mean() == 0
    assert np.diff(snapshots.x_um).tolist() == [20.0] * (SHAPE[2] - 1)
    assert snapshots.scale.shape == snapshots.time_d.shape


def test_an_arm_without_drugs_and_with_an_early_end_is_read(tmp_path):
    record = load(make_record(tmp_path / "untreated.h5", "untreated"))
    assert record.drugs == ()
    assert record.series["drug_level"].shape == (len(record.time_d), 0)
    assert record.events[-1].kind == "lethal_burden"
    assert record.time_d[-1] == record.events[-1].time_d


def test_what_lies_beyond_the_last_commit_is_not_read(tmp_path):
    path = make_record(tmp_path / "a.h5")
    with resealed(path) as file:
        file.attrs["committed_time_d"] = 70.0
    record = load(path)
    assert record.time_d[-1] == 70.0
    assert record.series["viable_cells"].shape == (len(record.time_d), 4)
    assert max(event.time_d for event in record.events) == 70.0
    assert load_snapshots(path, "neck").time_d.max() <= 70.0


def test_a_record_without_a_commit_is_empty(tmp_path):
    path = make_record(tmp_path / "a.h5")
    with resealed(path) as file:
        file.attrs["committed_time_d"] = np.nan
    record = load(path)
    assert len(record.time_d) == 0
    assert record.events == []


def test_unknown_names_are_shown_with_what_there_is(path):
    with pytest.raises(RecordError, match="no lesion nekc; lesions: neck, mediastinum, pelvis, liver"):
        load_snapshots(path, "nekc")
    with pytest.raises(RecordError, match="no series burden of lesion neck"):
        load(path).of_lesion("burden", "neck")


def test_a_missing_file_is_one_message(tmp_path):
    with pytest.raises(RecordError, match="no such file"):
        load(tmp_path / "none.h5")
    with pytest.raises(RecordError, match="no regular file"):
        load(tmp_path)


def test_a_file_that_is_no_hdf5_is_one_message(tmp_path):
    (tmp_path / "a.h5").write_text("schema: 1\n")
    with pytest.raises(RecordError, match="damaged or no HDF5 file") as caught:
        load(tmp_path / "a.h5")
    assert "\n" not in str(caught.value)


def test_a_foreign_file_is_one_message(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["schema"] = "something else"
    with pytest.raises(RecordError, match="no LesionLab record"):
        load(tmp_path / "a.h5")


def test_a_record_of_another_major_version_is_one_message(tmp_path):
    path = make_record(tmp_path / "a.h5")
    with resealed(path) as file:
        file.attrs["schema_version"] = "2.0.0"
    with pytest.raises(RecordError, match=r"schema version 2\.0\.0"):
        load(path)


@pytest.mark.parametrize("kept", [0, 1, 100, 5_000, 200_000])
def test_a_truncated_record_is_one_message(tmp_path, kept):
    path = make_record(tmp_path / "a.h5")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(RecordError, match="damaged or no HDF5 file"):
        load(path)


def test_a_record_that_lacks_a_part_is_one_message(tmp_path):
    path = make_record(tmp_path / "a.h5")
    with resealed(path) as file:
        del file["lesion_role"]
    with pytest.raises(RecordError, match="damaged"):
        load(path)
