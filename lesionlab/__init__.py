"""LesionLab: an agent-based simulator of tumour, immune system and vessels under therapy. Illustrative, not for clinical use.

    import lesionlab

    teaching = lesionlab.load_scenario("teaching")
    slower = teaching.with_(arm="slower", cell_cycle={"cycle_time_h": 36})
    records = lesionlab.run_arms([teaching, slower], replicates=4)
    comparison = lesionlab.compare(records)
    comparison.differences("slower", "teaching")

Scenarios: `load_scenario`, `list_scenarios`, `Scenario`, `parameters`. Runs: `run`, `resume`, `fork`, `run_arms`, `run_sweep`;
`TumourModel` is the same as a Mesa model. Records: `read`, `read_folder`, `Record`. Arrays and tables: `to_xarray`, `to_pandas`,
`snapshots`, `events`, `outcomes`, `assess`. Arms: `compare`, `Comparison`. Figures on axes of your own: `draw_series`,
`draw_calendar`, `draw_section`, `draw_survival`, `draw_differences`, `draw_synergy`, `draw_deaths`, `draw_sweep`; whole ones:
`figures`, `save`, `animate`. Mistakes raise `UserError` or, in a file, `RecordError`. Each name is loaded when it is first used.
The page docs/python.md explains them. They are stable; everything else may change between versions.

`lesionlab.sim` is the model, `lesionlab.analysis` reads its records. In the repository both are links to the folders of
that name; a wheel holds them here and brings no other top-level package.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lesionlab.analysis.records.errors import RecordError
    from lesionlab.analysis.records.record import Record
    from lesionlab.api.arms import Comparison, compare
    from lesionlab.api.drawing import (
        animate,
        draw_calendar,
        draw_deaths,
        draw_differences,
        draw_section,
        draw_series,
        draw_survival,
        draw_sweep,
        draw_synergy,
        figures,
        save,
    )
    from lesionlab.api.reading import assess, events, outcomes, read, read_folder, snapshots, to_pandas, to_xarray
    from lesionlab.api.running import fork, resume, run, run_arms
    from lesionlab.api.scenarios import Scenario, list_scenarios, load_scenario, parameters
    from lesionlab.api.sweeps import run_sweep
    from lesionlab.sim.model import TumourModel
    from lesionlab.sim.parameters.errors import UserError
    from lesionlab.sim.parameters.version import __version__

__all__ = ["Comparison", "Record", "RecordError", "Scenario", "TumourModel", "UserError", "__version__", "animate", "assess", "compare",
           "draw_calendar", "draw_deaths", "draw_differences", "draw_section", "draw_series", "draw_survival", "draw_sweep",
           "draw_synergy", "events", "figures", "fork", "list_scenarios", "load_scenario", "outcomes", "parameters", "read", "read_folder",
           "resume", "run", "run_arms", "run_sweep", "save", "snapshots", "to_pandas", "to_xarray"]

_PLACES = {
    "lesionlab.analysis.records.errors": ("RecordError",),
    "lesionlab.analysis.records.record": ("Record",),
    "lesionlab.api.arms": ("Comparison", "compare"),
    "lesionlab.api.drawing": ("animate", "draw_calendar", "draw_deaths", "draw_differences", "draw_section", "draw_series",
                              "draw_survival", "draw_sweep", "draw_synergy", "figures", "save"),
    "lesionlab.api.reading": ("assess", "events", "outcomes", "read", "read_folder", "snapshots", "to_pandas", "to_xarray"),
    "lesionlab.api.running": ("fork", "resume", "run", "run_arms"),
    "lesionlab.api.scenarios": ("Scenario", "list_scenarios", "load_scenario", "parameters"),
    "lesionlab.api.sweeps": ("run_sweep",),
    "lesionlab.sim.model": ("TumourModel",),
    "lesionlab.sim.parameters.errors": ("UserError",),
    "lesionlab.sim.parameters.version": ("__version__",),
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: the command line starts without what it does not need."""
    if name not in _MODULES:
        raise AttributeError(f"lesionlab has no {name!r}; dir(lesionlab) lists what it has")
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
