"""Check scenarios without running them; say what they are, with total doses and EQD2."""

from argparse import ArgumentParser, Namespace

from lesionlab.sim.initial_state import laid_per_mm2
from lesionlab.sim.measures.lesion_size import lesion_cells_of
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.parameters.quantities import describe_group
from lesionlab.sim.scenario.load import load_scenario
from lesionlab.sim.scenario.reported import stated_loss
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.schedule import PARAMETERS
from lesionlab.sim.state.clock import not_whole
from lesionlab.sim.state.state import SITES_PER_MM2
from lesionlab.sim.treatment.courses import RadiotherapyCourse

HELP = "validate scenarios: every mistake with its place, or a summary"


KINETICS = {"cell_cycle": ("cycle_time_h",), "apoptosis": ("rate_per_d",), "radiobiology": ("alpha_per_gy", "alpha_beta_gy")}
"""What makes a tumour fast or slow, radiosensitive or not."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("scenarios", nargs="+", metavar="SCENARIO",
                        help="a scenario file, or the bare name of one that comes with LesionLab")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="overrides",
                        help="change a value, as in --set lesions.neck.section_cells=5000; may be given again")


def execute(options: Namespace) -> int:
    """Print a summary of each scenario; raise UserError with the mistakes of all of them."""
    mistakes = []
    for path in options.scenarios:
        try:
            print(f"{path}: ok\n{summary(load_scenario(path, options.overrides))}")
        except UserError as error:
            mistakes.append(str(error))
    if mistakes:
        raise UserError("\n".join(mistakes))
    return 0


def summary(scenario: "Scenario") -> str:
    """Return a scenario in a few lines: arm, lesions, courses, drugs, calendar, parameters that are not the defaults."""
    days = (scenario.end - scenario.start).days
    rows = [("arm", [f"{scenario.arm}: {scenario.start} to {scenario.end}, {days} days, seed {scenario.seed}, patient {scenario.patient}"])]
    rows.append(("question", [scenario.title] if scenario.title else []))
    rows.append(("lesions", [_lesion(scenario, name) for name in scenario.lesions]))
    rows.append(("radiotherapy", [_course(scenario, course) for course in scenario.radiotherapy] or ["none"]))
    rows.append(("drugs", [_drug(scenario, name) for name in scenario.drugs] or ["none"]))
    rows.append(("scans", [", ".join(str(day) for day in scenario.scans) or "none"]))
    rows.append(("reported", _reported(scenario)))
    rows.append(("T-cell uptake", _uptake(scenario)))
    rows.append(("kinetics", _kinetics(scenario)))
    rows.append(("changed", _changed(scenario)))
    return "\n".join(f"  {heading if number == 0 else '':<13} {line}" for heading, lines in rows for number, line in enumerate(lines))


def _lesion(scenario: "Scenario", name: str) -> str:
    lesion = scenario.lesions[name]
    size = " x ".join(f"{diameter:g}" for diameter in lesion.size_cm)
    words = [f"{size} cm", lesion.role.replace("_", "-"), *(["nodal"] if lesion.nodal else []), *(["occult"] if lesion.is_occult else [])]
    return f"{name}: {', '.join(words)}, section of {lesion.section_cells} cells"


def _course(scenario: "Scenario", course: "RadiotherapyCourse") -> str:
    volumes = ["core", "mass"] if course.volumes.core else ["mass"]
    alpha_beta_gy = scenario.parameters("radiobiology").alpha_beta_gy
    doses = [f"{volume} {course.fractions} x {course.dose_per_fraction_gy(volume):g} Gy = {course.total_dose_gy(volume):g} Gy "
             f"(EQD2 {course.eqd2_gy(volume, alpha_beta_gy):.4g} Gy, alpha/beta {alpha_beta_gy:g} Gy)" for volume in volumes]
    days = course.fraction_dates
    hours = f" at {' and '.join(f'{hour:g}' for hour in course.hours)} h" if course.hours else ""
    return f"{course.lesion}: {', '.join(doses)}; {days[0]} to {days[-1]}, {' '.join(course.weekdays)}{hours}"


def _drug(scenario: "Scenario", name: str) -> str:
    drug = scenario.drugs[name]
    dates = drug.dose_dates()
    pause = f", {drug.days_on} days on, {drug.days_off} off" if drug.days_on else ""
    given = f"{len(dates)} doses, {dates[0]} to {dates[-1]}"
    n_late = sum(day > scenario.day(scenario.end) for day in drug.dose_days(scenario.start))
    late = f"; {n_late} of them after the run's end, the beginning of {scenario.end}" if n_late else ""
    between = "; one that is due between two steps is taken at the later" if not_whole(24.0 * drug.interval_d, scenario.time_step_h) else ""
    return f"{name}: {drug.drug_class}, {drug.dose_mg:g} mg every {drug.interval_d:g} d{pause}; {given}{late}{between}"


def _reported(scenario: "Scenario") -> list[str]:
    """Return how many findings are fitted and predicted, and how values were fitted to them."""
    if not scenario.reported:
        return []
    n_fitted = sum(finding.status == "fitted" for finding in scenario.reported.values())
    found = scenario.calibration
    how = f"fitted to the case on {found.date}, {found.trials} trials" if found else "nothing is fitted yet"
    return [f"{len(scenario.reported)} findings, {n_fitted} for fitting, {len(scenario.reported) - n_fitted} predicted; {how}",
            *([stated_loss(found)] if found else [])]


def _uptake(scenario: "Scenario") -> list[str]:
    """Return how much of the blood's T cells the lesions take a day on day 0, by the vessels that are laid, against their loss in blood."""
    given = scenario.all_parameters()
    entry, loss_per_d = given["t_cell_entry"], 1.0 / given["t_cell_priming"].blood_lifespan_d
    taken = {}
    for name, lesion in scenario.lesions.items():
        if lesion.dormant_until is None:
            per_site = laid_per_mm2(lesion.section, given["vessels"], lesion.vessel_density_factor) / SITES_PER_MM2
            rate = entry.entry_per_vessel_per_d * lesion.t_cell_entry_factor * lesion_cells_of(lesion.size_cm) / entry.reference_blood_cells
            taken[name] = rate * per_site
    k, limit = sum(taken.values()), given["vegf_suppression"].silenced_fraction
    limited = f"{'supply' if k > loss_per_d else 'entry'} limits the lesions' T cells more than {'entry' if k > loss_per_d else 'supply'}"
    by_lesion = ", ".join(f"{name} {value:.2g}" for name, value in taken.items())
    return [f"{k:.2g} of the blood's per day ({by_lesion}), loss in blood {loss_per_d:.2g}: {limited}",
            *([f"VEGF may hold back up to {100 * limit:.0f} % of the uptake"] if limit > 0.0 else [])]


def _kinetics(scenario: "Scenario") -> list[str]:
    """Return how fast cells divide, die and are killed by dose; say whose values they are where they are not its own."""
    shown = [(section, known, getattr(scenario.parameters(section), known.name)) for section, names in KINETICS.items()
             for known in describe_group(PARAMETERS[section]) if known.name in names]
    own = any(value != known.default for _, known, value in shown)
    inherited = [] if own or scenario.reported else ["these are this case's, an anaplastic thyroid carcinoma's: another tumour needs its "
                                                     "own (docs/another_tumour.md)"]
    return [", ".join(f"{section}.{known.name} {value:g} {known.unit}" for section, known, value in shown), *inherited]


def _changed(scenario: "Scenario") -> list[str]:
    """Return the parameters of the rules that this scenario sets otherwise."""
    return [f"{process}.{known.name} = {getattr(chosen, known.name):g} {known.unit} (default {known.default:g})"
            + ("" if known.is_in_prior(getattr(chosen, known.name)) else f", outside the prior {known.prior_low:g} to {known.prior_high:g}")
            for process, group in PARAMETERS.items() for chosen in [scenario.parameters(process)]
            for known in describe_group(group) if getattr(chosen, known.name) != known.default]
