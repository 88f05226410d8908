"""Drawn patients under either drug and both: run computes, summary reads, choose searches for defaults, anchors writes the page."""

import json
import shutil
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from math import log
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from lesionlab.analysis.comparison.reweighting import weighed
from lesionlab.analysis.comparison.screen_summary import as_json, quantities, sentences, table
from lesionlab.analysis.comparison.screening import INHIBITOR, UNTREATED, is_settled, read_cohort
from lesionlab.analysis.comparison.section_bias import biases, rows
from lesionlab.analysis.figures.depth import depth_figure
from lesionlab.analysis.figures.standard import save
from lesionlab.analysis.figures.window import PANELS, window_figure
from lesionlab.analysis.records.record import load
from lesionlab.analysis.records.treatments import parts_of, read_classes
from lesionlab.analysis.report.anchors_page import Findings, page
from lesionlab.analysis.report.section_sizes_page import page as sizes_page
from lesionlab.analysis.report.terminal import aligned
from lesionlab.sim.parameters.errors import UserError, did_you_mean
from lesionlab.sim.parameters.version import model_version
from lesionlab.sim.runs.engines import warm_kernels
from lesionlab.sim.runs.lifecycle import simulate
from lesionlab.sim.runs.machine import available_cores
from lesionlab.sim.scenario.load import load_scenario, scenario_folder
from lesionlab.sim.studies.choice import RESULT, Point, Search, distance, read_anchors, read_points
from lesionlab.sim.studies.growth import FILE, NODE, growth_table, read_growth
from lesionlab.sim.studies.population import LogNormal, default_of
from lesionlab.sim.studies.screen import Plan
from lesionlab.sim.studies.section_sizes import COURSE, cut_table
from lesionlab.sim.studies.table import IDENTITY, TABLE, compute
from lesionlab.sim.treatment.drug_library import classes_as_json

HELP = "draw virtual patients, run each under either drug and both, and set the outcomes against trials"
MAIN, CHOICE = "main", "choice"
SAY_EVERY_S = 30.0
LOCK, DIRECT = "mechanisms.vegf_to_t_cells=false", "mechanisms.tki_to_division=false"


class Without(NamedTuple):
    """A screen with rules switched off: what the page calls it, the settings, the patients that suffice (None: as many as asked for)."""

    words: str
    settings: tuple[str, ...]
    patients: int | None = None


WITHOUT = {
    "lock_off": Without("without the lock of VEGF on T cells", (LOCK,)),
    "tki_off": Without("without the direct effect on division", (DIRECT,), 60),
    "lock_tki_off": Without("without either", (LOCK, DIRECT), 60),
}
"""By the folder of their patients."""
ACTIONS = {
    "run": "computes patients, on top of what the folder holds",
    "summary": "prints what a folder holds",
    "choose": "searches for defaults by either drug alone",
    "weigh": "judges other medians on the patients that a folder holds",
    "anchors": "runs what is missing, then writes the page",
    "sizes": "cuts patients into sections of many sizes and says how far small ones are off",
    "page": "writes the page of anchors and its figures from what the folder holds",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("action", choices=tuple(ACTIONS), help="; ".join(f"{name} {does}" for name, does in ACTIONS.items()))
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder of the screen")
    parser.add_argument("--patients", type=int, default=200, metavar="N", help="patients to accept (default: 200)")
    parser.add_argument("--scenario", type=Path, default=Path("screen"), help="what every patient is given (default: screen)")
    parser.add_argument("--population", default="atc",
                        help="who the patients are: a file, or a name in scenarios/populations (default: atc)")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="settings",
                        help="another value of the scenario, a median of the population among them; may be repeated")
    parser.add_argument("--whole", action="store_true", help="run every arm to the scenario's end; without it the untreated arm ends "
                        "at the first scan and any other at its progression, which settles its response")
    parser.add_argument("--seed", type=int, metavar="N", help="another seed than the scenario's")
    parser.add_argument("--workers", type=int, metavar="N", help="patients at a time (default: one a core)")
    parser.add_argument("--rounds", default="16x16,4x40", metavar="KxN,...",
                        help="choose: points x patients of each round (default: 16x16,4x40)")
    parser.add_argument("--median", metavar="PATH=A,B,...", help="weigh: the quantity and the medians to judge")
    parser.add_argument("--page", type=Path, metavar="FILE.md",
                        help="anchors, sizes: the page to write, its figures beside it (default: in DIR)")
    parser.add_argument("--force", action="store_true", help="begin anew where the folder holds another screen")


