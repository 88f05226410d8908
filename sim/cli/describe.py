"""Describe the model: the order of its rules with the reason for each place, a rule, a parameter, a drug, or all; or the file format."""

import json
from argparse import ArgumentParser, Namespace
from types import ModuleType
from typing import Any

from lesionlab.sim import DISCLAIMER
from lesionlab.sim.cli import _drugs, _lists
from lesionlab.sim.parameters.errors import UserError, did_you_mean
from lesionlab.sim.parameters.quantities import Description, describe_group
from lesionlab.sim.scenario.couplings import MECHANISMS
from lesionlab.sim.scenario.json_schema import schema_text
from lesionlab.sim.scenario.load import bundled
from lesionlab.sim.schedule import PARAMETERS, SCHEDULE
from lesionlab.sim.state.declaration import table_of
from lesionlab.sim.state.state import KINDS
from lesionlab.sim.treatment.drug_library import library

HELP = "print the schedule, a process with its rule and parameters, one parameter, or the drugs that are known"
NO_TEXT = "(the text of this rule is in its source: Python runs without it, by -OO or PYTHONOPTIMIZE)"
HEADINGS = "| parameter | meaning | default | unit | may be set | prior | evidence | source |\n|---|---|---|---|---|---|---|---|"
DRUG_HEADINGS = "| parameter | meaning | value | unit | evidence | source |\n|---|---|---|---|---|---|"
DRUGS, OF_DRUGS = "drugs", ("pharmacokinetics", "checkpoint_blockade")
LISTS = {"scenarios": bundled, "mechanisms": _lists.mechanisms, "scenario": _lists.keys}
"""Lists of one line each, by the name that is asked for; `scenario` lists the keys of a scenario file."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("name", nargs="?", metavar="NAME",
                        help="a row of the schedule, a section of parameters, a parameter, a drug, a mechanism; or a list: "
                        "`scenarios`, `mechanisms`, `drugs`, `scenario` (the keys of a scenario file)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--table", action="store_true", help="print every parameter as Markdown tables")
    parser.add_argument("--state", action="store_true", help="print every field of the state, as a checkpoint holds it, as Markdown tables")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of scenario files, for editors")


def execute(options: Namespace) -> int:
    """Print what was asked for; raise UserError for an unknown name."""
    if options.schema:
        print(schema_text(), end="")
        return 0
    if options.table:
        print(_tables(), end="")
        return 0
    if options.state:
        print(_state_tables(), end="")
        return 0
    described = _schedule() if options.name is None else _named(options.name)
    print(json.dumps(described, indent=2) if options.json else _text(described))
    return 0


def _schedule() -> dict[str, Any]:
    """Return the schedule in order, and the sections of parameters that belong to no process."""
    rows = [{"name": row.name, "every": row.every, "rule": _rule(row.module).splitlines()[0], "why": row.why} for row in SCHEDULE]
    return {"schedule": rows, "other_parameters": [name for name in PARAMETERS if name not in {row.name for row in SCHEDULE}]}


def _named(name: str) -> dict[str, Any]:
    """Return a process with its rule and parameters, the parameters of this name with their sections, a drug, or all drugs."""
    if name == DRUGS:
        return {"classes": _drugs.classes(), "drugs": [_drugs.drug(known) for known in library()]}
    if name in LISTS:
        return {"list": LISTS[name]()}
    if name in MECHANISMS:
        return {"list": {name: _lists.mechanisms()[name]}}
    if name in library():
        return {"drug": _drugs.drug(name)}
    rules = {row.name: _rule(row.module) for row in SCHEDULE}
    rules |= {process: (group.__doc__ or NO_TEXT).strip() for process, group in PARAMETERS.items() if process not in rules}
    known = {process: [_parameter(process, one) for one in describe_group(group)] for process, group in PARAMETERS.items()}
    if name in rules:
        return {"name": name, "rule": rules[name], "parameters": known.get(name, [])}
    found = [one for group in known.values() for one in group if name in (one["name"], f"{one['section']}.{one['name']}")]
    if not found:
        names = dict.fromkeys([*rules, *(one["name"] for group in known.values() for one in group), DRUGS, *library(), *LISTS, *MECHANISMS])
        raise UserError(f"{name}: no process, parameter or drug has this name{did_you_mean(name, names)}")
    return {"parameters": found}


def _rule(module: "ModuleType") -> str:
    """Return a process's rule: the docstring of its file."""
    return (module.__doc__ or NO_TEXT).strip()


def _parameter(section: str, known: "Description") -> dict[str, Any]:
    return {"section": section, **known._asdict()}


