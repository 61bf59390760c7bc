"""Writing back that is interrupted: killed before or after any request, answers lost, and bad weather.

A rich matter is backed up once and written into an empty account, which is emptied after each case. The first case of
a piece counts the requests of a restore that nothing disturbs; then each seed disturbs one of them:

    killed    the process ends before the request is sent
    deaf      the process ends when the request was answered, before it learned the answer
    lost      the answer is lost on the way, and the process lives
    weather   requests are refused, broken, limited and torn by chance

and the same command is given again until it ends. Whatever happened, the account says of the matter what the firm's old
one says, once: no second object, none missing, none unfinished in sight.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import requests

from muniment.errors import MunimentError
from muniment.sources.clio.transport import Transport
from muniment.sources.web.wire import Passing
from tests.campaign import Case
from tests.simulators.clio.running import Running, running
from tests.support import clio_back
from tests.support.clio_client import fault
from tests.support.clio_matter import Told, rich_matter

PIECE = 100
DEEDS = ("killed", "deaf", "lost", "weather")
STRIDE = 37
"""Few seeds reach all of a restore, from its first request to its last."""
MOST_TRIES = 12


class Killed(BaseException):
    """As if the process had ended: nothing of ours catches it."""


def disturbed(deed: str, at: int, count: list[int]) -> type[Transport]:
    """A transport that does a deed at the request of this number. Uploads count too."""

    class Disturbed(Transport):
        def _send(self, *args: Any, **named: Any) -> requests.Response:
            count[0] += 1
            if count[0] != at:
                return super()._send(*args, **named)
            if deed == "killed":
                raise Killed
            answer = super()._send(*args, **named)
            _ = answer.content
            if deed == "deaf":
                raise Killed
            raise Passing("an answer ended early")

    return Disturbed


class Ground:
    """The firm's account with the matter, its backup, and an account that the matter is written into."""

    def __init__(self, folder: Path, old: Running, new: Running) -> None:
        self.folder = folder
        self.new = new
        self.matter = rich_matter(old)
        self.case = clio_back.backed_up(folder / "firm", old, self.matter)
        self.case.sim = new
        self.says = Told(old, self.matter).says()
        count = [0]
        self.case.back(folder / "calm", made=disturbed("", -1, count))
        self.requests = count[0]
        self.clean = self.state()
        self.empty()

    def state(self) -> dict[str, int]:
        """How many of everything there are, the unfinished documents too."""
        return {
            kind: len(self.new.control("truth", resources=[kind])["resources"][kind])
            for kind in ("matters", "contacts", "custom_fields", "notes", "tasks", "communications", "calendar_entries",
                         "relationships", "damages", "activities", "folders", "documents")
        }  # fmt: skip

    def empty(self) -> None:
        """Takes away what was written."""
        for kind in (
            "activities",
            "calendar_entries",
            "communications",
            "documents",
            "matters",
            "contacts",
            "custom_fields",
        ):
            for row in self.new.control("truth", resources=[kind])["resources"][kind]:
                self.new.control("change", collection=kind, id=row["id"], delete=True)
        for kind in ("relationships", "damages", "notes", "tasks"):
            for row in self.new.control("truth", resources=[kind])["resources"][kind]:
                self.new.control("change", collection=kind, id=row["id"], delete=True)
        folders = self.new.control("truth", resources=["folders"], fields={"folders": "id,root"})
        for row in folders["resources"]["folders"]:
            if not row["root"]:
                self.new.control("change", collection="folders", id=row["id"], delete=True)

    # -- one case ----------------------------------------------------------------------------------
    def play(self, seed: int) -> Case:
        deed, at = DEEDS[seed % len(DEEDS)], 1 + (seed // len(DEEDS) * STRIDE) % self.requests
        into = self.folder / f"case-{seed}"
        if deed == "weather":
            self.weather(seed)
        count = [0]
        made = Transport if deed == "weather" else disturbed(deed, at, count)
        report, tries = None, 0
        while report is None and tries < MOST_TRIES:
            tries += 1
            try:
                report = self.case.back(into, made=made)
            except Killed:
                pass
            except MunimentError as error:
                if deed != "weather" or error.code != "M211":
                    raise
                if tries == MOST_TRIES // 2:
                    self.new.control("faults", clear=True)
        struck = len(self.new.control("faults")["log"]) if deed == "weather" else count[0] >= at
        self.new.control("faults", clear=True)
        wrong = list(self.wrong(report))
        self.empty()
        shutil.rmtree(into)
        row = {
            "deed": deed,
            "request": at,
            "of": self.requests,
            "tries": tries,
            "struck": int(struck),
        }
        return Case(seed, row, tuple(wrong))

    def weather(self, seed: int) -> None:
        self.new.control("faults", seed=seed)
        for name, pattern, chance, more in (
            ("rate_limited", "^(GET|POST|PATCH)", 0.05, {"seconds": 1}),
            ("server_error", "^(POST|PATCH|PUT)", 0.12, {"status": 503}),
            ("torn_body", "^(POST|PATCH|PUT)", 0.12, {}),
            ("torn_body", "^GET", 0.03, {}),
            ("upload_timeout", "^PATCH", 0.2, {}),
            ("expired_link", "^PUT", 0.1, {}),
        ):
            fault(self.new, name, pattern, chance=chance, **more)

    def wrong(self, report: Any) -> Iterator[str]:
        if report is None:
            yield "it never ended"
            return
        if not report.whole:
            yield f"not whole: {report.as_dict()['bad']} {report.strays}"
        told = Told(self.new, report.matter).says()
        for kind, said in self.says.items():
            if told[kind] != said:
                yield f"{kind}: {told[kind]} instead of {said}"
        state = self.state()
        if state != self.clean:
            more = {k: (v, self.clean[k]) for k, v in state.items() if v != self.clean[k]}
            yield f"objects there and wanted: {more}"
        marked = {o.new for o in report.outcomes if o.status.value == "written"}
        if not marked:
            yield "nothing is told as written"


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    with ExitStack() as stack:
        old = stack.enter_context(running(seed=5, matters=1, documents_per_matter=1, rate=0))
        new = stack.enter_context(running(seed=22, empty=True, rate=0))
        ground = Ground(folder, old, new)
        for seed in seeds:
            yield ground.play(seed)
