"""One slide: the effect by treatment and by coupling, as shares that sum to the whole."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lesionlab.analysis.comparison.attribution import WORTHS, Shares
from lesionlab.analysis.comparison.findings import Attribution, Findings
from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.panels import place
from lesionlab.analysis.figures.survival import interval_bar
from lesionlab.analysis.statistics.paired import Estimate

COUPLING_COLOURS = {"kill": "#0072B2", "synergy": "#D55E00"}
ROW_PX, LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX, GAP_PX = 40, 160, 24, 150, 100, 60
NAMES_PX = 270


def attribution_figure(findings: Findings, note: str) -> Figure:
    """Draw the treatments' shares in the kill, and beside them the couplings' shares in kill and synergy where walks were run."""
    found: Attribution | None = findings.attribution
    if found is None:
        raise ValueError("nothing was attributed")
    couplings = found.couplings
    ranked = _ranked(next(iter(couplings.values()))) if couplings else []
    n_rows = max(len(ranked), 8)
    wide, high = style.SLIDE_PIXELS[0], TOP_PX + ROW_PX * n_rows + BOTTOM_PX
    title = f"What the kill is made of: target lesions, day {findings.day_d:.0f}  (1 decade: ten times fewer clonogens)"
    figure = style.slide(title, (wide, high), note)
    n_panels = len(couplings) + (found.treatments is not None)
    free = wide - RIGHT_PX - (LEFT_PX if found.treatments else 0) - (NAMES_PX if couplings else 0) - GAP_PX * (len(couplings) - 1)
    width, left = free / n_panels, float(LEFT_PX)
    if found.treatments is not None:
        axes = place(figure, left, TOP_PX, width, ROW_PX * n_rows * (0.55 if couplings else 1))
        colours = [style.factor_colour(name, findings.parts) for name in found.treatments.players]
        names = [style.factor_label(name, findings.parts) for name in found.treatments.players]
        _panel(axes, found.treatments, list(found.treatments.players), colours, names)
        axes.set_title(_whole("Which treatment", "kill", found.treatments, "replicates"), loc="left", size=style.FONT_SIZE_PT)
        left += width
    left += NAMES_PX if found.treatments else 0
    for index, (outcome, shares) in enumerate(couplings.items()):
        axes = place(figure, left + index * (width + GAP_PX), TOP_PX, width, ROW_PX * n_rows)
        names = [style.coupling_label(name) for name in ranked] if index == 0 else [""] * len(ranked)
        _panel(axes, shares, ranked, [COUPLING_COLOURS[outcome]] * len(ranked), names)
        axes.set_title(_whole("Which coupling", outcome, shares, "walks"), loc="left", size=style.FONT_SIZE_PT)
    return figure


def _ranked(shares: Shares) -> list[str]:
    return sorted(shares.players, key=lambda player: -abs(shares.players[player].mean))


def _whole(question: str, outcome: str, shares: Shares, unit: str) -> str:
    """Return the name and size of the divided outcome, and the rest without any player."""
    if not shares.whole.n:
        return f"{question}: {WORTHS[outcome]}\nunknown: in every one an arm had ended by then\nn = 0 {unit}"
    rest = f", {shares.nothing.mean:.2f} of it without any coupling" if unit == "walks" else ""
    return f"{question}: {WORTHS[outcome]}\n{shares.whole.mean:.2f} decades{rest}\nn = {shares.whole.n} {unit}"


def _panel(axes: Axes, shares: Shares, players: Sequence[str], colours: Sequence[str], names: Sequence[str]) -> None:
    """Draw a bar a player with the interval of its share and its number."""
    for row, (player, colour) in enumerate(zip(players, colours, strict=True)):
        share: Estimate = shares.players[player]
        axes.barh(row, share.mean, color=colour, alpha=0.55, height=0.6)
        interval_bar(axes, row, (share.mean, share.low, share.high), colour)
    axes.axvline(0, color=style.INK, lw=1.2)
    axes.set_yticks(range(len(players)), names)
    axes.set_ylim(len(players) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("share (decades; right: adds to it)")
    axes.margins(x=0.1)
