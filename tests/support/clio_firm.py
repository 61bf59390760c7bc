"""A firm whose Clio account is backed up, with the simulator in the vendor's place."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from muniment.backup.run import BackupRun
from muniment.clock import FixedClock
from muniment.model.item import Row
from muniment.model.text import text_of
from muniment.recovery.selection import Selection
from muniment.sources.as_files import as_files
from muniment.sources.clio import client as clio
from muniment.sources.clio import naming
from muniment.sources.clio.asking import Rhythm
from muniment.sources.clio.downloads import Downloads
from muniment.sources.clio.listing import Reader
from muniment.sources.clio.place import PEAK
from muniment.sources.clio.reports import Reports
from muniment.sources.clio.source import ClioSource
from muniment.sources.clio.table import Table, table
from muniment.sources.web.exact import canonical, parse
from muniment.sources.web.tokens import Held
from muniment.vault.rows import Snapshot
from tests.simulators.clio.running import Running
from tests.support.clio_client import Client, client, tokens
from tests.support.practice import Practice

LEFT_OUT = ("reports", "court_rules/jurisdictions/triggers")
"""Looking at the backup user's standing leaves a report; and the simulator tells no truth about triggers."""


BACKUP_USER = 108
"""Of every firm that the simulator invents."""

_THEIRS = {naming.VERSIONS: "document_versions"}
"""Where the simulator's truth has another name for a collection."""


class ClioFirm(Practice):
    """`clio` is the one source. The vault's clock is a test's; requests go by the machine's."""

    def __init__(self, folder: Path, sim: Running) -> None:
        super().__init__(folder, sources=("clio",))
        self.sim = sim
        self.rhythm = Rhythm()
        self.user = BACKUP_USER
        self.client: Client = client(sim, folder)
        self.page = 0
        """Rows of the largest page, so that few rows fill several; 0: what the vendor allows."""

    def source(self, source_id: str = "clio") -> ClioSource:  # type: ignore[override]
        return ClioSource(source_id, self.made(), rhythm=self.rhythm, with_report=False)

    def made(self) -> clio.Client:
        transport = self.client.transport
        held = table()
        if self.page:
            small = {n: replace(r, limit=self.page) for n, r in held.resources.items()}
            held = Table(small, held.left_out)
        return clio.Client(
            transport, Reader(transport), Downloads(transport), Reports(transport), held, PEAK["us"]
        )

    def tomorrow(self) -> None:
        self.hours(24)

    def hours(self, number: float) -> None:
        assert isinstance(self.clock, FixedClock)
        self.clock.advance(timedelta(hours=number))
        self.client.clock.moved += 3600 * number

    def consent(self) -> None:
        """The backup user consents anew."""
        given = self.sim.control("tokens", grant=self.user)
        self.sim.told |= given
        version = self.client.store.held.version if self.client.store.held else 0
        self.client.store.held = Held(version + 1, tokens(self.sim, self.client.clock))

    def run(self, **options: object) -> BackupRun:  # type: ignore[override]
        return super().run(source_id="clio", **options)  # type: ignore[arg-type]

    def let_settle(self) -> None:
        """Nothing has a tick here."""

    # -- what is true ------------------------------------------------------------------------------

    def sequence(self) -> int:
        return int(self.sim.control("clock")["sequence"])

    def truth(self, at: int) -> dict[str, bytes]:
        """Native id -> the bytes of every row, and (as SHA-256) of every version of a document."""
        found: dict[str, bytes] = {}
        wanted = {_THEIRS.get(n, n): r for n, r in self.client.table.items() if n not in LEFT_OUT}
        fields = {theirs: ",".join(one.fields) for theirs, one in wanted.items()}
        asked = {"at": at, "resources": list(wanted), "fields": fields}
        url = f"{self.sim.told['control']}/truth"
        told = parse(self.sim.session.post(url, json=asked, timeout=60).content)["resources"]
        for theirs, resource in wanted.items():
            for data in told[theirs]:
                parent = _parent(resource.name, data)
                id_ = naming.native_id(resource, str(data.get("id", resource.name)), parent)
                found[id_.decode()] = canonical(data)
        for version, file in self.sim.control("files", at=at)["versions"].items():
            native = naming.file_id(str(file["document"]), version).decode()
            found[native] = bytes.fromhex(file["sha256"])
        return found

    def restored(
        self, into: Path, as_of: datetime | None = None, selection: Selection | None = None
    ) -> dict[str, bytes]:
        """The same of what a restore gives, read from the files it made."""
        plan, report = self.restore(into, selection, as_of=as_of)
        assert report.whole, report.failures
        vault = self.vault()
        history = vault.history("clio")
        snapshot = vault.snapshot(history, history.at(plan.choices[0].seq))
        wanted = selection.predicate() if selection is not None else lambda row: True
        return as_told(snapshot, into / "clio", wanted)


def as_told(
    snapshot: Snapshot, folder: Path, wanted: Callable[[Row], bool] = lambda row: True
) -> dict[str, bytes]:
    """Native id -> what stands in the folder that a snapshot was restored to; of files their SHA-256."""
    rows = [row for row in snapshot.items.values() if wanted(row)]
    found: dict[str, bytes] = {}
    for row, placed in zip(rows, as_files(rows), strict=True):
        content = (folder / placed.native_id.decode()).read_bytes()
        if row.kind in (*LEFT_OUT, naming.BILL_PREVIEW, naming.TEMPLATE_FILE):
            continue
        native = text_of(row.native_id)
        found[native] = (
            hashlib.sha256(content).digest() if row.kind == naming.DOCUMENT_FILE else content
        )
    return found


def _parent(name: str, data: Mapping[str, object]) -> str:
    if name == naming.VERSIONS:
        return str(data["document_id"])
    if name == naming.MESSAGES:
        return str(data["conversation"]["id"])  # type: ignore[index]
    return ""


def differences(found: Mapping[str, bytes], truth: Mapping[str, bytes]) -> list[str]:
    """In words, the first few."""
    told = [f"missing {k}" for k in sorted(truth.keys() - found.keys())]
    told += [f"too many {k}" for k in sorted(found.keys() - truth.keys())]
    told += [
        f"differs {k}: {found[k][:3000]!r} {truth[k][:3000]!r}"
        for k in sorted(truth.keys() & found.keys())
        if found[k] != truth[k]
    ]
    return told[:10]
