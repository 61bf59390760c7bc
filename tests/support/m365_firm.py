"""A firm whose Microsoft 365 tenant is backed up, with the simulator in the vendor's place."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from muniment.backup.commit import Outcome
from muniment.backup.run import BackupRun
from muniment.clock import FixedClock
from muniment.model.item import Row
from muniment.model.text import text_of
from muniment.recovery.selection import Selection
from muniment.sources.as_files import as_files
from muniment.sources.causes import LOCKED, MALWARE, NOT_REACHED
from muniment.sources.m365 import naming
from muniment.sources.m365.client import Client, Rates
from muniment.sources.m365.cloud import Tenant
from muniment.sources.m365.identity import Application, SignIn, sign_in
from muniment.sources.m365.mailbox import Rules
from muniment.sources.m365.source import Choice, M365Source
from muniment.sources.web.wire import Patience
from muniment.vault.rows import Snapshot
from tests.simulators.graph.running import IMMUTABLE, Running
from tests.support.clio_client import Passing
from tests.support.practice import Practice

GAPS = (NOT_REACHED, MALWARE, LOCKED)
"""What every tenant of the simulator has, and nobody can mend."""
SOON = Patience(attempts=8, connect=5, read=5, whole=20)


def tenant(sim: Running) -> Tenant:
    told = sim.told
    return Tenant(
        told["tenant"], ca=Path(told["ca"]), login=told["login"], graph=told["graph"].removesuffix("/v1.0")
    )  # fmt: skip


def application(sim: Running, name: str = "backup") -> Application:
    told = sim.told["applications"][name]
    return Application(told["client_id"], secret=told["client_secret"])


def client(
    sim: Running, folder: Path, *, page: int = 0, ask: SignIn | None = None, rates: Rates | None = None,
    clock: Passing | None = None, name: str = "backup", patience: Patience = SOON,
) -> Client:  # fmt: skip
    prefer = (
        {"prefer": f'odata.maxpagesize={page}, {IMMUTABLE}, outlook.timezone="UTC"'} if page else {}
    )
    where = tenant(sim)
    return Client(
        where, ask or sign_in(where, application(sim, name)), folder / "pace", clock or Passing(sim), "m365",
        "firm/m365", rates=rates or Rates(), patience=patience, **prefer,
    )  # fmt: skip


class M365Firm(Practice):
    """`m365` is the one source. The vault's clock is a test's; requests go by the machine's."""

    def __init__(self, folder: Path, sim: Running, *, page: int = 7, services: tuple[str, ...] = ()) -> None:  # fmt: skip
        super().__init__(folder, sources=("m365",))
        self.sim = sim
        self.choice = Choice(services=services) if services else Choice()
        self.rules: Rules | None = None
        self.accepting: tuple[str, ...] = GAPS
        self.passing = Passing(sim)
        self.client = client(sim, folder, page=page, clock=self.passing)
        sim.control("settings", stable_mime=True)

    def source(self, source_id: str = "m365") -> M365Source:  # type: ignore[override]
        return M365Source(source_id, self.client, choice=self.choice, rules=self.rules)

    def run(self, **options: object) -> BackupRun:  # type: ignore[override]
        return super().run(source_id="m365", **options)  # type: ignore[arg-type]

    def back_up(self, **options: object) -> Outcome:
        """The gaps of `accepting` are accepted, as a firm accepts a notebook that Graph does not give."""
        causes = self.accepting
        return super().back_up(
            **{"accepted": lambda kind, native_id, cause, matter: cause in causes, **options}
        )

    def let_settle(self) -> None:
        """Nothing has a tick here."""

    def tomorrow(self) -> None:
        assert isinstance(self.clock, FixedClock)
        self.clock.advance(timedelta(hours=24))
        self.passing.moved += 24 * 3600

    def sequence(self) -> int:
        return int(self.sim.control("truth", parts=[])["sequence"])

    def deliver(self, mime: bytes) -> None:
        """A mail that comes to the member."""
        text = base64.b64encode(mime).decode()
        self.sim.control("deliver", user=self.sim.users["member"], mime=text)

    def asked(self) -> dict[str, int]:
        """How often each endpoint was asked since the last time."""
        told: dict[str, int] = self.sim.control("counters", reset=True)["endpoints"]
        return told

    def wrong(self, into: str = "back") -> list[str]:
        """How the mail that is restored differs from what is there."""
        return mail_differences(self.restored(self.folder / into), self.sim.control("truth"))

    def restored(
        self, into: Path, as_of: datetime | None = None, selection: Selection | None = None
    ) -> dict[str, Any]:
        """Native id -> what a restore gives of it, read from the files that it made."""
        plan, report = self.restore(into, selection, as_of=as_of)
        assert report.whole, report.failures
        vault = self.vault()
        history = vault.history("m365")
        snapshot = vault.snapshot(history, history.at(plan.choices[0].seq))
        wanted = selection.predicate() if selection is not None else lambda row: True
        return as_told(snapshot, into / "m365", wanted)


