"""A firm of two sources, its documents and key files on disk, and the `muniment` command over it.

`files` has a fault in every test here; `archive` has none, and its backup must not notice. Each source
has a store of its own (one vault, two copies), so that a fault of a store can be a fault of one.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from muniment import wiring
from muniment.cli.main import main
from muniment.clock import Clock, FixedClock
from muniment.config.load import FirmConfig, load_firm
from muniment.vault.store.base import Store
from muniment.vault.store.decorators import RetryingStore, put_or_same
from muniment.vault.store.local import LocalStore
from muniment.vault.store.s3_client import S3Settings
from tests.support import airflow_home
from tests.support.airflow_firm import ROW, write_firm
from tests.support.fake_stores import digest
from tests.support.faulty_s3 import FaultyS3, faulty_s3
from tests.support.practice import MONDAY, Practice, tree
from tests.support.s3_server import S3Server

airflow_home.prepare()

CLIENT = "Quillfeather"
"""Stands in the name of a matter, of a file and in a content: in no error, ever."""

NAMES = (CLIENT, "codicil")

SOURCES = ("files", "archive")

YAML = """\
firm: practice
name: Practice Law
time_zone: America/New_York
vault: {{vault_id: "{vault_id}", root_public: "{root_public}"}}
destinations:
  main:
    url: "{main}"{main_more}
    lock: 0d
  second:
    url: "{second}"
    lock: 0d
staging: {staging}
keys:
  worker: {{identity: {folder}/keys/worker.identity, signer: {folder}/keys/worker.pem}}
  operations: {{identity: {folder}/keys/operations.identity, signer: {folder}/keys/operations.pem}}
  retention: {{signer: {folder}/keys/retention.pem}}
people:
  managing-partner: {{email: "partner@firm.example"}}
  office-manager: {{email: "office@firm.example"}}
  technician: {{email: "technician@provider.example"}}
roles:
  managing_partner: managing-partner
  office_manager: office-manager
  technicians: technician
retention:
  matters: {{class: recovery_points, daily: 30}}
matter_rules:
  - source: files
    pattern: "Matters/{{number}} {{title}}/**"
"""


class ShiftedClock:
    """The real time, set wrongly by `off`."""

    def __init__(self) -> None:
        self.off = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.off


@dataclass(frozen=True)
class Said:
    """What a command gave."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err

    @property
    def json(self) -> dict[str, Any]:
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found

    def runs(self) -> dict[str, dict[str, Any]]:
        """Of `backup --json`: how each source ended."""
        return {run["source"]: run for run in self.json["runs"]}

    def symptoms(self, state: str = "bad") -> dict[str, dict[str, str]]:
        """Of `doctor --json`: the first symptom of each subject that is in this state."""
        found: dict[str, dict[str, str]] = {}
        for symptom in self.json["symptoms"]:
            if symptom["state"] == state:
                found.setdefault(symptom["about"], symptom)
        return found