def execute(options: Namespace) -> int:
    """Do what was asked for.

    Raises:
        UserError: a file, a setting or a folder does not fit.
    """
    if options.output.exists() and not options.output.is_dir():
        raise UserError(f"{options.output}: must be a folder")
    if options.patients < 1:
        raise UserError(f"--patients {options.patients}: at least one patient is needed")
    actions = {"run": _run, "summary": _summary, "choose": _choose, "weigh": _weigh, "anchors": _anchors, "page": _page,
               "sizes": _sizes}
    return actions[options.action](options)


def _plan(options: Namespace, *settings: str) -> "Plan":
    """Return the plan of the options, checked."""
    plan = Plan(options.scenario, _beside(options.population), (*options.settings, *settings), seed=options.seed,
                is_brief=not options.whole)
    plan.loaded()
    return plan


def _beside(population: str) -> Path:
    """Return the file of a population: a path, or a name among those that come with LesionLab."""
    if Path(population).is_file():
        return Path(population)
    folder = scenario_folder() / "populations"
    named = folder / f"{population}.yaml"
    if not named.is_file():
        known = [path.stem for path in folder.glob("*.yaml") if not path.stem.endswith("_anchors")]
        raise UserError(f"--population {population}: no such file or population{did_you_mean(population, known)}")
    return named


@contextmanager
def _workers(options: Namespace) -> Iterator[Executor]:
    """Offer processes that run patients, each with its kernels warm."""
    n = options.workers or available_cores()[0]
    # One process fills the cache of kernels before others read it.
    warm_kernels()
    with ProcessPoolExecutor(n, mp_context=get_context("spawn")) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Progress:
    """Says how far a screen is: on one line of a terminal, else every 30 s."""

    def __init__(self, what: str) -> None:
        self.what, self.last_s, self.started_s = what, 0.0, time.monotonic()
        self.first: int | None = None

    def __call__(self, done: int, n: int, rejected: int = 0) -> None:
        self.first = done - 1 if self.first is None else self.first
        now_s, is_shown = time.monotonic(), sys.stderr.isatty()
        if done < n and not is_shown and now_s - self.last_s < SAY_EVERY_S:
            return
        self.last_s = now_s
        left_min = (now_s - self.started_s) / max(done - self.first, 1) * (n - done) / 60.0
        said = f"{self.what}: {done} of {n}{f', {rejected} rejected' if rejected else ''}, about {left_min:.0f} min left"
        print(said, end="\r" if is_shown and done < n else "\n", file=sys.stderr, flush=True)


def _computed(plan: "Plan", folder: Path, options: Namespace, pool: Executor, what: str) -> None:
    """Compute what a folder lacks of a plan, and write its summary."""
    if options.force and folder.exists():
        shutil.rmtree(folder)
    compute(plan, folder, options.patients, _is_over(plan), pool, _Progress(what))
    _write_summary(plan, folder)


def _is_over(plan: "Plan") -> Any:
    """Return what tells whether a course adds nothing more."""
    return partial(is_settled, days=plan.scans())


def _write_summary(plan: "Plan", folder: Path) -> str:
    """Write the summary of a folder as JSON and text; return the text."""
    cohort = _cohort(plan, folder)
    text = aligned(table(cohort)) + "\n\n" + "\n".join(sentences(cohort)) + "\n"
    (folder / "summary.json").write_text(json.dumps(as_json(cohort), indent=1) + "\n", encoding="utf-8")
    (folder / "summary.txt").write_text(text, encoding="utf-8")
    return text


def _cohort(plan: "Plan", folder: Path) -> Any:
    return read_cohort(folder / TABLE, plan.scans())


def _run(options: Namespace) -> int:
    plan = _plan(options)
    with _workers(options) as pool:
        _computed(plan, options.output, options, pool, "patients")
    return _summary(options)


