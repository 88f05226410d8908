"""Messages of the command line in the words of Python: `--until 400` becomes `until 400`."""

import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from lesionlab.analysis.records.errors import RecordError
from lesionlab.sim.parameters.errors import UserError

P = ParamSpec("P")
T = TypeVar("T")
_SPOKEN = {"add --force": "pass overwrite=True", "--force": "overwrite=True", "--set ": ""}


def in_python(text: str) -> str:
    """Return a message with the options of the command line as arguments of a function."""
    for typed, spoken in _SPOKEN.items():
        text = text.replace(typed, spoken)
    return re.sub(r"--([a-z]+(?:-[a-z]+)*)", lambda found: found[1].replace("-", "_"), text)


def public(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function of the Python door: its mistakes are said in the words of Python, without the frames below it."""
    @wraps(function)
    def called(*given: P.args, **named: P.kwargs) -> T:
        try:
            return function(*given, **named)
        except (UserError, RecordError) as error:
            raise type(error)(in_python(str(error))) from None

    return called
