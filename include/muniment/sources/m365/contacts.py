"""Contacts: the default folder, which is in no list, and all others; each contact, its photo, its card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from muniment.model.item import NO_MATTER, Brought, Fidelity, Fingerprint, Named, Observed
from muniment.sources.base import Known, Listed, Same, Skipped
from muniment.sources.causes import EMPTIED, NOT_REACHED, PERMISSION_DENIED
from muniment.sources.m365 import naming
from muniment.sources.m365.batch import contents
from muniment.sources.m365.items import Clues, Shown, row_of, short, text_of
from muniment.sources.m365.lists import whole
from muniment.sources.m365.mailbox import SUSPECT, Rules
from muniment.sources.m365.people import Person
from muniment.sources.m365.rounds import Closed, NoMailbox, NotThere, asked, at_once
from muniment.sources.m365.transport import Transport
from muniment.sources.m365.vcf import vcf_of

KINDS = (naming.CONTACT_FOLDER, naming.CONTACT, naming.CONTACT_VCF, naming.CONTACT_PHOTO)
LISTED = (("$top", "500"),)
PHOTO = "/photo/$value"
AT_A_TIME = 20


class Contacts:
    """The contacts of one mailbox, for one listing."""

    def __init__(self, outlook: Transport, person: Person, rules: Rules, known: Known) -> None:
        self._outlook = outlook
        self._person = person
        self._rules = rules
        self._known = known
        self._seen = 0

    def listed(self) -> Iterator[Listed]:
        """Raises SourceUnavailable."""
        user = self._person.id
        had = self._known.below(naming.native(naming.CONTACT, user))
        try:
            yield from self._folder(f"users/{user}/contacts")
            for row in folders_of(self._outlook, user):
                yield folder_item(user, row)
                try:
                    yield from self._folder(f"users/{user}/contactFolders/{row['id']}/contacts")
                except NotThere:
                    continue
        except NoMailbox:
            if had:
                yield from self._unseen(NOT_REACHED)
            return
        except Closed:
            yield from self._unseen(PERMISSION_DENIED)
            return
        if had >= SUSPECT and not self._seen:
            yield from self._unseen(EMPTIED)

    def _unseen(self, cause: str) -> Iterator[Skipped]:
        for kind in KINDS:
            yield Skipped(kind, naming.native(kind, self._person.id), cause, subtree=True)

    def _folder(self, path: str) -> Iterator[Listed]:
        changed: list[tuple[Shown, Observed]] = []
        for row in whole(self._outlook, path, f"users/{self._person.id}/contacts", LISTED):
            self._seen += 1
            named = self._rules.assign(_clues(row, self._person))
            item = contact_of(self._person.id, row, named)
            yield item
            before = self._known.find(naming.CONTACT, item.native_id, named)
            if before == item.fingerprint and not self._known.whole:
                yield from self._same(row["id"])
                continue
            changed.append((row, item))
            if len(changed) == AT_A_TIME:
                yield from self._cards(changed)
                changed = []
        yield from self._cards(changed)

    def _same(self, contact: str) -> Iterator[Same]:
        for kind in (naming.CONTACT_VCF, naming.CONTACT_PHOTO):
            native = naming.native(kind, self._person.id, contact)
            if self._known.find(kind, native) is not None:
                yield Same(kind, native)

    def _cards(self, held: list[tuple[Shown, Observed]]) -> Iterator[Listed]:
        user = self._person.id
        ids = [row["id"] for row, _ in held]
        photos = dict(contents(self._outlook, f"users/{user}/contacts", ids, PHOTO))
        for row, item in held:
            yield from card_items(user, row, photos[row["id"]], item.named_by or NO_MATTER)


def _clues(row: Shown, person: Person) -> Clues:
    addresses = [str(one.get("address") or "").lower() for one in row.get("emailAddresses") or ()]
    return Clues(
        "",
        tuple(map(str, row.get("categories") or ())),
        "",
        tuple(filter(None, addresses)),
        person.name,
    )


def folders_of(outlook: Transport, user: str) -> list[Shown]:
    found = at_once(outlook, f"users/{user}/contactFolders/delta")
    return [row for id_, row in found.items() if naming.is_id(id_)]


def folder_item(user: str, row: Shown) -> Observed:
    place = {
        "name": f"Contacts {row.get('displayName') or ''} {short(row['id'])[:6]}",
        "in": naming.text(naming.USER, user),
    }
    return row_of(naming.CONTACT_FOLDER, (user, row["id"]), row, place=place)


def _place(user: str, row: Shown) -> dict[str, object]:
    parent = row.get("parentFolderId")
    if not naming.is_id(parent):
        return {"in": naming.text(naming.USER, user)}
    return {"in": naming.text(naming.CONTACT_FOLDER, user, str(parent))}


def contact_of(user: str, row: Shown, named: Named) -> Observed:
    return row_of(
        naming.CONTACT,
        (user, row["id"]),
        row,
        place=_place(user, row),
        named=named,
        fidelity=Fidelity.FILE,
    )


def card_items(user: str, row: Shown, photo: bytes | None, named: Named) -> Iterator[Observed]:
    """The card, and the photo where there is one."""
    name = str(row.get("displayName") or row.get("companyName") or "contact")[:90]
    place = _place(user, row) | {"mark": short(row["id"])}
    listed: dict[str, object] = {"listed": [str(row.get("lastModifiedDateTime") or ""), name]}
    ids = (user, row["id"])
    yield text_of(
        naming.CONTACT_VCF,
        ids,
        vcf_of(row, photo),
        place={"file": f"{name}.vcf", **place, **listed},
        named=named,
    )
    if photo:
        print_ = Fingerprint(len(photo), 0, tag=short(photo))
        brought = Brought(Fidelity.FILE, {"file": f"{name}.jpg", **place}, photo)
        yield Observed(
            naming.CONTACT_PHOTO, naming.native(naming.CONTACT_PHOTO, *ids), print_, named, brought
        )


# -- one of them -------------------------------------------------------------------------------------


def opened(outlook: Transport, kind: str, ids: Sequence[str]) -> Observed:
    """What the listing would say of it. Raises NotThere."""
    user, id_ = ids
    if kind == naming.CONTACT_FOLDER:
        for row in folders_of(outlook, user):
            if row["id"] == id_:
                return folder_item(user, row)
        raise NotThere
    row = {
        k: v
        for k, v in asked(outlook, f"users/{user}/contacts/{id_}").items()
        if k != "@odata.context"
    }
    if kind == naming.CONTACT:
        return contact_of(user, row, NO_MATTER)
    ((_, photo),) = contents(outlook, f"users/{user}/contacts", [id_], PHOTO)
    for item in card_items(user, row, photo, NO_MATTER):
        if item.kind == kind:
            return item
    raise NotThere