def _summary(options: Namespace) -> int:
    print(_write_summary(_plan(options), options.output), end="")
    print(f"see {options.output / TABLE} and {options.output / 'summary.json'}")
    return 0


def _choose(options: Namespace) -> int:
    """Search for defaults and print every point, the chosen one first."""
    with _workers(options) as pool:
        points = _searched(options, pool, options.output)
    names = [setting.partition("=")[0] for setting in points[0].settings]
    rows = [["patients", "distance", *(name.rsplit(".", 1)[-1] for name in names)]]
    rows += [[str(point.n), f"{point.distance:.2f}", *(setting.partition("=")[2] for setting in point.settings)] for point in points]
    print(aligned(rows))
    print(f"\nchosen: {' '.join(f'--set {setting}' for setting in points[0].settings)}\nsee {options.output / RESULT}")
    return 0


def _searched(options: Namespace, pool: Executor, folder: Path) -> Any:
    try:
        rounds = [(int(k), int(n)) for k, n in (part.split("x") for part in options.rounds.split(","))]
    except ValueError:
        raise UserError(f"--rounds {options.rounds}: must be points x patients, such as 16x16,4x40") from None
    plan = _plan(options)
    scenario, population = plan.loaded()
    folder.mkdir(parents=True, exist_ok=True)

    def tell(point: Point) -> None:
        print(f"{point.n} patients, distance {point.distance:.2f}: {' '.join(point.settings)}", file=sys.stderr, flush=True)

    search = Search(plan, folder, _anchors_of(options).anchors, _simulated(plan), _is_over(plan), pool)
    return search.run(population.choice, rounds, scenario.seed, tell)


def _weigh(options: Namespace) -> int:
    """Print what the patients of a folder say of other medians of one quantity, by either drug alone."""
    plan, (path, _, medians) = _plan(options), (options.median or "").partition("=")
    scenario, population = plan.loaded()
    varying = population.varies.get(path)
    if not isinstance(varying, LogNormal) or varying.median is not None or not medians:
        raise UserError(f"--median {options.median}: must name a log-normal quantity whose median is the model's default, and medians")
    anchors, cohort = _anchors_of(options).anchors, _cohort(plan, options.output)
    names = [anchor.quantity for anchor in anchors.values() if anchor.use == "choose"]
    rows = [["median", "effective n", "distance", *names]]
    for median in map(float, medians.split(",")):
        found = weighed(cohort, path, default_of(scenario, path), median, log(varying.geometric_sd))
        rows.append([f"{median:g}", f"{found.n_effective:.0f}", f"{distance(anchors, found.simulated):.2f}",
                     *(f"{100 * found.simulated[name]:.0f} %" for name in names)])
    print(aligned(rows, n_left=0))
    return 0


def _simulated(plan: "Plan") -> Any:
    """Return what reads the simulated quantities of a folder."""
    def read(folder: Path) -> Mapping[str, float]:
        return {name: value.value for name, value in quantities(_cohort(plan, folder)).items()}

    return read


def _anchors_of(options: Namespace) -> Any:
    population = _beside(options.population)
    return read_anchors(population.with_name(f"{population.stem}_anchors.yaml"))


def _anchors(options: Namespace) -> int:
    """Run what is missing of the screens and of the untreated courses, then write the page and its figures."""
    folder, plan = options.output, _plan(options)
    folder.mkdir(parents=True, exist_ok=True)
    with _workers(options) as pool:
        _computed(plan, folder / MAIN, options, pool, "all rules")
        for name, without in WITHOUT.items():
            fewer = Namespace(**{**vars(options), "patients": min(options.patients, without.patients or options.patients)})
            _computed(_plan(options, *without.settings), folder / name, fewer, pool, without.words)
        growth_table(folder, options.scenario, Path("untreated"), 8, pool, _Progress("untreated growth"))
    _day_zero(options)
    return _page(options)


