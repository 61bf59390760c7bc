"""Tour: what the demonstration does, act by act, through a real Airflow, and what it measures.

Nothing is staged: two backups are two runs, the truth comes from the writing of the share, a file counts
as given back when its SHA-256 is that of the truth, and what verification, drill and alert came to is
read from the vault's evidence and from the mail that arrived.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from muniment.embedded.airflow import AirflowServices
from muniment.embedded.postgres import EmbeddedPostgres

from . import firm, story
from .clio_truth import VERSIONS, ClioTruth
from .firm_setup import give_consent, set_up
from .place import SOURCE, Place
from .protect import (
    Before,
    back_up,
    delivered,
    ended_at,
    give_back,
    go_on_watch,
    sign_heads,
)
from .prove import drill, verify
from .servers import (
    PARTNER,
    USER,
    airflow,
    start_clio,
    start_mail,
    start_office,
    start_own,
    start_store,
    stop_all,
)
from .setting import Setting
from .spoil import go_bad, steal_and_spoil
from .systems import Vendors
from .teller import Step, Teller

SEED = 7


@dataclass
class Tour:
    """The state of one demonstration."""

    place: Place
    teller: Teller
    small: bool = False
    """The firm in 4 MB, for tests."""
    began: float = field(default_factory=time.monotonic)

    def run(self) -> story.Story:
        """Everything, in order. Raises MunimentError when an act fails."""
        heading = self.teller.heading
        heading("A law firm, its keys, and servers to work with")
        with self.teller.step("Stopping and clearing an earlier demonstration"):
            stop_all(self.place)
            self.place.clear()
        setting = self._prepare()

        heading("Monday night: the first backup, in Airflow")
        first, first_told = back_up(setting, "The first backup")
        account = setting.vendors.account
        clio = ClioTruth(account, account.sequence())
        before = Before.of(clio, setting.vendors)
        heading("Tuesday: a day of work, and the second backup")
        day, at_clio = self._work_a_day(setting)
        _, second_told = back_up(setting, "The second backup")
        mark = sign_heads(setting)
        heading("From here on somebody watches, and is tested")
        go_on_watch(setting)

        heading("Wednesday: a lawyer needs a matter as it was on Monday")
        restored = give_back(setting, ended_at(first), before)
        heading("Saturday: the weekly verification")
        verified = verify(setting, "Restoring a part of everything, and judging it")
        heading("The quarterly drill: practising the worst day")
        drilled = drill(setting)
        heading("Somebody with a stolen credential spoils a pack")
        checked = steal_and_spoil(setting, mark)
        heading("A disk goes bad, and nobody looks for it")
        alarm = go_bad(setting)
        return story.Story(
            firm=setting.config.firm.name,
            seconds=time.monotonic() - self.began,
            protected=_protected(setting.monday, first[SOURCE], clio.counts),
            backups=[first_told, second_told],
            day=[*_day(day), *at_clio],
            restore=restored,
            verification=verified,
            drill=drilled,
            check=checked,
            alarm=alarm,
            door=_door(setting, alarm.red),
        )

    # -- before the first backup -------------------------------------------------------------------

    def _prepare(self) -> Setting:
        """Airflow takes longest to start, so the share is written meanwhile."""
        with ThreadPoolExecutor(2) as pool:
            store_soon = pool.submit(start_store, self.place)
            database_soon = pool.submit(self._database)
            with self.teller.step("PostgreSQL, the S3 server, a mail server") as step:
                mail = start_mail(self.place)
                store, database = store_soon.result(), database_soon.result()
                step.note(
                    "new objects are locked for 21 days"
                    if store.endpoint
                    else "no S3 server for this platform: the vault is a folder, without locks"
                )
            services = airflow(self.place, database, {**store.environment, **mail})
            started = pool.submit(_start, services)
            with self.teller.step("Writing the firm's file share") as step:
                if self.small:
                    monday = firm.small(self.place.share, SEED)
                else:
                    monday = firm.write(self.place.share, seed=SEED, progress=step_progress(step))
                self.place.truth.mkdir()
                monday.save(self.place.truth / "monday.json")
                files = sum(1 for _ in monday.files())
                step.note(f"{files:,} files, {story.size_text(monday.total_bytes)}")
            with self.teller.step("The firm's Clio account, on a server of its own") as step:
                account = start_clio(self.place, monday)
                step.note(f"{account.host}, a simulator: nothing of Clio itself is asked")
            with self.teller.step("Its Microsoft 365 tenant, its NetDocuments repository") as step:
                office = start_office(self.place, monday)
                step.note("simulators too: nothing of the vendors themselves is asked")
            with self.teller.step("Its practice database, its archive of old mail") as step:
                ledger, old_mail = start_own(self.place)
                vendors = Vendors(account, *office, ledger, old_mail)
                step.note(
                    f"a PostgreSQL of its own with {len(ledger.rows().digests):,} rows; an mbox"
                )
            with self.teller.step("The firm's keys, its vault, its configuration"):
                config = set_up(self.place, store, vendors)
            with self.teller.step(
                "The backup user's consent to read it, once, in a browser"
            ) as step:
                step.note(f"of user {give_consent(self.place, account)}; sealed to the worker")
            with self.teller.step("Airflow") as step:
                while not started.done():
                    time.sleep(0.25)
                    step.at(0, 0, _health_words(services))
                started.result()
                step.note(services.base_url)
        api = services.api(USER)
        return Setting(self.place, self.teller, store, services, config, monday, vendors, api)

    def _database(self) -> str:
        server = EmbeddedPostgres(self.place.postgres)
        server.start()
        return server.create_database("airflow")

    def _work_a_day(self, setting: Setting) -> tuple[firm.DayOfWork, list[tuple[str, int]]]:
        with self.teller.step("The firm works for a day") as step:
            _, day = firm.work_a_day(self.place.share, seed=SEED, truth=setting.monday)
            vendors = setting.vendors
            done = vendors.account.control("day", number=1)
            at_clio = [("changes in the Clio account", done["to"] - done["from"])]
            done = vendors.tenant.control("day", number=1)
            at_clio += [("in the tenant", done["sequence"] - done["after"])]
            done = vendors.netdocs.control("day", number=1)
            at_clio += [("in NetDocuments", done["to"] - done["from"])]
            at_clio += [("rows of the practice database", vendors.ledger.work_a_day())]
            at_clio += [("mail in the archive", vendors.old_mail.work_a_day())]
            words = [*_day(day)[:4], *at_clio]
            step.note(", ".join(f"{count} {what}" for what, count in words))
        return day, at_clio


# -- parts -----------------------------------------------------------------------------------------


def step_progress(step: Step) -> firm.Progress:
    def tell(stage: str, done: int, total: int) -> None:
        step.at(done, total, stage)

    return tell


def _start(services: AirflowServices) -> None:
    services.migrate()
    services.start()
    services.wait_healthy(180)


def _health_words(services: AirflowServices) -> str:
    states = services.health()
    waiting = [name for name, state in states.items() if state != "healthy"]
    return "waiting for " + ", ".join(waiting) if waiting else "healthy"


def _protected(
    monday: firm.Truth, outcome: Mapping[str, Any], at_clio: Mapping[str, int]
) -> story.Protected:
    kinds = [entry.kind for entry in monday.entries.values()]
    return story.Protected(
        files=kinds.count("file"),
        folders=kinds.count("directory"),
        links=kinds.count("symlink"),
        matters=len(monday.matters),
        unassigned=outcome["counts"]["unassigned"],
        size=monday.total_bytes,
        formats=monday.formats(),
        at_clio=[
            (at_clio["matters"], "matters"),
            (at_clio["documents"], "documents"),
            (at_clio[VERSIONS], "versions of them"),
            (at_clio["notes"] + at_clio["communications"], "notes and messages"),
            (at_clio["bills"], "bills"),
            (at_clio["bank_transactions"], "transactions"),
            (sum(at_clio.values()), "rows in all"),
        ],
    )


def _day(day: firm.DayOfWork) -> list[tuple[str, int]]:
    counts = [
        ("documents edited", day.edited),
        ("documents added", day.added),
        ("documents deleted", day.deleted),
        ("documents moved", day.moved),
        ("files in a matter's renamed folder", day.renamed),
        ("mails that came into the mailbox", day.mails_appended),
        ("mails marked as read in the middle of it", day.mails_read),
        ("rows added to the database dump", day.dump_rows_added),
        ("rows changed in it", day.dump_rows_changed),
    ]
    return [(what, count) for what, count in counts if count]


def _door(setting: Setting, red: story.Verification) -> story.Door:
    place, passwords = setting.place, setting.services.settings.passwords()
    return story.Door(
        url=setting.services.base_url,
        user=USER,
        password=passwords[USER],
        stop="make demo-stop",
        also=[
            ("or as", f"{PARTNER}, password: {passwords[PARTNER]}"),
            ("the red run", red.pages),
            ("restored", str(delivered(setting))),
            ("mails, keys", f"{setting.mail.inbox}, {place.keys}"),
            ("without Airflow", f"muniment --firm {place.firm} snapshots"),
        ],
    )
