"""Parameters: every number of every rule carries unit, range, evidence and source, and is cast at the door."""

import json
import subprocess
import sys
from typing import Annotated, NamedTuple

import pytest
from pydantic import ValidationError

from lesionlab.sim.cli import main
from lesionlab.sim.parameters.quantities import build, describe_group, group_model, quantity
from lesionlab.sim.schedule import PARAMETERS, SCHEDULE


class Parameters(NamedTuple):
    """A made-up rule."""

    cycle_time_h: Annotated[float, quantity("h", "time from division to division", 10.0, 200.0, "assumed", "nobody measured it")] = 30.0
    n_hits: Annotated[int, quantity("1", "hits that kill", 1, 10, "literature", "a paper")] = 3


MODEL = group_model("made_up", Parameters)


class Narrow(NamedTuple):
    """A made-up rule whose parameter has a prior of its own."""

    share: Annotated[float, quantity("1", "a share", 0.0, 1.0, "assumed", "nobody measured it", prior=(0.4, 0.8))] = 0.6


def test_a_whole_number_in_a_float_field_becomes_a_float() -> None:
    """An int there would compile every kernel again."""
    built = build(Parameters, MODEL.model_validate_json('{"cycle_time_h": 40}'))
    assert built == Parameters(40.0, 3)
    assert [type(value) for value in built] == [float, int]


@pytest.mark.parametrize("text", [
    '{"cycle_time_h": 9.9}', '{"cycle_time_h": 201}', '{"cycle_time_h": "30"}', '{"cycle_time_h": true}', '{"n_hits": 2.5}',
    '{"cycle_time_d": 1}', '{"cycle_time_h": NaN}', '{"evidence": "guessed"}', '{"evidence": {"cycle_time": "case"}}',
])
def test_what_a_rule_cannot_take_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        MODEL.model_validate_json(text)


@pytest.mark.parametrize("text", ['{"evidence": "case", "note": "said so"}', '{"evidence": {"n_hits": "case"}}', "{}"])
def test_a_group_may_be_marked_as_a_whole_or_by_key(text: str) -> None:
    assert build(Parameters, MODEL.model_validate_json(text)) == Parameters()


def test_a_group_describes_itself() -> None:
    time, hits = describe_group(Parameters)
    assert (time.name, time.default, time.unit, time.low, time.high) == ("cycle_time_h", 30.0, "h", 10.0, 200.0)
    assert (hits.evidence, hits.source, hits.meaning) == ("literature", "a paper", "hits that kill")


def test_a_scenario_may_set_more_than_the_prior_of_the_patient_holds() -> None:
    """0.9 is no value for this patient, and allowed; 1.1 is no share."""
    (share,), (time, _) = describe_group(Narrow), describe_group(Parameters)
    assert build(Narrow, group_model("narrow", Narrow).model_validate_json('{"share": 0.9}')) == Narrow(0.9)
    with pytest.raises(ValidationError):
        group_model("narrow", Narrow).model_validate_json('{"share": 1.1}')
    assert [share.is_in_prior(value) for value in (0.39, 0.4, 0.8, 0.9)] == [False, True, True, False]
    assert share.has_narrower_prior and not time.has_narrower_prior
    assert (time.prior_low, time.prior_high) == (time.low, time.high)


@pytest.mark.parametrize(("path", "may_be_set", "prior"), [
    ("pd_l1.baseline_share", (0.0, 1.0), (0.05, 0.3)), ("vessels.vegf_dependent_fraction", (0.0, 1.0), (0.4, 0.8)),
    ("vegf_suppression.silenced_fraction", (0.0, 1.0), (0.0, 0.9)), ("radiobiology.alpha_per_gy", (0.0, 2.0), (0.15, 0.35))])
def test_what_may_be_set_is_physical_and_the_prior_is_this_patient_s(
        path: str, may_be_set: tuple[float, float], prior: tuple[float, float]) -> None:
    section, name = path.split(".")
    known = next(known for known in describe_group(PARAMETERS[section]) if known.name == name)
    assert ((known.low, known.high), (known.prior_low, known.prior_high)) == (may_be_set, prior)


