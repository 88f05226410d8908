"""A page as one HTML document: style, script and data inside, and a policy that lets it load nothing else."""

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from lesionlab.analysis.figures import style
from lesionlab.sim.page.packing import as_text
from lesionlab.sim.page.play import Play, as_json

PLAYER = Path(__file__).parent / "player"
SCRIPTS = tuple(sorted(PLAYER.glob("*.js")))


def alone(play: Play, title: str = "", extra: Mapping[str, Any] | None = None) -> str:
    """Return a page that holds everything: it opens from a file, without a server and without a network.

    `extra` adds to the page's data, such as a lesson.
    """
    data = {**as_json(play, title), **(extra or {})}
    for arm in data["arms"]:
        for lesion, section in arm["sections"].items():
            for plane, chunks in play.sections[arm["name"], lesion].packed().items():
                section["planes"][plane]["chunks"] = [as_text(chunk) for chunk in chunks]
    return document(data["title"], data, "'none'")


def served(title: str) -> str:
    """Return a page that asks its own server for data."""
    return document(title, None, "'self'")


def document(title: str, data: Mapping[str, Any] | None, connects_to: str) -> str:
    """Return the HTML of a page; without data it asks for them where it comes from."""
    script = '"use strict";\n(() => {\n' + "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS) + "})();\n"
    look = (PLAYER / "page.css").read_text(encoding="utf-8")
    # Styles are set by the script as well, which a hash cannot cover.
    policy = (f"default-src 'none'; script-src {_hash_of(script)}; style-src 'unsafe-inline'; connect-src {connects_to}; "
              "base-uri 'none'; form-action 'none'")
    page = Template((PLAYER / "page.html").read_text(encoding="utf-8"))
    return page.substitute(title=escape(title), disclaimer=escape(style.DISCLAIMER), policy=policy, style=look, script=script,
                           data="" if data is None else in_script(data))


def in_script(data: Mapping[str, Any]) -> str:
    """Return data as JSON that cannot end the element it stands in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").encode("utf-8", "backslashreplace").decode()


def _hash_of(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
