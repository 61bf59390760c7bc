"""A matter written back into Microsoft 365 by a restore that is interrupted: killed before or after any request, answers
lost, bad weather, and a journal that is gone.

A matter is backed up once; before each case the rooms of earlier ones are taken away. The first case of a piece counts the
requests of a restore that nothing disturbs; then each seed disturbs one of them:

    killed    the process ends before the request is sent
    deaf      the process ends when the request was answered, before it learned the answer
    lost      the answer is lost on the way, and the process lives
    forgot    as deaf, and the journal is gone when it goes on
    weather   requests are refused, broken, limited, done unheard and torn by chance; upload sessions end

and the same command is given again until it ends. Whatever happened, each item stands in its room once and says what it said
in the restore that nothing disturbed; nothing else in the tenant is otherwise; and nothing was sent.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import requests

from muniment.errors import MunimentError
from muniment.sources.m365.transport import Transport
from muniment.sources.web.wire import Passing
from tests.campaign import Case
from tests.simulators.graph.running import Running, running
from tests.support.m365_back import (
    SMALL,
    backed_up,
    case_of,
    more_of_the_small_matter,
    small_matter,
)

PIECE = 100
DEEDS = ("killed", "deaf", "lost", "forgot", "weather")
STRIDE = 29
"""Few seeds reach all of a restore, from its first request to its last."""
MOST_TRIES = 12
WEATHER: tuple[tuple[str, str, float, dict[str, Any]], ...] = (
    ("rate_limited", "^(GET|POST|PUT|PATCH)", 0.05, {"seconds": 1}),
    ("server_error", "^(POST|PUT|PATCH|DELETE)", 0.08, {"status": 503}),
    ("deaf", "^(POST|PUT|PATCH|DELETE) /(v1.0|up)/", 0.12, {}),
    ("torn_body", "^(POST|PUT|PATCH)", 0.08, {}),
    ("torn_body", "^GET", 0.02, {}),
    ("session_over", "^PUT /up/", 0.08, {}),
    ("transient_400", "^POST /v1.0/drives", 0.05, {}),
    ("expired", "^POST /v1.0/", 0.02, {}),
)


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
    """A firm of one matter, its backup, and what the tenant says of it."""

    def __init__(self, folder: Path, sim: Running) -> None:
        self.folder = folder
        self.sim = sim
        sim.control("limits", off=True)
        more_of_the_small_matter(small_matter(sim))
        self.case = case_of(backed_up(folder / "firm", sim), sim, SMALL)
        self.before = self.case.rooms().rest()
        self.sent = len(self.case.sent())
        count = [0]
        report = self.case.back(folder / "calm", made=disturbed("", -1, count))
        assert report.whole, report.as_dict()["bad"]
        self.requests = count[0]
        self.clean = self.case.rooms().said()

    def play(self, seed: int) -> Case:
        self.case.empty()
        deed, at = DEEDS[seed % len(DEEDS)], 1 + (seed // len(DEEDS) * STRIDE) % self.requests
        into = self.folder / f"case-{seed}"
        if deed == "weather":
            self.sim.control("faults", seed=seed)
            for name, pattern, chance, more in WEATHER:
                self.sim.control("faults", add={"name": name, "pattern": pattern, "chance": chance, **more})  # fmt: skip
        count = [0]
        made = Transport if deed == "weather" else disturbed(deed, at, count)
        report, tries = None, 0
        while report is None and tries < MOST_TRIES:
            tries += 1
            try:
                report = self.case.back(into, made=made)
            except Killed:
                if deed == "forgot":
                    (into / "m365.m365-map.journal").unlink(missing_ok=True)
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

    def wrong(self, report: Any) -> Iterator[str]:
        if report is None:
            yield "it never ended"
            return
        if not report.whole:
            yield f"not whole: {report.as_dict()['bad']}"
        rooms = self.case.rooms()
        said, rest = rooms.said(), rooms.rest()
        if said != self.clean:
            yield f"there and not wanted: {said - self.clean}; wanted and not there: {self.clean - said}"  # fmt: skip
        if rest != self.before:
            keys = {k for k in (*rest, *self.before) if rest.get(k) != self.before.get(k)}
            yield f"otherwise than before, beside the rooms: {sorted(keys)}"
        if gone_out := self.case.sent()[self.sent :]:
            yield f"sent: {gone_out}"


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    with running(seed=33, users=1, messages=0, events=0, files=0) as sim:
        ground = Ground(folder, sim)
        for seed in seeds:
            yield ground.play(seed)
