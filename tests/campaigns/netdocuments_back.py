"""Documents written back into NetDocuments by a restore that is interrupted: killed before or after any request, answers
lost, bad weather, and a journal that is gone.

A matter is backed up once; before each case its documents and folders are taken away. The first case of a piece counts
the requests of a restore that nothing disturbs; then each seed disturbs one of them:

    killed    the process ends before the request is sent
    deaf      the process ends when the request was answered, before it learned the answer
    lost      the answer is lost on the way, and the process lives
    forgot    as deaf, and the journal is gone when it goes on
    weather   requests are refused, broken, limited and torn by chance

and the same command is given again until it ends. Whatever happened, the repository says of the matter what it said
before, once: no second document, folder or version, none missing, nobody's rights otherwise, and no workspace made.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import requests

from muniment.errors import MunimentError
from muniment.sources.netdocuments.transport import Transport
from muniment.sources.web.wire import Passing
from tests.campaign import Case
from tests.simulators.netdocuments.running import Running, running
from tests.support import netdocuments_back

PIECE = 100
DEEDS = ("killed", "deaf", "lost", "forgot", "weather")
STRIDE = 29
"""Few seeds reach all of a restore, from its first request to its last."""
MOST_TRIES = 12
RESTORE = "SVC-RESTORE"


class Killed(BaseException):
    """As if the process had ended: nothing of ours catches it."""


def disturbed(deed: str, at: int, count: list[int]) -> type[Transport]:
    """A transport that does a deed at the request of this number."""

    class Disturbed(Transport):
        def _send(self, *args: Any, **named: Any) -> requests.Response:
            count[0] += 1
            if count[0] != at:
                return super()._send(*args, **named)
            if deed == "killed":
                raise Killed
            answer = super()._send(*args, **named)
            _ = answer.content
            if deed != "lost":
                raise Killed
            raise Passing("an answer ended early")

    return Disturbed


class Ground:
    """A firm of one matter, its backup, and what the repository said of it."""

    def __init__(self, folder: Path, sim: Running) -> None:
        self.folder = folder
        self.sim = sim
        # By the very call that a restore must not make.
        self.home = netdocuments_back.workspace(sim, "7001", "2024-0113")
        netdocuments_back.papers(sim, self.home)
        firm = netdocuments_back.backed_up(folder / "firm", sim)
        self.case = netdocuments_back.case_of(firm, sim, "Papers")
        self.says = self.said()
        self.empty()
        count = [0]
        assert self.case.back(folder / "calm", made=disturbed("", -1, count)).whole
        self.requests = count[0]
        self.clean = self.said()

    def said(self) -> Counter[str]:
        """What stands there, by what it says and not by its id: documents with all versions, and folders."""
        truth, files = self.case.truth(), self.sim.control("files")
        rows = {**truth["documents"], **truth["containers"]}
        names = {id_: row["name"] for id_, row in rows.items()}
        found: Counter[str] = Counter()
        for id_, row in truth["documents"].items():
            if not row["deleted"]:
                found[str(netdocuments_back.says(truth, files, id_, names))] += 1
        for row in truth["containers"].values():
            above = sorted(names[one] for one in row["filed"])
            found[str((row["name"], above, row["attributes"], row["acl"]))] += 1
        return found

    def empty(self) -> None:
        """Takes away what was written, and before the first case what the matter had."""
        truth = self.case.truth()
        gone = list(truth["documents"])
        gone += [id_ for id_ in truth["containers"] if id_ != self.home]
        self.case.purge(*gone)

    # -- one case ----------------------------------------------------------------------------------
    def play(self, seed: int) -> Case:
        self.empty()
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
                if deed == "forgot":
                    (into / "netdocs.netdocuments-map.journal").unlink(missing_ok=True)
            except MunimentError as error:
                if deed != "weather" or error.code not in ("M211", "M570"):
                    raise
                if tries == MOST_TRIES // 2:
                    self.sim.control("faults", clear=True)
        struck = len(self.sim.control("faults")["log"]) if deed == "weather" else count[0] >= at
        self.sim.control("faults", clear=True)
        wrong = list(self.wrong(report))
        shutil.rmtree(into)
        row = {"deed": deed, "request": at, "of": self.requests, "tries": tries, "struck": int(struck)}  # fmt: skip
        return Case(seed, row, tuple(wrong))

    def weather(self, seed: int) -> None:
        faults: list[tuple[str, str, float, dict[str, Any]]] = [
            ("rate_limited", "^(GET|POST|PUT)", 0.05, {"seconds": 1}),
            ("server_error", "^(POST|PUT)", 0.12, {"status": 503}),
            ("torn_body", "^(POST|PUT)", 0.15, {}),
            ("torn_body", "^GET", 0.03, {}),
            ("sign_in_page", "^(POST|PUT) /v1/[DF]", 0.08, {}),
            ("nothing", "^(POST|PUT) /v1/[DF]", 0.05, {}),
        ]
        self.sim.control("faults", seed=seed)
        for name, pattern, chance, more in faults:
            self.sim.control("faults", add={"name": name, "pattern": pattern, "chance": chance, **more})  # fmt: skip

    def wrong(self, report: Any) -> Iterator[str]:
        if report is None:
            yield "it never ended"
            return
        if not report.whole:
            yield f"not whole: {report.as_dict()['bad']}"
        said = self.said()
        if said != self.clean:
            yield f"there and not wanted: {said - self.clean}; wanted and not there: {self.clean - said}"  # fmt: skip
        if self.sim.control("counters")["made_workspaces"] != 1:
            yield "a workspace was made"
        if not any(one.status.value == "written" for one in report.outcomes):
            yield "nothing is told as written"


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    with running(seed=22, empty=True, rate=0) as sim:
        ground = Ground(folder, sim)
        for seed in seeds:
            yield ground.play(seed)
