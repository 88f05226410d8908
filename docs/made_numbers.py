"""`make numbers`: write the numbers of README and docs anew, each block from what its command gives; with `--check` compare the quick ones.

A block stands between `<!-- numbers: NAME -->` and `<!-- end of numbers -->`. What takes seconds is checked by the tests; what
rests on runs carries the version of the model and the command that computed it.
"""

import io
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

from lesionlab.analysis.records.record import Record, by_arm, load
from lesionlab.sim.cli import main as lesionlab
from lesionlab.sim.scenario.couplings import MECHANISMS
from lesionlab.sim.scenario.load import load_scenario

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(<!-- numbers: (\w+) -->\n).*?(<!-- end of numbers -->)", re.DOTALL)
CASE, SWITCHES = ROOT / "results/case/records", ROOT / "results/switches"
SHOWN_D, SWITCH_D = 56.0, 42.0


def regimen() -> str:
    """Return lesions, doses and drugs of the case as `check` prints them."""
    said = io.StringIO()
    with redirect_stdout(said):
        lesionlab(["check", "case"])
    first, *lines = said.getvalue().splitlines()
    kept, is_kept = [first], False
    for line in lines:
        heading = line[2:15].strip()
        is_kept = heading in ("lesions", "radiotherapy", "drugs", "scans") if heading else is_kept
        kept += [line] if is_kept else []
    return "```\n" + "\n".join(kept) + "\n```\n"


def fitted() -> str:
    """Return the fitted values of the case with the ranges that were searched."""
    found = load_scenario("case").calibration
    rows = [] if found is None else [[path, str(one.value), f"{one.low} to {one.high}", one.kind] for path, one in found.values.items()]
    return table([["value", "found", "searched", "kind"], *rows])


def case_arms() -> str:
    """Return what the arms of `make case` came to, a row an arm, from the records in results/case."""
    arms = {arm: runs[0] for arm, runs in by_arm([load(path) for path in sorted(CASE.glob("*_r0.h5"))]).items()}
    versions = sorted({record.code_version for record in arms.values()})
    rows = [["arm", "lethal burden, day", "neck, longest diameter", "perfused vessels per mm²", "below 5 mmHg", "T cells per mm²"]]
    for arm, record in sorted(arms.items(), key=lambda item: float(item[1].time_d[-1])):
        died = [event.time_d for event in record.events if event.kind == "lethal_burden"]
        rows.append([arm, f"{died[0]:.0f}" if died else f"alive on {record.time_d[-1]:.0f}",
                     f"{neck(record, 'longest_diameter_cm'):.1f} cm", f"{neck(record, 'perfused_vessels_per_mm2'):.0f}",
                     f"{neck(record, 'hypoxic_fraction_below_5_mmHg'):.2f}", f"{neck(record, 't_cells_per_mm2'):.0f}"])
    return (f"`make case`, one run an arm, model {', '.join(versions)}. Columns after the first day: the neck on day {SHOWN_D:.0f}.\n\n"
            f"{table(rows)}")


def neck(record: Record, series: str) -> float:
    """Return a series of the neck on the day that the tables show."""
    return float(np.interp(SHOWN_D, record.time_d, record.series[series][:, record.lesions.index("neck")]))


def switches() -> str:
    """Return what each mechanism switch changes in the scenario teaching_switches, computing the runs that are missing."""
    whole = taught("")
    rows = [["switched off", "without it", "clonogens (decades)", "T cells per mm²"]]
    found = {name: taught(name) for name in MECHANISMS}
    for name, record in sorted(found.items(), key=lambda item: -abs(kept(item[1]) - kept(whole))):
        more = on_day(record, "t_cells_per_mm2") - on_day(whole, "t_cells_per_mm2")
        rows.append([f"`{name}`", MECHANISMS[name].without, f"{kept(record) - kept(whole):+.2f}", f"{more:+.0f}"])
    return (f"Change against all links on, day {SWITCH_D:.0f}, one run each, model {whole.code_version}. All on: 10^{kept(whole):.2f} "
            f"clonogens, {on_day(whole, 't_cells_per_mm2'):.0f} T cells per mm².\n\n{table(rows)}")


def taught(switch: str) -> Record:
    """Return the run of teaching_switches with one switch off."""
    path = SWITCHES / f"{switch or 'all_on'}.h5"
    off = ["--set", f"mechanisms.{switch}=false", "--set", f"arm=no_{switch}"] if switch else []
    with redirect_stdout(io.StringIO()):
        path.exists() or lesionlab(["run", "teaching_switches", *off, "-o", str(path)])
    return load(path)


def on_day(record: Record, series: str) -> float:
    return float(np.interp(SWITCH_D, record.time_d, record.series[series][:, 0]))


def kept(record: Record) -> float:
    """Return the decades of clonogens that are left."""
    return float(np.log10(max(on_day(record, "clonogens"), 1.0)))


def table(rows: list[list[str]]) -> str:
    """Return rows as a Markdown table, the first as heading."""
    heading, *below = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([heading, "|" + "---|" * len(rows[0]), *below]) + "\n"


QUICK: dict[str, Callable[[], str]] = {"regimen": regimen, "fitted": fitted}
SLOW: dict[str, Callable[[], str]] = {"case_arms": case_arms, "switches": switches}


def pages() -> list[Path]:
    """Return the pages that hold blocks."""
    return [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if BLOCK.search(path.read_text(encoding="utf-8"))]


def differing(made: dict[str, str], text: str, page: str) -> Iterator[str]:
    """Yield a line for each block of a page that is not what its command gives."""
    for start, name, _ in BLOCK.findall(text):
        if name in made and f"{start}{made[name]}<!-- end" not in text:
            yield f"{page}: the numbers of {name} are not those of today; run `make numbers`"


def rewritten(made: dict[str, str], text: str) -> str:
    """Return a page with its blocks made anew; those that are not among the made ones stay."""
    return BLOCK.sub(lambda found: f"{found[1]}{made[found[2]]}{found[3]}" if found[2] in made else found[0], text)


def main() -> int:
    """Write every block anew, or with --check say which quick ones differ; return 1 if some do."""
    if "--check" in sys.argv:
        made = {name: make() for name, make in QUICK.items()}
        wrong = [line for page in pages() for line in differing(made, page.read_text(encoding="utf-8"), page.name)]
        sys.stderr.write("".join(f"{line}\n" for line in wrong))
        return 1 if wrong else 0
    makers = QUICK | SLOW
    if not list(CASE.glob("*_r0.h5")):
        sys.stderr.write("results/case is missing: the numbers of `make case` stay as they are, with their version\n")
        del makers["case_arms"]
    made = {name: make() for name, make in makers.items()}
    for page in pages():
        page.write_text(rewritten(made, page.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