class Office(Practice):
    """The firm. A second `backup --all` of it is due; the first was good."""

    def __init__(
        self,
        folder: Path,
        capture: pytest.CaptureFixture[str],
        *,
        store: Store | None = None,
        main_url: str = "",
        main_more: str = "",
        clock: Clock | None = None,
    ) -> None:
        super().__init__(folder, store, clock=clock, sources=("files", "archive"))
        self._capture = capture
        self.archive = folder / "archive"
        self.archive.mkdir()
        self.second = LocalStore.create(folder / "second")
        for each in self.store.list():
            data = self.store.get(each.name)
            put_or_same(self.second, each.name, data, sha256=digest(data))
        self.firm = folder / "firms" / "practice"
        self.firm.mkdir(parents=True)
        self.main_url = main_url or f"file://{folder}/store"
        self.main_more = main_more
        self.staging_folder = self.staging
        self._write_keys()
        self.document()
        self.inventory()
        self._work()
        self.let_settle()

    def _work(self) -> None:
        for number in range(3):
            self.write(f"Matters/2024-0{number}13 {CLIENT} {number}/codicil.txt", f"{CLIENT} one")
        self.write("Office/list.txt", "list")
        for number in range(3):
            (self.archive / f"{CLIENT} {number}.txt").write_text(f"closed {number}")

    def _write_keys(self) -> None:
        keys = self.folder / "keys"
        keys.mkdir(mode=0o700)
        self.key("worker.identity", f"{self.keys.worker}\n")
        self.key("worker.pem", self.keys.worker_signer.pem())
        self.key("operations.identity", f"{self.keys.operations}\n")
        self.key("operations.pem", self.keys.operations_signer.pem())
        self.key("retention.pem", self.keys.retention_signer.pem())

    def key(self, name: str, content: str | bytes) -> Path:
        path = self.folder / "keys" / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(0o600)
        return path

    # -- its documents -----------------------------------------------------------------------------

    def document(self, change: Callable[[str], str] = str, **values: object) -> None:
        """Writes firm.yaml; `values` replace those below, `change` works on the text."""
        given: dict[str, object] = {
            "vault_id": self.pin.vault_id,
            "root_public": self.pin.root_public.hex(),
            "main": self.main_url,
            "main_more": self.main_more,
            "second": f"file://{self.folder}/second",
            "staging": self.staging_folder,
            "folder": self.folder,
        }
        (self.firm / "firm.yaml").write_text(change(YAML.format_map({**given, **values})))

    def inventory(self, *rows: Mapping[str, str], columns: Sequence[str] = tuple(ROW)) -> None:
        """Writes inventory.csv; each of `rows` says how it differs from the two good ones."""
        (self.firm / "inventory.csv").write_text(self.sheet(*rows, columns=columns))

    def sheet(
        self,
        *rows: Mapping[str, str],
        columns: Sequence[str] = tuple(ROW),
        delimiter: str = ",",
    ) -> str:
        good = [
            {**ROW, "source_id": "files", "location": str(self.share)},
            {
                **ROW,
                "source_id": "archive",
                "description": "Closed matters",
                "location": str(self.archive),
                "classification": "important",
                "destination": "second",
            },
        ]
        changed = [{**row, **given} for row, given in zip(good, rows, strict=False)]
        added = [{**ROW, **row} for row in rows[2:]]
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
        writer.writerow(columns)
        for row in [*changed, *good[len(changed) :], *added]:
            writer.writerow([row.get(column.strip(), "") for column in ROW])
        return out.getvalue()

    def loaded(self) -> FirmConfig:
        return load_firm(self.firm)

    # -- the command -------------------------------------------------------------------------------

    def muniment(self, *args: str | Path, code: int = 0, firm: bool = True) -> Said:
        """`muniment ARGS`, expected to end with this exit code, and to name no client."""
        self._capture.readouterr()
        front = ["--firm", str(self.firm)] if firm else []
        given = main([*front, *map(str, args)], clock=self.clock)
        said = Said(given, *self._capture.readouterr())
        assert given == code, f"exit code {given}, expected {code}\n{said.out}\n{said.err}"
        assert not [name for name in NAMES if name in said.all], said.all
        assert "Traceback" not in said.all
        return said

    def back_up_all(self, code: int = 0) -> Said:
        self.let_settle()
        said = self.muniment("backup", "--all", "--json", code=code)
        self.tomorrow()
        return said

    # -- what must hold ----------------------------------------------------------------------------

    def trees(self) -> dict[str, Any]:
        return {"files": tree(self.share), "archive": tree(self.archive)}

    def must_restore(
        self, wanted: Mapping[str, Any], as_of: str = "", only: Sequence[str] = SOURCES
    ) -> None:
        """The sources come back as they were, in a folder of their own."""
        for source, destination in zip(SOURCES, ("main", "second"), strict=True):
            if source not in only:
                continue
            into = self.folder / f"back-{len(list(self.folder.glob('back-*')))}"
            asked = ["restore", "--source", source, "--to", into, "--yes", "--json"]
            asked += ["--destination", destination, *(["--as-of", as_of] if as_of else [])]
            self.muniment(*asked)
            assert tree(into / source) == wanted[source]

    def must_have_empty_staging(self) -> None:
        assert [str(p) for p in self.staging_folder.rglob("*") if not p.is_dir()] == []
        assert [
            p.name for p in self.staging_folder.iterdir() if p.name in ("files", "archive")
        ] == []


def four_answers(error: Mapping[str, str], code: str) -> None:
    """What, where, what is safe, what to do."""
    assert error["code"] == code
    for part in ("what", "to", "safe", "todo"):
        assert len(error[part]) > 3, (part, error)
    assert not [name for name in NAMES if name in str(error)]


def four_answers_for_people(said: Said, code: str) -> None:
    """The same on a person's screen."""
    assert f"[{code}] " in said.err
    for label in ("where:", "safe:", "to do:"):
        assert label in said.err, said.err


@dataclass
class Trouble:
    """A firm with one good snapshot of each source, as a fault finds it."""

    office: Office
    first: dict[str, Any]
    morning: str

    def of_files(self, error: str, code: int, *, shard: bool = False) -> dict[str, str]:
        """`backup --all` while the fault is there. `files` fails with `error` and the command with
        `code`; `archive` is backed up; nothing stays in staging. Answers the error.

        `shard`: a part of `files` fails, and the rest is committed as incomplete.
        """
        office = self.office
        for_people = office.muniment("backup", "--all", code=code)
        four_answers_for_people(for_people, error)
        office.tomorrow()
        runs = office.back_up_all(code=code).runs()
        assert runs["archive"]["exit_code"] == 0
        assert runs["archive"]["outcome"]["completeness"] == "complete"
        assert runs["files"]["exit_code"] == code
        office.must_have_empty_staging()
        if shard:
            assert runs["files"]["outcome"]["completeness"] == "incomplete"
            found = runs["files"]["failed_shards"][0]["error"]
        else:
            assert runs["files"]["outcome"] is None
            found = runs["files"]["error"]
        four_answers(found, error)
        assert isinstance(found, dict)
        return found

    def earlier_is_unharmed(self, only: Sequence[str] = SOURCES) -> None:
        """What was there before the fault restores as it was."""
        self.office.must_restore(self.first, as_of=self.morning, only=only)

    def mended(self, earlier: Sequence[str] = SOURCES) -> None:
        """The fault is gone: everything is as if it had never been.

        `earlier`: the sources whose first snapshot is the newest as of that morning.
        """
        office = self.office
        self.earlier_is_unharmed(earlier)
        runs = office.back_up_all().runs()
        for source in ("files", "archive"):
            assert runs[source]["outcome"]["completeness"] == "complete"
        office.must_restore(office.trees())
        office.must_have_empty_staging()
        for destination in ("main", "second"):
            checked = office.muniment(
                "check", "--destination", destination, "--read-back", "all", "--json"
            )
            assert checked.json["good"]