def as_told(
    snapshot: Snapshot, folder: Path, wanted: Callable[[Row], bool] = lambda row: True
) -> dict[str, bytes]:
    """Native id -> the bytes that stand in the folder which a snapshot was restored to."""
    rows = [row for row in snapshot.items.values() if wanted(row)]
    return {
        text_of(row.native_id): (folder / placed.native_id.decode()).read_bytes()
        for row, placed in zip(rows, as_files(rows), strict=True)
    }


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Truth:
    """The tenant right after a change, as the simulator's own history has it."""

    told: Mapping[str, Any]

    @classmethod
    def at(cls, sim: Running, sequence: int | None = None) -> Truth:
        return cls(sim.control("truth", at=sequence))


FOLDERS_OUTSIDE = ("msgfolderroot",)
MESSAGE_FIELDS = (
    "subject", "isRead", "categories", "parentFolderId", "changeKey", "flag", "receivedDateTime", "sentDateTime",
    "from", "toRecipients", "ccRecipients", "bccRecipients", "internetMessageId", "importance", "isDraft",
)  # fmt: skip


def mail_differences(found: Mapping[str, bytes], truth: Mapping[str, Any]) -> list[str]:
    """Where what was restored of the mailboxes is not what the history says."""
    from muniment.sources.web.exact import parse

    told: list[str] = []
    messages = {f"messages/{m['user']}/{id_}": m for id_, m in truth["messages"].items()}
    mine = {k for k in found if k.startswith("messages/")}
    told += [f"missing {k}" for k in sorted(messages.keys() - mine)]
    told += [f"too many {k}" for k in sorted(mine - messages.keys())]
    for key in sorted(mine & messages.keys()):
        row, true = parse(found[key]), messages[key]
        told += [f"{key} differs in {n}: {row.get(n)} {true.get(n)}" for n in MESSAGE_FIELDS if row.get(n) != true.get(n)]  # fmt: skip
        mime = found.get(key.replace("messages/", "mime/"))
        if mime is None:
            told.append(f"{key} has no bytes")
        elif sha(mime) != true["mime"]["sha256"]:
            told.append(f"{key} has other bytes")
    folders = {f"mail_folders/{f['user']}/{id_}": f for id_, f in truth["folders"].items() if f["known"] not in FOLDERS_OUTSIDE}  # fmt: skip
    mine = {k for k in found if k.startswith("mail_folders/")}
    told += [f"missing {k}" for k in sorted(folders.keys() - mine)]
    told += [f"too many {k}" for k in sorted(mine - folders.keys())]
    for key in sorted(mine & folders.keys()):
        row = parse(found[key])
        told += [f"{key} differs in {n}" for n in ("displayName", "parentFolderId", "isHidden") if row.get(n) != folders[key].get(n)]  # fmt: skip
    return told


def mime_ids(found: Mapping[str, bytes]) -> list[str]:
    return [key for key in found if key.startswith(f"{naming.PLACES[naming.MIME]}/")]
