"""Numbers in a lesson's texts, taken from its own runs: `{both.clonogens@42}` in a text, `both.clonogens@42 < 1e6` as a claim.

A term is `arm.series@day`, the median over the arm's runs; `@most` and `@least` are the extremes of the curve, `@day_of_most` the day of
the highest value, `@end` the last one. Terms are joined by + - * /, brackets and comparisons. In a text a form may follow: `{... | 0}`
rounds to whole numbers, `| 1` to one digit after the point, `| %` shows a share in per cent, `| e` a power of ten. Without one, two
digits count.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from math import floor, isfinite, log10, nan
from typing import Any

import numpy as np

from lesionlab.analysis.figures.panels import curve
from lesionlab.analysis.records.record import Record
from lesionlab.sim.parameters.errors import nearest

TERM = re.compile(r"([a-z]\w*)\.([a-z]\w*)@([a-z_]+|\d+(?:\.\d+)?)", re.ASCII)
FILLED = re.compile(r"\{([^{}|]+)(?:\|\s*(0|1|2|%|e)\s*)?\}")
_OPERATORS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Lt: operator.lt, ast.Gt: operator.gt, ast.LtE: operator.le, ast.GtE: operator.ge}
_POWERS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


class Facts:
    """The numbers of some runs: arms with their replicates, one lesion."""

    def __init__(self, arms: Mapping[str, Sequence[Record]], lesion: str) -> None:
        """Look numbers up in some records."""
        self._arms, self._lesion = arms, lesion

    def value(self, expression: str) -> float | bool:
        """Return the value of an expression; raises ValueError with what is wrong with it."""
        found: dict[str, float] = {}

        def looked_up(term: re.Match[str]) -> str:
            name = f"v{len(found)}"
            found[name] = self._term(*term.groups())
            return name

        try:
            tree = ast.parse(TERM.sub(looked_up, expression.strip()), mode="eval")
            result: float | bool = _evaluated(tree.body, found)
        except (SyntaxError, ZeroDivisionError, RecursionError) as error:
            raise ValueError(f"'{expression.strip()}' cannot be worked out: {error}") from None
        return result

    def filled(self, text: str) -> str:
        """Return a text with its numbers; raises ValueError with what is wrong with one."""
        return FILLED.sub(lambda found: in_words(float(self.value(found[1])), found[2] or ""), text)

    def refuted(self, claim: str) -> str:
        """Return why a claim does not hold, "" if it does; raises ValueError for what is no comparison."""
        result = self.value(claim)
        if not isinstance(result, bool):
            raise ValueError(f"'{claim}' compares nothing; use < or >")
        sides = [f"{self.value(side):.3g}" for side in re.split(r"[<>]=?", claim)]
        return "" if result else f"does not hold in these runs: {' and '.join(sides)} in '{claim}'"

    def _term(self, arm: str, series: str, at: str) -> float:
        if arm not in self._arms:
            raise ValueError(f"no arm is called '{arm}'{nearest(arm, self._arms)}")
        replicates = self._arms[arm]
        if series not in replicates[0].series:
            raise ValueError(f"no series is called '{series}'{nearest(series, replicates[0].series)}")
        line = curve(replicates, series, self._lesion)
        seen = np.flatnonzero(np.isfinite(line.median))
        if not seen.size:
            return nan
        days, values = line.time_d[seen], line.median[seen]
        named = {"most": values.max(), "least": values.min(), "end": values[-1], "day_of_most": days[values.argmax()]}
        if at in named:
            return float(named[at])
        if at[0].isalpha():
            raise ValueError(f"@{at}: must be a day or one of {', '.join(named)}")
        return float(np.interp(float(at), days, values, right=nan))


def _evaluated(node: ast.AST, names: Mapping[str, float]) -> Any:
    """Return the value of an expression of numbers, names, + - * / and one comparison; raises ValueError for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluated(node.operand, names)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_evaluated(node.left, names), _evaluated(node.right, names))
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _OPERATORS:
        return bool(_OPERATORS[type(node.ops[0])](_evaluated(node.left, names), _evaluated(node.comparators[0], names)))
    raise ValueError(f"'{ast.unparse(node)}' is no term such as both.clonogens@42, no number and no sum of these")


def in_words(value: float, form: str = "") -> str:
    """Return a number for a reader: two digits that count, or as the form says."""
    if not isfinite(value):
        return "no value"
    if form == "%":
        return f"{100 * value:.0f} %"
    if form == "e" or (not form and abs(value) >= 1e5):
        if value == 0:
            return "0"
        power = floor(log10(abs(value)))
        return f"{value / 10**power:.1f} × 10{str(power).translate(_POWERS)}"
    if form:
        return f"{value:.{form}f}"
    return f"{float(f'{value:.2g}'):g}"