def _page(options: Namespace) -> int:
    """Write the page and its figures from what the folder holds; nothing is run."""
    folder, target, plan = options.output, options.page or options.output / "anchors.md", _plan(options)
    described, cohort = _anchors_of(options), _cohort(plan, folder / MAIN)
    others = {without.words: _cohort(plan, folder / name) for name, without in WITHOUT.items() if (folder / name / TABLE).exists()}
    growth = list(read_growth(folder / FILE)) if (folder / FILE).exists() else []
    readings = {name: anchor.reading for name, anchor in described.anchors.items() if anchor.reading}
    command = f"lesionlab screen anchors -o {folder}{f' --page {options.page}' if options.page else ''}"
    version = json.loads((folder / MAIN / IDENTITY).read_text(encoding="utf-8"))["code_version"]
    target.parent.mkdir(parents=True, exist_ok=True)
    figures = _figures(options, cohort, target.parent)
    text = page(Findings(cohort, others, described.anchors, growth, NODE, read_points(folder / CHOICE), readings, command, version,
                         described.note or "", [(words, figure.name) for words, figure in figures]))
    target.write_text(text, encoding="utf-8")
    for path in (target, *(figure for _, figure in figures)):
        print(path)
    return 0


def _sizes(options: Namespace) -> int:
    """Run what is missing of the patients in sections of every size, then print and write what small ones do to outcomes."""
    folder, plan = options.output, _plan(options, COURSE)
    if options.force and folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _workers(options) as pool:
        found = biases(cut_table(plan, folder, options.patients, pool, _Progress("patients")))
    print(aligned(rows(found), n_left=2))
    scenario, _ = plan.loaded()
    target = options.page or folder / "section_sizes.md"
    (lesion,) = scenario.lesions.values()
    command = f"lesionlab screen sizes --patients {options.patients} -o {folder}{f' --page {options.page}' if options.page else ''}"
    target.write_text(sizes_page(found, options.patients, lesion.section_cells, int(default_of(scenario, "population_control.n_min")),
                                 COURSE.partition("=")[2], command, model_version()), encoding="utf-8")
    print(f"\n{target}")
    return 0


def _figures(options: Namespace, cohort: Any, folder: Path) -> list[tuple[str, Path]]:
    """Draw the drug's window from the screen, and hypoxia by depth from runs of the case that stop on day 0."""
    # Later than the first scan only who has not progressed is left.
    days = [day for day in cohort.days if day <= cohort.scans_d[1]]
    courses = {arm: {panel.series: cohort.course(arm, panel.series)[:, : len(days)] for panel in PANELS} for arm in (UNTREATED, INHIBITOR)}
    scenario = load_scenario(options.scenario)
    classes = read_classes(classes_as_json(scenario.drugs), list(scenario.drugs), [drug.drug_class for drug in scenario.drugs.values()])
    window = save(window_figure(days, courses, INHIBITOR, parts_of([classes])), folder / "anlotinib_window.png", "anlotinib_window")
    written = [("Perfusion, maturity, hypoxia and T cells since the start of anlotinib, with and without it", window)]
    groups = {label: [load(path) for path in paths if path.exists()] for label, paths in _day_zero_paths(options).items()}
    if all(groups.values()):
        figure = depth_figure(groups, ("neck", "pelvis"), "The case, sections of 12,000 cells.")
        written.append(("Hypoxia and perfused vessels by depth on day 0", save(figure, folder / "core_by_depth.png", "core_by_depth")))
    return written


def _day_zero_paths(options: Namespace, n_replicates: int = 4) -> dict[str, list[Path]]:
    """Return the places of the records of day 0, by what they show."""
    folder = options.output / "day_zero"
    return {label: [folder / f"{stem}_{replicate}.h5" for replicate in range(n_replicates)]
            for label, stem in (("the rule is on: density falls with depth", "on"),
                                ("the rule is off: the older law, by radius (control)", "off"))}


def _day_zero(options: Namespace) -> None:
    """Run the untreated case to the first hour of day 0, with and without depth acting on vessels, unless it is there."""
    for paths, settings in zip(_day_zero_paths(options).values(), ([], ["mechanisms.depth_to_vessels=false"]), strict=True):
        paths[0].parent.mkdir(exist_ok=True)
        for replicate, path in enumerate(paths):
            if not path.exists():
                simulate(load_scenario("untreated", settings), path, replicate=replicate, until_d=1.0 / 24.0)
