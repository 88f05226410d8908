"""Attribution: an outcome divided among the treatments, and among the couplings of the model, by Shapley's value.

The share of a player is the gain when it joins, averaged over all orders of joining (Shapley 1953); shares sum to the worth of all
together less that of none. Worths are in decades on a day that is stated before anything runs:

* `kill`: log10 clonogens of the target lesions without treatment, less those under the full regimen.
* `synergy`: Bliss's excess of the full regimen, its kill less the sum of its parts' kills.

Treatments: exact over the factorial, from each replicate. Couplings (mechanism switches): by sampled orders (Castro et al. 2009,
doi:10.1016/j.cor.2008.04.004), each followed once, with the random streams of one replicate, from all couplings off to all on, in
every arm alike. An interval is a bootstrap over replicates, or over walks, and so includes chance and the choice of orders.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations, pairwise
from math import factorial
from typing import NamedTuple

import numpy as np

from lesionlab.analysis.statistics.paired import Estimate, Table, estimate

WORTHS = {"kill": "kill of the full regimen", "synergy": "kill beyond its parts (Bliss)"}


class Shares(NamedTuple):
    """The share of each player in an outcome, the worth of all, and of none, in decades."""

    players: dict[str, Estimate]
    whole: Estimate
    nothing: Estimate


def shapley(worth: Mapping[frozenset[str], Table], players: Sequence[str]) -> dict[str, Table]:
    """Return each player's exact share (replicate,) from the worth of every subset of the players."""
    n = len(players)
    shares = {}
    for player in players:
        others = [name for name in players if name != player]
        share = np.zeros_like(worth[frozenset()])
        for size in range(n):
            weight = factorial(size) * factorial(n - 1 - size) / factorial(n)
            for subset in map(frozenset, combinations(others, size)):
                share = share + weight * (worth[subset | {player}] - worth[subset])
        shares[player] = share
    return shares


def of_treatments(logs: Mapping[frozenset[str], Table], factors: Sequence[str]) -> Shares:
    """Return the treatments' shares in the kill from log10 clonogens (replicate,) of each arm of a complete factorial.

    A replicate counts if every one of its arms was still observed on the day.
    """
    is_known = np.isfinite(np.stack(list(logs.values()))).all(axis=0)
    worth = {cell: (logs[frozenset()] - values)[is_known] for cell, values in logs.items()}
    shares = {player: estimate(share) for player, share in shapley(worth, factors).items()}
    return Shares(shares, estimate(worth[frozenset(factors)]), estimate(worth[frozenset()]))


def worth_of(logs: Mapping[frozenset[str], float], factors: Collection[str], outcome: str) -> float:
    """Return the worth of one set of couplings from log10 clonogens of the arms run with them; nan if one had ended."""
    untreated, full = logs[frozenset()], logs[frozenset(factors)]
    if outcome == "kill":
        return untreated - full
    return sum(logs[frozenset([factor])] for factor in factors) - full - (len(factors) - 1) * untreated


def of_couplings(walks: Sequence[Sequence[tuple[str, float]]]) -> Shares:
    """Return the couplings' shares from walks: each is (coupling that joined, worth after it), the first ("", worth of none).

    A walk with an unknown worth (nan) is left out entirely.
    """
    whole = [walk for walk in walks if all(np.isfinite(worth) for _, worth in walk)]
    gains = [{joined: after - before for (_, before), (joined, after) in pairwise(walk)} for walk in whole]
    players = sorted({joined for walk in walks for joined, _ in walk[1:]})
    return Shares({player: estimate([gain[player] for gain in gains]) for player in players},
                  estimate([walk[-1][1] for walk in whole]), estimate([walk[0][1] for walk in whole]))
