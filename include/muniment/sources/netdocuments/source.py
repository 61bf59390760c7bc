"""NetDocumentsSource: a firm's repository at NetDocuments, to be backed up.

Algorithm: whose account it is and whether it administers every cabinet; then the firm's own rows, and cabinet by cabinet
the rows of all containers and documents, what is told of each alone, and what is filed where (`listing`). Rows come whole
with their listing; versions and attachments are fetched later, one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from muniment.errors import ItemUnreadable, SourceRestricted
from muniment.model.item import NO_MATTER, Fingerprint, Observed
from muniment.sources.base import FIRST_TIME, Known, Listed, SourceHealth
from muniment.sources.causes import NOT_AN_ID, SIZE_DIFFERS, VANISHED
from muniment.sources.netdocuments import asking, details, naming
from muniment.sources.netdocuments.asking import Rhythm
from muniment.sources.netdocuments.audit import NetDocumentsAudit
from muniment.sources.netdocuments.client import Client
from muniment.sources.netdocuments.filing import LISTS, filed
from muniment.sources.netdocuments.firm import Firm
from muniment.sources.netdocuments.items import (
    Cabinet,
    details_of,
    from_info,
    is_container,
    item_of,
    row_of,
)
from muniment.sources.netdocuments.listing import Scan
from muniment.sources.netdocuments.reading import Gone, Json
from muniment.sources.netdocuments.standing import Identity, identify, require_all
from muniment.sources.roster import NOT_CHOSEN, Roster, Thing, ThingKind, addresses
from muniment.sources.web.budget import Priority
from muniment.sources.web.download import Download
from muniment.sources.web.opened import Opened, Streamed

EXAMINED, CABINETS = "examined", "cabinets"


class NetDocumentsSource:
    """A Source over one account.

    Args:
        source_id: the id of the inventory row.
        client: what asks.
        parts: what of a document is asked for besides profile and versions; of `details.MORE_PARTS`.
        rhythm: how often everything is compared.
    """

    system = "netdocuments"

    def __init__(
        self, source_id: str, client: Client, *, parts: Sequence[str] = details.PARTS, rhythm: Rhythm | None = None
    ) -> None:  # fmt: skip
        self.source_id = source_id
        self._client = client
        self._reader = client.reader
        self._clock = client.transport.clock
        self._parts = tuple(parts)
        self._rhythm = rhythm or Rhythm()

    # -- is it there? ------------------------------------------------------------------------------
    def identity(self) -> Identity:
        """Two requests; see `identify`."""
        return identify(self._reader, self._client.repository, self._client.cabinets)

    def probe(self) -> SourceHealth:
        """Raises SourceRefused, SourceRestricted, SourceUnavailable."""
        found = self.identity()
        facts = {
            "repository": found.repository,
            "cabinets": ", ".join(c.id for c in found.cabinets),
        }
        return SourceHealth(found.key, by_kind=True, facts=facts)

    def examine(self, known: Known, identity: Identity) -> None:
        """Looks whether the account sees everything: once a day, and whenever nobody remembers. Raises SourceRestricted."""
        now = self._clock.now()
        looked = asking.at(known.memory, EXAMINED)
        if looked is None or now - looked >= self._rhythm.sweep:
            require_all(self._reader, identity)
            looked = now
        asking.remember(known, EXAMINED, looked)
        before = set(filter(None, known.memory.get(CABINETS, "").split(",")))
        missing = sorted(before - {one.id for one in identity.cabinets})
        if missing and not self._client.cabinets:
            raise SourceRestricted(
                f"cabinets that were backed up are no longer shown: {', '.join(missing)}",
                to=f"source {self.source_id}",
                todo="Make the service account an administrator of them again. Where the firm gave a cabinet up, name the"
                " others in `cabinets` of firm.yaml: its snapshots stay.",
            )
        known.remember(CABINETS, ",".join(one.id for one in identity.cabinets))

    def auditor(self) -> NetDocumentsAudit:
        """Who looks at the same repository by another way."""
        client, transport = self._client, self._client.transport
        return NetDocumentsAudit(
            transport.place, transport.access, transport.budget, transport.clock, self.source_id,
            repository=client.repository, cabinets=client.cabinets, changed=client.queries.changed,
            parts=self._parts,
        )  # fmt: skip

    def roster(self) -> Roster:
        """Every cabinet of the repository that the account sees, and the repository's people. Raises SourceRefused,
        SourceRestricted, SourceUnavailable."""
        chosen = set(self._client.cabinets)
        found = identify(self._reader, self._client.repository, ())
        things = [
            Thing(
                ThingKind.CABINET, one.id, str(one.told.get("name") or ""),
                taken=not chosen or one.id in chosen, why=NOT_CHOSEN if chosen and one.id not in chosen else "",
            )
            for one in found.cabinets
        ]  # fmt: skip
        for row in self._reader.some("v1/Repository/{}/users", found.repository):
            told = addresses(row.get(name) for name in ("email", "userEmail", "primaryEmail"))
            if row.get("id"):
                guest = row.get("external") is True
                name = " ".join(told) or str(row.get("displayName") or "")
                things.append(Thing(ThingKind.ACCOUNT, str(row["id"]), name, told, guest=guest))
        return Roster(found.key, tuple(things))

    # -- what is there? ----------------------------------------------------------------------------
    def scan(self, known: Known = FIRST_TIME) -> Iterator[Listed]:
        """Raises SourceRestricted before anything is listed; SourceSuspect, SourceUnavailable, SourceRefused."""
        identity = self.identity()
        self.examine(known, identity)
        now = self._clock.now()
        yield from Scan(self._client, identity, self._parts, self._rhythm, known, now).listed()

    # -- one item ----------------------------------------------------------------------------------
    @contextmanager
    def open(
        self, kind: str, native_id: bytes, listed: Fingerprint | None = None
    ) -> Iterator[Opened]:
        """Bytes are streamed; with `listed` by one request.

        Raises FileNotFoundError where it is gone or no longer seen, ItemUnreadable, SourceUnavailable, SourceRefused,
        SourceRestricted.
        """
        address = naming.parse_id(kind, native_id)
        if address is None:
            raise ItemUnreadable(NOT_AN_ID, to=self.source_id)
        try:
            if kind in naming.BYTES:
                yield self._bytes(address, native_id, listed)
            else:
                yield Opened(self._row(address, native_id))
        except Gone:
            raise FileNotFoundError(VANISHED) from None

    def _bytes(self, address: naming.Address, native: bytes, listed: Fingerprint | None) -> Opened:
        observed = None
        if listed is None:
            observed = self._described(address, native)
        size = (observed.fingerprint if observed is not None else listed or Fingerprint(0, 0)).size
        path, query = f"v1/Document/{address.above}/{address.id}", tuple[tuple[str, str], ...]()
        if address.kind == naming.ATTACHMENT_FILE:
            path, query = f"v1/Document/{address.above}/attachment", (("attachmentId", address.id),)
        pieces = Download(self._client.transport, path, query, size, Priority.BULK).pieces()
        return Streamed(observed, listed, self._never_nothing(pieces, size))

    def _never_nothing(self, pieces: Iterator[bytes], size: int | None) -> Iterator[bytes]:
        """A file without a byte may be what an account sees that is mapped to nobody."""
        got = 0
        try:
            for piece in pieces:
                got += len(piece)
                yield piece
        except ItemUnreadable as error:
            if error.what == SIZE_DIFFERS and not got:
                self._reader.require_mapped()
            raise

    def _described(self, address: naming.Address, native: bytes) -> Observed:
        """What the listing would say of bytes. Raises Gone."""
        row, cabinet = self._item(address.above)
        item = self._told(row, cabinet)
        held = details.of_document(self._reader, address.above, row.get("modified"), self._parts)
        found = details_of(cabinet.id, item, row, held).files
        one = next((file for file in found if file.native_id == native), None)
        if one is None:
            raise Gone
        return one

    def _item(self, id_: str) -> tuple[Json, Cabinet]:
        held = self._reader.one("v2/document/{}/info", id_, query=details.PROFILE)
        if (held.get("misc") or {}).get("deleted"):
            raise Gone
        row = from_info(held)
        cabinets = {one.id: one for one in self.identity().cabinets}
        cabinet = cabinets.get(str(row.get("cabinet")))
        if cabinet is None:
            raise Gone
        return row, cabinet

    def _told(self, row: Json, cabinet: Cabinet) -> Observed:
        first = next(iter(row.get("ancestors") or ()), "")
        above = ""
        if first:
            held = from_info(self._reader.one("v2/document/{}/info", first, query=details.PROFILE))
            above = naming.native_id(naming.CONTAINERS, cabinet.id, str(held["id"])).decode()
        return item_of(cabinet.id, row, NO_MATTER, above)

    def _row(self, address: naming.Address, native: bytes) -> Observed:
        """Raises Gone."""
        if address.kind in naming.FIRM:
            return self._of_firm(address, native)
        row, cabinet = self._item(address.id)
        item = self._told(row, cabinet)
        if address.kind == naming.CONTENTS:
            rows = filed(self._reader, LISTS.get(str(row["extension"]), ""), address.id)
            return row_of(naming.CONTENTS, native, {"id": address.id, "items": rows})
        if address.kind == naming.DETAILS:
            held = (
                details.of_container(self._reader, address.id, str(row["extension"]).lower())
                if is_container(row)
                else details.of_document(self._reader, address.id, row.get("modified"), self._parts)
            )
            return details_of(cabinet.id, item, row, held).row
        if item.native_id != native:
            raise Gone
        return item

    def _of_firm(self, address: naming.Address, native: bytes) -> Observed:
        identity = self.identity()
        firm = Firm(self._reader, identity.repository, identity.cabinets)
        found: Iterator[Observed]
        if address.kind == naming.LOOKUPS:
            found = firm.lookups(
                int(address.above), FIRST_TIME, child=firm.is_child(int(address.above))
            )
        elif address.kind == naming.GROUPS:
            row = firm.group(address.id)
            return row_of(naming.GROUPS, native, row)
        elif address.kind == naming.CABINETS:
            one = next((c for c in identity.cabinets if naming.plain(c.id) == address.id), None)
            if one is None:
                raise Gone
            return row_of(naming.CABINETS, native, firm.cabinet(one))
        else:
            found = (one for one in firm.rows(FIRST_TIME) if one.kind == address.kind)
        row_found = next((one for one in found if one.native_id == native), None)
        if row_found is None:
            raise Gone
        return row_found