def test_check_names_a_value_outside_the_prior(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "teaching", "--set", "pd_l1.baseline_share=0.7", "--set", "pd_l1.induced_share=0.9"])
    printed = capsys.readouterr().out
    assert "pd_l1.baseline_share = 0.7 1 (default 0.15), outside the prior 0.05 to 0.3" in printed
    assert "pd_l1.induced_share = 0.9 1 (default 0.8)\n" in printed


@pytest.mark.parametrize("process", PARAMETERS)
def test_every_parameter_is_documented_and_its_default_lies_in_its_range(process: str) -> None:
    for known in describe_group(PARAMETERS[process]):
        assert known.low <= known.default <= known.high, known
        assert known.low <= known.prior_low < known.prior_high <= known.high, known
        assert known.unit, known
        assert known.meaning, known
        assert known.source, known
        assert known.evidence in ("case", "literature", "assumed"), known


@pytest.mark.parametrize("process", PARAMETERS)
def test_the_default_of_a_section_is_the_default_of_its_rule(process: str) -> None:
    group = PARAMETERS[process]
    built = build(group, group_model(process, group)())
    assert built == group()
    assert [type(value) for value in built] == [type(value) for value in group()], "write a float default as 1.0, not 1"


UNITS = {"gy": "Gy", "mmHg": "mmHg", "h": "h", "d": "d", "um": "um", "cm": "cm", "mm2": "mm2", "um2": "um2"}


@pytest.mark.parametrize("process", PARAMETERS)
def test_a_unit_in_the_name_is_the_unit(process: str) -> None:
    for known in describe_group(PARAMETERS[process]):
        *stem, last = known.name.split("_")
        if last in UNITS:
            assert known.unit.endswith(("/" if stem[-1] == "per" else "") + UNITS[last]), known


def test_describe_prints_the_schedule_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe"]) == 0
    printed = capsys.readouterr().out
    places = [printed.index(f"{number:2}  {row.name} ") for number, row in enumerate(SCHEDULE, 1)]
    assert places == sorted(places)
    assert all(row.why in printed for row in SCHEDULE)


@pytest.mark.parametrize("process", [row.name for row in SCHEDULE])
def test_describe_prints_every_process(process: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", process, "--json"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert described["name"] == process
    assert described["rule"]
    group = PARAMETERS.get(process)
    assert [known["name"] for known in described["parameters"]] == list(group._fields if group else ())  # type: ignore[attr-defined]


def test_an_assumed_parameter_is_printed_as_assumed(capsys: pytest.CaptureFixture[str]) -> None:
    assumed = [known for group in PARAMETERS.values() for known in describe_group(group) if known.evidence == "assumed"]
    assert assumed
    for known in assumed:
        main(["describe", known.name])
        assert f"assumed: {known.source}" in capsys.readouterr().out


def test_a_parameter_is_found_by_name_and_by_section(capsys: pytest.CaptureFixture[str]) -> None:
    main(["describe", "lethal_burden_cells"])
    by_name = capsys.readouterr().out
    main(["describe", "clinic.lethal_burden_cells"])
    assert by_name == capsys.readouterr().out
    assert by_name.startswith("clinic.lethal_burden_cells = 1e+12 cells, 3e+11 to 3e+12 cells\n")


@pytest.mark.parametrize(("arguments", "heavy"), [
    (["--help"], {"numba", "mesa", "matplotlib", "h5py", "scipy", "numpy", "pandas", "pydantic"}),
    (["check", "teaching"], {"mesa", "matplotlib", "h5py", "pandas"}),
    (["run", "no_such_scenario"], {"mesa", "matplotlib", "pandas", "jinja2", "distributed"}),
])
def test_light_verbs_load_nothing_heavy(arguments: list[str], heavy: set[str]) -> None:
    code = f"import sys; from lesionlab.sim.cli import main; main({arguments!r}); print(' '.join(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy & set(done.stderr.split()) == set()
