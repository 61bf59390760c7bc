"""Fate: which documents can be written, and why the rest is in the delivery alone. Decided from the snapshot, before
anything is asked of the vendor, so that the plan can say it. What can be written is written where it is gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from muniment.recovery.netdocuments_back.old import Old, Snapshot
from muniment.recovery.written_back.forecast import Forecast, forecast_of
from muniment.sources.netdocuments import naming

NO_BYTES = "none of its versions is in the backup"
NO_RIGHTS = "its rights are not in the backup: it would be seen by others than before"
OF_UNWRITTEN = "its document is not written"
NO_ROW = "the backup does not say of which version it is"
WORKSPACE = "a workspace is never made"
FOLDER = "made where it is gone and a document goes into it"
WITH_DOCUMENT = "goes with its document"
NO_WAY = "only read"
STRANGE = "no row of the vendor's"
ATTACHMENT = "attachments are not written"

_OTHERS = {
    naming.DETAILS: WITH_DOCUMENT, naming.CONTENTS: WITH_DOCUMENT, naming.ATTACHMENT_FILE: ATTACHMENT,
    naming.DOCUMENT_FILE: NO_ROW,
}  # fmt: skip


def why_not(old: Old, snapshot: Snapshot) -> str:
    """Empty for a document that is written where it is gone."""
    if not snapshot.versions.get(old.id):
        return NO_BYTES
    return "" if old.acl else NO_RIGHTS


def why_beside(kind: str, id_: str, snapshot: Snapshot) -> str:
    """Why an item of a snapshot is in the delivery alone; empty for a document and version that can be written."""
    if kind == naming.DOCUMENTS:
        return why_not(snapshot.documents[id_], snapshot)
    if kind == naming.CONTAINERS:
        return _container(snapshot.containers[id_])
    if kind == naming.DOCUMENT_FILE:
        document, _, number = id_.partition("/")
        if not any(str(one.number) == number for one in snapshot.versions.get(document, ())):
            return NO_ROW
        old = snapshot.documents.get(document)
        return OF_UNWRITTEN if old is None or why_not(old, snapshot) else ""
    return _OTHERS.get(kind, NO_WAY)


def _container(old: Old) -> str:
    extension = old.extension.lower()
    if extension == naming.WORKSPACE:
        return WORKSPACE
    return FOLDER if extension == naming.FOLDER else NO_WAY


def forecast(snapshots: Iterable[Snapshot]) -> Forecast:
    return forecast_of(fate for snapshot in snapshots for fate in _fates(snapshot))


def _fates(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    for kind, id_, _ in snapshot.items():
        yield kind, why_beside(kind, id_, snapshot)
    for row in snapshot.strange:
        yield row.kind, STRANGE
