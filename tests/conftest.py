"""Shared by all tests: the option that renews the golden run, and the tiny arms."""

from collections.abc import Callable

import pytest

from lesionlab.sim.scenario.load import scenario_from_text
from lesionlab.sim.scenario.scenario import Scenario
from tests.tiny_arm import TREATED, UNTREATED


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--renew-golden", action="store_true", help="write the golden run anew instead of comparing with it")
    parser.addoption("--page", action="store_true", help="also time the page in a browser at full size")


@pytest.fixture
def renew_golden(request: pytest.FixtureRequest) -> bool:
    """Whether the golden run is to be written anew."""
    return bool(request.config.getoption("--renew-golden"))


@pytest.fixture
def treated() -> Scenario:
    """One tiny lesion with radiotherapy and both drugs."""
    return scenario_from_text(TREATED)


@pytest.fixture
def untreated() -> Scenario:
    """The same lesion without treatment."""
    return scenario_from_text(UNTREATED)


@pytest.fixture
def tiny() -> Callable[..., Scenario]:
    """The treated arm with `path=value` overrides."""
    return lambda *overrides: scenario_from_text(TREATED, overrides=overrides)
