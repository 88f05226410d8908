"""The page of section sizes: how far outcomes of small sections lie from those of a large one, and which size may be trusted."""

from collections.abc import Sequence

from lesionlab.analysis.comparison.section_bias import Bias, rows, trusted_size
from lesionlab.analysis.figures.style import DISCLAIMER
from lesionlab.analysis.report.anchors_page import markdown_table

_WHAT = """A section of some hundred cells is quick, one of thirty thousand is closer to the lesion. The same drawn patients, one lesion of
5 cm each, were cut into sections of every size; each patient's growth was set once, in a section of {own} cells. Below, each size's mean
difference from the largest section with its 95 % interval (paired by patient), beside the standard deviation between patients in the
largest. **A star marks a bias as large as that deviation or larger.** A section in weight control holds {held} clonogens whatever its
size (`population_control.n_min`), so what follows a deep response hangs on that number more than on the section.
"""
_WHY = """**Why.** Vessels grow rarer with depth in um of the section (`depth_to_vessels`), so a larger section has a larger poor core.
With the rule off (`--set mechanisms.depth_to_vessels=false`; four patients, version 0.2.0.dev0) untreated sections of 3,000 cells lie
+0.49 ± 2.04 cm and -0.01 ± 0.03 in hypoxic share from those of 30,000, where the rule on gave +3.10 ± 0.90 cm and -0.10 ± 0.03 in
twelve. What remains without it is the hypoxic share after radiotherapy, where few cells are left to count.
"""


def page(found: Sequence[Bias], n_patients: int, own_cells: int, held: int, course: str, command: str, version: str) -> str:
    """Return the page as Markdown.

    Args:
        found: the biases of all arms and outcomes.
        own_cells: the section in which growth was set; `held`: clonogens of a weight-controlled section.
        course: the radiotherapy of the arm that has it.
    """
    trusted, largest = trusted_size(found), max(found[0].differences)
    verdict = (f"The smallest size that may be trusted for every outcome shown is **{trusted} cells**." if trusted else
               f"No size up to {largest} cells may be trusted for every outcome shown.")
    return "\n".join([
        "# How small may a section be?", "", f"*{DISCLAIMER}.* Version {version}, {n_patients} patients, written by `{command}`.", "",
        _WHAT.format(own=own_cells, held=held), verdict, "", markdown_table(rows(found)), "", _WHY.strip(), "",
        f"Radiotherapy: `{course}`.", ""])
