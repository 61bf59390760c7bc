"""The control interface of a simulator: a POST of JSON to a path that names the deed."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from tests.simulators.clio.faults import FaultPlan
from tests.simulators.clio.messages import Request

Asked = dict[str, Any]
WRONG = (KeyError, ValueError, TypeError, AttributeError, IndexError, re.error)
"""What a deed raises that was asked for wrongly."""


class NoDeed(Exception):
    """There is no such deed."""


class Desk:
    """Deeds are methods named `do_…`. `stopped` ends the program."""

    def __init__(self) -> None:
        self.stopped: Callable[[], None] = lambda: None

    def done(self, request: Request, lock: AbstractContextManager[Any]) -> Any:
        """What the deed answers. Raises NoDeed, and one of WRONG."""
        deed = getattr(self, f"do_{request.path.strip('/')}", None)
        if deed is None or request.method != "POST":
            raise NoDeed
        asked = json.loads(request.body or b"{}")
        with lock:
            return deed(asked)

    def do_stop(self, asked: Asked) -> Any:
        # The answer goes out first: the program ends with what it still has to send.
        threading.Timer(0.2, self.stopped).start()
        return {}


def said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def planned(
    plan: FaultPlan, asked: Asked, weather: Callable[[FaultPlan], object], names: Mapping[str, str]
) -> dict[str, Any]:
    """Adds and removes faults; tells what stands, what struck, and the names there are."""
    if "seed" in asked:
        plan.seed = int(asked["seed"])
    if asked.get("clear"):
        plan.remove()
    if "remove" in asked:
        plan.remove(int(asked["remove"]))
    added = plan.add(**asked["add"]) if "add" in asked else None
    if asked.get("weather"):
        weather(plan)
    return {
        "added": added,
        "standing": [
            {"number": one.number, "name": one.name, "struck": one.struck}
            for one in plan.standing()
        ],
        "log": plan.log[-int(asked.get("last", 100)) :],
        "names": names,
    }
