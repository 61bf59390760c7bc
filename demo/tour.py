"""Tour: what the demonstration does, act by act, through a real Airflow, and what it measures.

Nothing is staged: two backups are two runs, the truth comes from the writing of the share, and a file
counts as given back when its SHA-256 is that of the truth.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from muniment.assurance.check import CheckReport, check
from muniment.assurance.rotation import EVERYTHING as ALL
from muniment.config.load import FirmConfig
from muniment.embedded.airflow import AirflowServices
from muniment.embedded.airflow_api import AirflowApi, Run, Task
from muniment.embedded.postgres import EmbeddedPostgres
from muniment.embedded.s3 import ADMIN, EmbeddedS3
from muniment.errors import EmbeddedError
from muniment.recovery.perform import perform
from muniment.recovery.plan import make_restore_plan
from muniment.recovery.selection import select_matter
from muniment.vault import names
from muniment.vault.age import parse_identities
from muniment.vault.checkpoints import Outside
from muniment.vault.trust import Pin
from muniment.vault.vault import Vault
from muniment.wiring import Wiring

from . import firm, story
from .firm_setup import open_as, set_up
from .place import BUCKET, FIRM_ID, SOURCE, Place
from .servers import USER, Store, airflow, start_store, stop_all

SEED = 7
BACKUP = f"{FIRM_ID}__{SOURCE}__backup"
CHECKPOINT = f"{FIRM_ID}__checkpoint"
RESTORE = f"{FIRM_ID}__restore_matter"
STAGES = ("plan", "extract", "encrypt", "upload", "validate_checksums", "commit_snapshot")
_WAIT = 600.0


@dataclass
class Tour:
    """The state of one demonstration."""

    place: Place
    teller: story.Teller
    small: bool = False
    """The firm in 4 MB, for tests."""
    began: float = field(default_factory=time.monotonic)

    def run(self) -> story.Story:
        """Everything, in order. Raises MunimentError when an act fails."""
        self.teller.heading("A law firm, its keys, and servers to work with")
        with self.teller.step("Stopping and clearing an earlier demonstration"):
            stop_all(self.place)
            self.place.clear()
        store, services, monday, config = self._prepare()
        api = services.api(USER)

        self.teller.heading("Monday night: the first backup, in Airflow")
        first, first_told = self._backup(api, "The first backup")
        self.teller.heading("Tuesday: a day of work, and the second backup")
        with self.teller.step("The firm works for a day") as step:
            _, day = firm.work_a_day(self.place.share, seed=SEED, truth=monday)
            step.note(", ".join(f"{count} {what}" for what, count in _day(day)[:4]))
        _, second_told = self._backup(api, "The second backup")
        mark = self._mark(api)

        self.teller.heading("Somebody needs a matter as it was on Monday")
        restored = self._restore(api, monday, first["ended_at"])

        self.teller.heading("Somebody spoils a pack in the store")
        checked = self._spoil(config, monday, store, mark)
        return story.Story(
            firm=config.firm.name,
            seconds=time.monotonic() - self.began,
            protected=_protected(monday, first),
            backups=[first_told, second_told],
            day=_day(day),
            restore=restored,
            check=checked,
            door=self._door(services),
        )

    # -- before the first backup -------------------------------------------------------------------

    def _prepare(self) -> tuple[Store, AirflowServices, firm.Truth, FirmConfig]:
        """Airflow takes longest to start, so the share is written meanwhile."""
        with ThreadPoolExecutor(2) as pool:
            store_soon = pool.submit(start_store, self.place)
            database_soon = pool.submit(self._database)
            with self.teller.step("PostgreSQL and the S3 server") as step:
                store, database = store_soon.result(), database_soon.result()
                step.note(
                    "new objects are locked for 21 days"
                    if store.endpoint
                    else "no S3 server for this platform: the vault is a folder, without locks"
                )
            services = airflow(self.place, database, store.environment)
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
            with self.teller.step("The firm's keys, its vault, its configuration"):
                config = set_up(self.place, store)
            with self.teller.step("Airflow") as step:
                while not started.done():
                    time.sleep(0.25)
                    step.at(0, 0, _health_words(services))
                started.result()
                step.note(services.base_url)
        return store, services, monday, config

    def _database(self) -> str:
        server = EmbeddedPostgres(self.place.postgres)
        server.start()
        return server.create_database("airflow")

    # -- the acts ----------------------------------------------------------------------------------

    def _backup(self, api: AirflowApi, title: str) -> tuple[dict[str, Any], story.Backup]:
        with self.teller.step(title) as step:
            run_id = self._begin(api)
            run = api.wait_run(BACKUP, run_id, _WAIT, on_task=_teller_of(api, step))
            outcome: dict[str, Any] = api.xcom(BACKUP, run_id, "commit_snapshot")
            counts = outcome["counts"]
            step.note(
                f"snapshot {outcome['seq']}: {counts['items']:,} items, "
                f"{story.size_text(counts['read_bytes'])} read, "
                f"{story.size_text(counts['stored_bytes'])} stored"
            )
        changed = counts["changed"]
        return outcome, story.Backup(
            title=title,
            seconds=_seconds(run),
            new=counts["added"],
            changed=changed,
            removed=counts["removed"],
            unchanged=counts["items"] - counts["added"] - changed,
            read=counts["read_bytes"],
            stored=counts["stored_bytes"],
            stages=_stages(api.tasks(BACKUP, run_id)),
        )

    def _begin(self, api: AirflowApi) -> str:
        api.wait_dag(BACKUP)
        return api.trigger(BACKUP) if api.runs(BACKUP) else self._switched_on(api, BACKUP)

    def _switched_on(self, api: AirflowApi, dag_id: str) -> str:
        """Switching a DAG on starts the run that was last due; if it does not, we ask for one."""
        api.unpause(dag_id)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if runs := api.runs(dag_id):
                return runs[0].run_id
            time.sleep(0.25)
        return api.trigger(dag_id)

    def _mark(self, api: AirflowApi) -> str:
        with self.teller.step("Signing the heads, and noting their mark outside the store") as step:
            api.wait_dag(CHECKPOINT)
            run_id = self._switched_on(api, CHECKPOINT)
            api.wait_run(CHECKPOINT, run_id, _WAIT, on_task=_teller_of(api, step))
            mark: str = api.xcom(CHECKPOINT, run_id, "write_checkpoint")["mark"]
            step.note(mark)
        return mark

    def _restore(self, api: AirflowApi, monday: firm.Truth, as_of: str) -> story.Restore:
        form = {
            "what": "matter",
            "which": firm.STORY_MATTER,
            "as_of": as_of,
            "reason": "lost_or_deleted",
            "deliver_to": "monday",
        }
        with self.teller.step(f"Restoring matter {firm.STORY_MATTER}") as step:
            api.wait_dag(RESTORE)
            run_id = api.trigger(RESTORE, form)
            api.unpause(RESTORE)
            run = api.wait_run(RESTORE, run_id, _WAIT, on_task=_teller_of(api, step))
            delivered: dict[str, Any] = api.xcom(RESTORE, run_id, "certificate")
            step.note(f"{delivered['verified']:,} items, read back and equal")
        folder = self.place.restores / FIRM_ID / "monday" / SOURCE
        with self.teller.step("Comparing every file with the truth") as step:
            wanted = monday.of_matter(firm.STORY_MATTER)
            files = {path: entry for path, entry in wanted.items() if entry.kind == "file"}
            compared = monday.compare(folder, wanted)
            wrong = {*compared.missing, *compared.changed}
            identical = sum(1 for path in files if path not in wrong)
            step.note(f"{identical:,} of {len(files):,} files are identical")
        if not compared.identical:
            raise EmbeddedError(
                f"{len(wrong)} items differ from the truth and {len(compared.extra)} are too many",
                to=str(folder),
            )
        return story.Restore(
            matter=firm.STORY_MATTER,
            as_of="Monday night",
            seconds=_seconds(run),
            files=len(files),
            size=sum(entry.size for entry in files.values()),
            identical=identical,
            folder=str(folder),
        )

    def _spoil(
        self, config: FirmConfig, monday: firm.Truth, store: Store, mark: str
    ) -> story.Check:
        reader = self._vault(config, "worker", keys=False)
        history = reader.history(SOURCE)
        pack = next(p for p in history.at(1).commit.packs if p.new)
        name = names.pack(pack.pack)
        said: list[str] = []
        if store.endpoint:
            planted = "with a worker's stolen credential, a spoiled version laid on top of a pack"
            said += _lay_on_top(EmbeddedS3(self.place.s3), name)
        else:
            planted = "one byte of a pack changed on the disk"
            _flip(self.place.store / name)
        with self.teller.step("Checking the whole vault, without any key") as step:
            began = time.monotonic()
            report: CheckReport = check(
                self._vault(config, "worker", keys=False),
                Outside(marks=(mark,)),
                None if store.endpoint else ALL,
            )
            seconds = time.monotonic() - began
            found = [f for f in report.findings if f.object == name]
            step.note(f"{len(report.findings)} finding(s) in {report.objects:,} objects")
        said += [f.line() for f in report.findings]
        said.append(f"freshness is {report.freshness}: the mark noted outside is in the store")
        if store.endpoint:
            with self.teller.step("Restoring the matter once more, from the spoiled store") as step:
                same = self._once_more(config, monday)
                step.note("every file is identical" if same else "NOT identical")
            said.append(
                "a restore reads the true version beneath it: every file is identical"
                if same
                else "a restore from it is NOT identical"
            )
        return story.Check(planted, bool(found), True, seconds, said)

    def _once_more(self, config: FirmConfig, monday: firm.Truth) -> bool:
        vault = self._vault(config, "operations", keys=True)
        selection = select_matter(vault, firm.STORY_MATTER)
        first = vault.history(SOURCE).at(1).commit.ended_at
        plan = make_restore_plan(vault, selection, first)
        folder = self.place.restores / FIRM_ID / "monday-again"
        wiring = Wiring(config)
        perform(
            vault,
            plan,
            selection,
            lambda source: wiring.target(source, folder, restore_id=plan.digest),
        )
        wanted = monday.of_matter(firm.STORY_MATTER)
        return monday.compare(folder / SOURCE, wanted).identical

    def _vault(self, config: FirmConfig, role: str, *, keys: bool) -> Vault:
        pinned = config.firm.pinned()
        identities = (
            parse_identities((self.place.keys / f"{role}.age-identity").read_text()) if keys else []
        )
        return Vault(
            open_as(self.place, role),
            Pin(pinned.vault_id, bytes.fromhex(pinned.root_public)),
            identities=identities,
        )

    def _door(self, services: AirflowServices) -> story.Door:
        muniment = f"muniment --firm {self.place.firm}"
        return story.Door(
            url=services.base_url,
            user=USER,
            password=services.settings.passwords()[USER],
            stop="make demo-stop",
            also=[
                ("restored", str(self.place.restores / FIRM_ID / "monday" / SOURCE)),
                ("key card, keys", str(self.place.keys)),
                ("without Airflow", f"{muniment} snapshots"),
            ],
        )


# -- parts -----------------------------------------------------------------------------------------


def step_progress(step: story.Step) -> firm.Progress:
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


def _teller_of(api: AirflowApi, step: story.Step) -> Any:
    finished: set[tuple[str, int]] = set()
    known: set[tuple[str, int]] = set()

    def tell(task: Task) -> None:
        key = (task.task_id, task.map_index)
        known.add(key)
        if task.state in ("success", "skipped", "failed", "upstream_failed"):
            finished.add(key)
        name = task.task_id.rpartition(".")[2]
        step.at(len(finished), len(known), f"{name} {task.label}".strip())

    return tell


def _seconds(run: Run) -> float:
    return (run.end - run.start).total_seconds() if run.start and run.end else 0.0


def _stages(tasks: Sequence[Task]) -> list[story.Stage]:
    stages = []
    for name in STAGES:
        mine = [t for t in tasks if t.task_id.rpartition(".")[2] == name and t.start and t.end]
        if mine:
            began = min(t.start for t in mine if t.start)
            ended = max(t.end for t in mine if t.end)
            shards = sum(1 for t in mine if t.map_index >= 0)
            stages.append(story.Stage(name, (ended - began).total_seconds(), shards))
    return stages


def _protected(monday: firm.Truth, outcome: Mapping[str, Any]) -> story.Protected:
    kinds = [entry.kind for entry in monday.entries.values()]
    return story.Protected(
        files=kinds.count("file"),
        folders=kinds.count("directory"),
        links=kinds.count("symlink"),
        matters=len(monday.matters),
        unassigned=outcome["counts"]["unassigned"],
        size=monday.total_bytes,
        formats=monday.formats(),
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


def _lay_on_top(server: EmbeddedS3, name: str) -> list[str]:
    """What somebody with a worker's credential can do to a pack, and the owner of the server cannot."""
    worker = server.client("worker")
    spoiled = secrets.token_bytes(4096)
    worker.put_object(Bucket=BUCKET, Key=name, Body=spoiled)
    owner = server.client(ADMIN)
    versions = owner.list_object_versions(Bucket=BUCKET, Prefix=name)["Versions"]
    true = min(versions, key=lambda v: v["LastModified"])
    try:
        owner.delete_object(Bucket=BUCKET, Key=name, VersionId=true["VersionId"])
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        return [f"the server's own administrator may not delete the true version: {code}"]
    return ["the true version could be DELETED: the lock is not enforced"]


def _flip(path: Any) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(data))
