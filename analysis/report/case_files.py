"""The files of the case in a comparison: case_table.csv, an entry in summary.json, a figure, and a section of the report."""

import base64
import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lesionlab.analysis.clinical.outcome import read_outcome
from lesionlab.analysis.comparison.case_table import CaseTable, case_table, plain, shown, statement, write_case_table
from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.case import CAPTION, case_figure
from lesionlab.analysis.figures.standard import save
from lesionlab.analysis.records.record import Record
from lesionlab.analysis.records.written import write_text

TEMPLATE = Path(__file__).with_name("case_section.html.j2")
FIGURE, SUMMARY = "case.png", "summary.json"


def write_case(records: Sequence[Record], folder: Path) -> CaseTable | None:
    """Write case_table.csv and figures/case.png, add `case` to the summary.json that is there, and return the table.

    Returns None, and writes nothing, where nothing is reported of any arm that was run.
    """
    table = case_table([read_outcome(record) for record in records])
    if not table.rows:
        return None
    write_case_table(table, folder)
    summary = folder / SUMMARY
    if summary.is_file():
        data = json.loads(summary.read_text(encoding="utf-8"))
        write_text(summary, json.dumps(data | {"case": plain(table)}, indent=1) + "\n")
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    save(_drawn(table, records), folder / "figures" / FIGURE, "The case: report against model")
    return table


def _drawn(table: CaseTable, records: Sequence[Record]) -> Figure:
    seeds = ", ".join(map(str, sorted({record.seed for record in records})[:3]))
    small = "  Quick run: reduced sections." if table.is_quick else ""
    with style.themed():
        return case_figure(table, f"Seed {seeds}.{small}")


def case_section(records: Sequence[Record]) -> Any:
    """Return the report's section on the case as HTML that stands alone, its figure inside; "" where nothing is reported.

    Raises:
        RecordError: jinja2 is not installed.
    """
    table = case_table([read_outcome(record) for record in records])
    if not table.rows:
        return ""
    picture = BytesIO()
    figure = _drawn(table, records)
    FigureCanvasAgg(figure)
    with style.themed():
        figure.savefig(picture, dpi=style.DOTS_PER_INCH, metadata=style.metadata("The case", "png"), format="png")
    heading, *rows = shown(table)
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = page.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return Markup(template.render(heading=heading, rows=rows, statement=statement(table), caption=CAPTION,
                                  picture=base64.b64encode(picture.getvalue()).decode("ascii")))
