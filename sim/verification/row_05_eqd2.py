"""EQD2: each volume of the case has the dose in 2 Gy fractions that its report implies, at the case's alpha/beta.

Law: two regimens of equal n d (1 + d / r) have equal effect, so EQD2 = D (d + r) / (2 + r), r = alpha/beta = 10 Gy
(Withers, Thames and Peters 1983). Exact answers: rational arithmetic on the doses of the case report, which are
written here anew. Simulated: the courses of `case.yaml` as the model reads them, and the same volumes from the log kill
that `radiobiology` writes for them (no oxygen effect). Judged: exact to rounding (1e-12; 1e-6 for the single-precision
hazard). Negative control: alpha/beta 3 Gy.
"""

from fractions import Fraction as Rational

from lesionlab.sim.scenario.load import load_scenario
from lesionlab.sim.treatment.courses import RadiotherapyCourse
from lesionlab.sim.verification.irradiation import irradiated_disc, log_kill
from lesionlab.sim.verification.judging import Check, Law

LAW = Law(5, "EQD2 of the case's volumes")
# Lesion, volume: fractions and dose per fraction in Gy, from the case report.
VOLUMES = {("neck", "core"): (10, 4), ("neck", "mass"): (10, 3), ("mediastinum", "mass"): (5, 2),
           ("pelvis", "core"): (15, 4), ("pelvis", "mass"): (15, 3)}
ALPHA_BETA_GY = 10


def exact(fractions: int, dose_gy: int) -> float:
    """Return EQD2 in Gy by rational arithmetic."""
    return float(Rational(fractions * dose_gy * (dose_gy + ALPHA_BETA_GY), 2 + ALPHA_BETA_GY))


def through_log_kill(course: RadiotherapyCourse, volume: str) -> float:
    """Return EQD2 in Gy from the hazard that the process writes for a fraction of the course."""
    state = irradiated_disc(100)
    kill = course.fractions * log_kill(state, course.dose_per_fraction_gy(volume), oxygen_enhancement=1.0, oxygen_enhancement_beta=1.0)
    per_gray = log_kill(state, 2.0, oxygen_enhancement=1.0, oxygen_enhancement_beta=1.0) / 2.0
    return kill / per_gray


def checks(effort: float = 1.0) -> tuple[Check, ...]:
    """Return the checks; nothing is drawn, so effort changes nothing."""
    del effort
    case = load_scenario("case")
    courses, ratio_gy = {course.lesion: course for course in case.radiotherapy}, case.parameters("radiobiology").alpha_beta_gy
    found = []
    for (lesion, volume), prescription in VOLUMES.items():
        expected = exact(*prescription)
        name = f"{lesion} {volume}, {prescription[0]} x {prescription[1]} Gy at alpha/beta {ALPHA_BETA_GY} Gy"
        found.append(LAW.close(name, courses[lesion].eqd2_gy(volume, ratio_gy), expected, 1e-12, "Gy"))
        found.append(LAW.close(f"{name}, from the log kill", through_log_kill(courses[lesion], volume), expected, 1e-6, "Gy"))
    wrong = courses["neck"].eqd2_gy("core", 3.0)
    found.append(LAW.close("neck core at alpha/beta 3 Gy", wrong, exact(10, 4), 1e-12, "Gy", is_control=True))
    return tuple(found)
