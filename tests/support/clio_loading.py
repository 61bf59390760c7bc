"""A process that asks as fast as it may: `python -m tests.support.clio_loading SETTINGS.json`.

Its clock is shared with the other processes: a file with the seconds by which all of them, and the
simulator's windows, are ahead of the machine. Prints how many requests were answered, and how often two in
a row were refused.
"""

from __future__ import annotations

import fcntl
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from muniment.sources.clio.budget import Budget
from muniment.sources.clio.place import place_of
from muniment.sources.clio.transport import Transport
from muniment.sources.web.budget import Priority
from muniment.sources.web.tokens import Access, Held, Tokens
from muniment.sources.web.wire import Answer
from tests.support.clio_client import MemoryStore


class Shared:
    def __init__(self, path: Path, control: str, ca: str) -> None:
        self._path = path
        self._control = control
        self._ca = ca

    def now(self) -> datetime:
        text = self._path.read_text() or "0"
        return datetime.now(UTC) + timedelta(seconds=float(text))

    def sleep(self, seconds: float) -> None:
        until = self.now() + timedelta(seconds=seconds)
        with self._path.open("r+") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            more = (until - self.now()).total_seconds()
            if more > 0:
                requests.post(
                    f"{self._control}/limits", json={"advance": more}, verify=self._ca, timeout=30
                )
                moved = float(held.read() or "0") + more
                held.seek(0)
                held.write(f"{moved:020.6f}")
                held.flush()


class Watched(Transport):
    in_a_row = longest = answered = 0

    def _once(self, *given: object) -> Answer:  # type: ignore[override]
        answer = super()._once(*given)  # type: ignore[arg-type]
        self.in_a_row = self.in_a_row + 1 if answer.status == 429 else 0
        self.longest = max(self.longest, self.in_a_row)
        self.answered += answer.status == 200
        return answer


def main() -> None:
    given = json.loads(Path(sys.argv[1]).read_text())
    clock = Shared(Path(given["clock"]), given["control"], given["ca"])
    tokens = Tokens(given["access_token"], "none", clock.now() + timedelta(days=300))
    access = Access(MemoryStore(Held(1, tokens)), lambda held: held, clock, "clio")
    budget = Budget(Path(given["folder"]), "account", clock)
    transport = Watched(
        place_of("us", given["app"], Path(given["ca"])), access, budget, clock, source_id="clio",
        priority=Priority.BULK,
    )  # fmt: skip
    for _ in range(given["requests"]):
        transport.get("users/who_am_i.json")
    print(json.dumps([transport.answered, transport.longest]), flush=True)


if __name__ == "__main__":
    main()
