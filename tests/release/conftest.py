"""A firm with approvers and people who may break the glass, its vault, and a restore that needs a release."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from muniment.clock import FixedClock
from muniment.config.approvals import Approvals
from muniment.recovery.plan import Choice, RestorePlan
from muniment.recovery.release import issue, use
from muniment.recovery.release.book import Release
from muniment.recovery.release.needs import Need
from muniment.recovery.release.people import Entitled, Party
from muniment.vault.vault import Vault
from tests.support.fake_stores import VersionedStore
from tests.support.practice import MONDAY, Practice

APPROVALS = Approvals(
    time_out=timedelta(hours=8),
    use_within=timedelta(hours=12),
    break_glass=("office", "technician", "clerk"),
)
ENTITLED = Entitled(
    approvers=("partner", "deputy"),
    break_glass=("office", "technician", "clerk"),
    logins={"paula": "partner", "dora": "deputy", "tom": "technician", "olga": "office"},
)
TOM, PAULA, DORA = (ENTITLED.party(login, login) for login in ("tom", "paula", "dora"))


def plan(target: str = "folder one", items: int = 3) -> RestorePlan:
    """A plan as it comes through Airflow; which snapshot it names does not matter to a release."""
    choice = Choice(
        "files", 1, "c" * 64, "2026-03-02T01:00:00Z", "complete", items, 99, "d" * 64, {"native": items},
        1, 99, "read", {}, 0, (),
    )  # fmt: skip
    return RestorePlan(
        "0" * 32, "2026-03-02T02:00:00Z", "2026-03-02T02:00:00Z", "matter", "M-7F3K2QXA", (choice,), (), 0, target
    )  # fmt: skip


@dataclass
class Desk:
    """Where restores are asked for, let go and delivered; `vault` is operations'."""

    practice: Practice
    vault: Vault
    clock: FixedClock
    approvals: Approvals = APPROVALS
    entitled: Entitled = ENTITLED
    plan: RestorePlan = field(default_factory=plan)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def ask(self, run: str = "run1", by: Party = TOM) -> None:
        question = issue.Question(run, self.plan, by, (Need.ACTIVE_MATTER,), self.now)
        issue.ask(self.vault, question, self.approvals)

    def answer(self, *by: Party, run: str = "run1", of: RestorePlan | None = None, asked_by: Party = TOM) -> issue.Answer:  # fmt: skip
        return issue.Answer(run, (of or self.plan).digest, asked_by, by)

    def approve(self, by: Party = PAULA, run: str = "run1", **more: object) -> Release:
        answer = self.answer(by, run=run, **more)  # type: ignore[arg-type]
        return issue.release(self.vault, answer, self.entitled, self.approvals)

    def break_glass(self, by: Party, run: str = "run1") -> Release | None:
        return issue.break_glass(
            self.vault, self.answer(by, run=run), self.entitled, self.approvals
        )

    def demand(self, run: str = "run1", holder: str = "worker 1", by: Party = TOM) -> use.Demand:
        return use.Demand(run, self.plan.digest, by, holder)

    def begin(self, **of: object) -> Release:
        return use.begin(self.vault, self.demand(**of), self.entitled)  # type: ignore[arg-type]

    def require(self, **of: object) -> Release:
        return use.require(self.vault, self.demand(**of), self.entitled)  # type: ignore[arg-type]

    def events(self) -> list[str]:
        from muniment.recovery.release.book import Book

        return [entry.event for entry in Book(self.vault).entries()]

    def changed(self, plan: RestorePlan) -> Desk:
        return replace(self, plan=plan)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    clock = FixedClock(MONDAY)
    practice = Practice(tmp_path, VersionedStore(clock), clock=clock)
    return Desk(practice, practice.vault(), clock)


@pytest.fixture
def asked(desk: Desk) -> Desk:
    desk.ask()
    return desk


@pytest.fixture
def on_disk(tmp_path: Path) -> Desk:
    """The same over a folder, which processes share and where something can be removed."""
    clock = FixedClock(MONDAY)
    practice = Practice(tmp_path, clock=clock)
    desk = Desk(practice, practice.vault(), clock)
    desk.ask()
    return desk