def _text(described: dict[str, Any]) -> str:
    """Return a description for reading."""
    if "schedule" in described:
        lines = [f"{number:2}  {row['name']:<22} {row['rule']}\n    {'every ' + row['every']:<22} {row['why']}"
                 for number, row in enumerate(described["schedule"], 1)]
        return "\n".join([*lines, f"other parameters: {', '.join(described['other_parameters'])}",
                          "lists: lesionlab describe scenarios, mechanisms, drugs, scenario (keys of a scenario file)", f"{DISCLAIMER}."])
    if "list" in described:
        return _lists.text(described["list"])
    if "drug" in described or DRUGS in described:
        return _drugs.text_of_drug(described["drug"]) if "drug" in described else _drugs.text_of_classes()
    head = [described["name"], "", described["rule"], ""] if "name" in described else []
    if "name" in described and not described["parameters"]:
        head.append("no parameters of its own; those of each drug: lesionlab describe drugs" if described["name"] in OF_DRUGS else
                    "no parameters of its own")
    return "\n".join([*head, *(_parameter_text(known) for known in described["parameters"])])


def _parameter_text(known: dict[str, Any]) -> str:
    """Return one parameter in three lines."""
    unit = "" if known["unit"] == "1" else f" {known['unit']}"
    prior = (known["prior_low"], known["prior_high"])
    narrower = "" if prior == (known["low"], known["high"]) else f" (prior of this patient {prior[0]:g} to {prior[1]:g}{unit})"
    return (f"{known['section']}.{known['name']} = {known['default']:g}{unit}, {known['low']:g} to {known['high']:g}{unit}{narrower}\n"
            f"    {known['meaning']}\n    {known['evidence']}: {known['source']}")


def _tables() -> str:
    """Return every parameter of every section, then the parameters of the drugs, as a page of Markdown: docs/parameters.md."""
    sections = {name: (group, describe_group(group)) for name, group in PARAMETERS.items()}
    every = [known for _, group in sections.values() for known in group]
    counts = ", ".join(f"{sum(known.evidence == mark for known in every)} {mark}" for mark in ("case", "literature", "assumed"))
    blocks = ["# Parameters", f"{DISCLAIMER}. Defaults are not calibrated; what is fitted to the case stands in scenarios/fitted.",
              "Written by `lesionlab describe --table > docs/parameters.md`, in the order of the schedule; a test holds it to the code.\n"
              f"{len(every)} parameters: {counts}; then the drugs'. A value that may not be set is refused: it makes no physical sense.\n"
              "The prior is what is thought of this patient: calibration seeks within it, `check` names a value outside it.\n"
              "A dash: the same range."]
    for name, (group, described) in sections.items():
        if described:
            summary = (group.__doc__ or NO_TEXT).splitlines()[0]
            blocks.append(f"## {name}\n\n{summary}\n\n" + "\n".join([HEADINGS, *(_row(known) for known in described)]))
    return "\n\n".join([*blocks, *_drug_tables()]) + "\n"


def _row(known: "Description") -> str:
    return _cells(f"`{known.name}`", known.meaning, f"{known.default:g}", known.unit, f"{known.low:g} to {known.high:g}",
                  f"{known.prior_low:g} to {known.prior_high:g}" if known.has_narrower_prior else "-", known.evidence, known.source)


def _state_tables() -> str:
    """Return every field of the state as a page of Markdown: docs/state.md."""
    blocks = ["# State", f"{DISCLAIMER}.",
              "Everything that changes in a run, and what a checkpoint of a record holds under the path `systemic.FIELD`,\n"
              "`systemic.drugs.NAME.FIELD`, `lesion.NAME.FIELD` or `lesion.NAME.TABLE.FIELD`; texts are fixed by the scenario.\n"
              "Written by `lesionlab describe --state > docs/state.md` from the declarations in `sim/state/`; a test holds it to the code."]
    for kind in KINDS:
        blocks.append(f"## {kind.__name__}\n\n{(kind.__doc__ or NO_TEXT).splitlines()[0]}\n\n{table_of(kind)}")
    return "\n\n".join(blocks) + "\n"


def _drug_tables() -> list[str]:
    """Return a table of the classes, and one for each drug of the library."""
    rows = [_cells(f"`{row['name']}`", row["label"], f"`{row['process']}`", ", ".join(f"`{name}`" for name in row["couplings"]) or "-",
                   ", ".join(row["drugs"]) or "-") for row in _drugs.classes()]
    blocks = ["## drugs\n\nThe classes, and the drugs that a scenario may name without more.\n\n"
              + "\n".join(["| class | for readers | effect | couplings that need it | drugs |\n|---|---|---|---|---|", *rows])]
    for described in map(_drugs.drug, library()):
        rows = [_cells(f"`{one['name']}`", one["meaning"], f"{one['value']:g}", one["unit"], one["evidence"], one["source"])
                for one in described["values"]]
        note = f"{described['note']}\n\n" if described["note"] else ""
        blocks.append(f"### {described['name']}\n\nClass `{described['class']}`, {described['model'].replace('_', ' ')}.\n\n{note}"
                      + "\n".join([DRUG_HEADINGS, *rows]))
    return blocks


def _cells(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