def trouble_in(office: Office) -> Trouble:
    """Takes the first snapshots; then a day's work is done in both sources."""
    office.back_up_all()
    trouble = Trouble(office, office.trees(), office.clock.now().isoformat())
    office.tomorrow()
    office.write(f"Matters/2024-0013 {CLIENT} 0/codicil.txt", f"{CLIENT} two")
    office.write(f"Matters/2024-0013 {CLIENT} 0/codicil, signed.txt", "signed")
    (office.share / "Office/list.txt").unlink()
    (office.archive / "new.txt").write_text("new")
    return trouble


@pytest.fixture
def office(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Office:
    """The firm before its first backup."""
    for name in ("MUNIMENT_FIRM", "MUNIMENT_DEBUG", "MUNIMENT_S3_CREDENTIAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Office(tmp_path, capsys, clock=FixedClock(MONDAY))


@pytest.fixture
def trouble(office: Office) -> Trouble:
    return trouble_in(office)


@dataclass
class Bucket:
    """A firm whose `main` is on the real S3 server, behind a proxy that can spoil it."""

    trouble: Trouble
    proxy: FaultyS3
    clock: ShiftedClock

    @property
    def office(self) -> Office:
        return self.trouble.office


@pytest.fixture
def bucket(
    s3_server: S3Server,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Bucket]:
    """Waits are short: half a second without a byte counts as hung, retries follow at once."""
    monkeypatch.setattr(
        wiring, "S3Settings", partial(S3Settings, read_seconds=0.5, connect_seconds=5, attempts=1)
    )
    monkeypatch.setattr(wiring, "RetryingStore", partial(RetryingStore, first_wait=0.0))
    monkeypatch.setenv("MUNIMENT_S3_CREDENTIAL", str(s3_server.embedded.credential_file("worker")))
    monkeypatch.chdir(tmp_path)
    place = s3_server.place()
    clock = ShiftedClock()
    with faulty_s3(s3_server.embedded.endpoint) as proxy:
        more = f"\n    connection: store\n    endpoint: {proxy.url}\n    region: us-east-1"
        url = f"s3://{place.bucket}/{place.prefix}"
        office = Office(
            tmp_path, capsys, store=place.store(), main_url=url, main_more=more, clock=clock
        )
        trouble = trouble_in(office)
        proxy.requests.clear()
        yield Bucket(trouble, proxy, clock)


@dataclass(frozen=True)
class Airflow:
    """What Airflow makes of the firm, beside a neighbour in whose documents nothing is wrong."""

    office: Office
    firms: Path

    def refused(self) -> dict[str, str]:
        """By DAG id: what the tasks of config-error DAGs end with. The neighbour never has one."""
        write_firm(self.firms / "neighbour")
        found = airflow_home.dags()
        whys = {dag_id: airflow_home.why_not(dag) for dag_id, dag in found.items()}
        beside = {d: why for d, why in whys.items() if d.startswith("neighbour__")}
        assert {"neighbour__files__backup", "neighbour__restore_matter"} <= beside.keys()
        assert not any(beside.values())
        assert not [why for why in whys.values() for name in NAMES if name in why]
        return {dag_id: why for dag_id, why in whys.items() if why}

    def backups(self) -> set[str]:
        """The sources of this firm that have a backup DAG, of either kind."""
        return {
            dag_id.split("__")[1]
            for dag_id in airflow_home.dags()
            if dag_id.startswith("practice__") and dag_id.endswith("__backup")
        }


@pytest.fixture(scope="session")
def _airflow_imported() -> None:
    """Its log handlers keep the stream of that moment, which must not be one test's."""
    import airflow.dag_processing.dagbag  # noqa: F401


@pytest.fixture(scope="session")
def tables(_airflow_imported: None) -> None:
    """Airflow's tables, in SQLite: one process, one task at a time."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def airflow(_airflow_imported: None, office: Office, monkeypatch: pytest.MonkeyPatch) -> Airflow:
    monkeypatch.setenv("MUNIMENT_FIRMS", str(office.firm.parent))
    monkeypatch.setenv("MUNIMENT_RESTORES", str(office.folder / "restores"))
    return Airflow(office, office.firm.parent)


@pytest.fixture
def kept(office: Office) -> Iterator[Path]:
    """A folder in which a test may put aside what it takes away."""
    folder = office.folder / "aside"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
