"""The one class of error for mistakes that a user can correct, and the nearest name that a message suggests."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """A mistake in a command, a scenario or a file: shown as one message without a traceback, exit code 2."""


MEANT = {
    "anti_vegf": ("vegfr_tki", "it blocks the receptor inside the cell; an antibody against VEGF alone has no class"),
    "bevacizumab": ("vegfr_tki", "it blocks the receptor inside the cell; an antibody against VEGF alone has no class"),
    "anti_pdl1": ("anti_pd1", "it binds PD-1 on the T cell; an antibody against PD-L1 has no class"),
    "anti_pd_l1": ("anti_pd1", "it binds PD-1 on the T cell; an antibody against PD-L1 has no class"),
}
"""Names of near meaning but other spelling, with how the known one differs."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean '...'?" for the nearest known word: of near meaning, similar spelling or the same stem; else ""."""
    words = list(known)
    meant, how = MEANT.get(word, ("", ""))
    if meant in words:
        return f"; nearest in meaning: '{meant}' ({how})"
    stem = word.rsplit("_", 1)[0]
    near = get_close_matches(word, words, 1, 0.6) or [other for other in words if len(stem) > 2 and other.startswith(stem)]
    return f"; did you mean '{near[0]}'?" if near else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the nearest known word as `nearest` does; else the list of the known ones if they are few."""
    words = list(known)
    return nearest(word, words) or (f"; known: {', '.join(words)}" if 0 < len(words) <= 12 else "")
