"""A tenant of an invented firm, by the seed: people, mailboxes, calendars, files, and what makes each of them hard."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.simulators.clio import names
from tests.simulators.clio.files import Object
from tests.simulators.clio.store import Ref
from tests.simulators.graph import bulk
from tests.simulators.graph.founding_calendar import calendars
from tests.simulators.graph.routes_directory import SKU
from tests.simulators.graph.routes_mail_write import delivered
from tests.simulators.graph.world import World, stamp

# well-known name: displayed, in German, hidden, below (microsoft365.md: Mail - Folders)
WELL_KNOWN = {
    "inbox": ("Inbox", "Posteingang", False, ""), "drafts": ("Drafts", "Entwürfe", False, ""),
    "sentitems": ("Sent Items", "Gesendete Elemente", False, ""),
    "deleteditems": ("Deleted Items", "Gelöschte Elemente", False, ""),
    "junkemail": ("Junk Email", "Junk-E-Mail", False, ""), "outbox": ("Outbox", "Postausgang", False, ""),
    "archive": ("Archive", "Archiv", False, ""),
    "conversationhistory": ("Conversation History", "Aufgezeichnete Unterhaltungen", False, ""),
    "clutter": ("Clutter", "Clutter", True, ""), "scheduled": ("Scheduled", "Geplant", True, ""),
    "syncissues": ("Sync Issues", "Synchronisierungsprobleme", True, ""),
    "conflicts": ("Conflicts", "Konflikte", True, "syncissues"),
    "localfailures": ("Local Failures", "Lokale Fehler", True, "syncissues"),
    "serverfailures": ("Server Failures", "Serverfehler", True, "syncissues"),
}  # fmt: skip


@dataclass(frozen=True)
class Size:
    """`messages` are for each mailbox; `mails` is MIME of others, which the first messages of each mailbox hold."""

    users: int = 5
    messages: int = 40
    events: int = 8
    files: int = 14
    bulk: int = 0  # more messages, all over the tenant, at little cost
    mails: tuple[bytes, ...] = field(default=(), repr=False)


class Founding:
    """Who is who, for those who make days."""

    def __init__(self, world: World, size: Size) -> None:
        self.world = world
        self.size = size
        self.rng = random.Random(f"tenant/{world.seed}")
        self.letters = 0
        self.people: list[Ref] = []
        self.users: dict[str, Ref] = {}
        self.boxes: list[Ref] = []
        self.drives: list[Ref] = []
        self._people()
        for number, ref in enumerate(self.boxes):
            self._mailbox(ref, number)
            calendars(world, ref, self.rng, size.events)
            self._contacts(ref)
        self._sites()
        self._devices()
        bulk.found(self, size.bulk)

    def letter(self) -> int:
        self.letters += 1
        return self.letters

    # -- people ----------------------------------------------------------------------------------
    def _person(self, kind: str, mailbox: str = "here", **values: Any) -> Ref:
        first, last = names.person(self.rng)
        nick = f"{first}.{last}{self.world.store.count('users')}".lower()
        address = f"{nick}@{self.world.domain}"
        name = f"{first} {last}"
        own = {
            "displayName": name, "givenName": first, "surname": last, "userPrincipalName": address, "mail": address,
            "mailNickname": nick, "accountEnabled": True, "userType": "Member", "jobTitle": self.rng.choice(("Partner", "Associate", "Paralegal", None)),
            "department": "Litigation", "assignedLicenses": [{"skuId": SKU, "disabledPlans": []}], "businessPhones": [names.telephone(self.rng)],
            "mobilePhone": None, "officeLocation": None, "preferredLanguage": "en-US", "usageLocation": "US",
            "proxyAddresses": [f"SMTP:{address}"], "deletedDateTime": None,
            "_mailbox": mailbox, "_manager": self.people[0] if self.people else None, "_purpose": "user", "_language": "en-US",
        }  # fmt: skip
        ref = self.world.create("users", **own | values)
        self.world.guid_of(ref)
        self.users.setdefault(kind, ref)
        if mailbox == "here":
            self.boxes.append(ref)
        return ref

    def _people(self) -> None:
        """microsoft365.md: Mail - users: shared and room mailboxes are disabled users; guests have no mailbox."""
        for number in range(self.size.users):
            self.people.append(self._person("member"))
            if number % 3 != 2:
                self._drive(self.people[-1])
        self._person("localized", _language="de-DE")
        leaver = self._person("disabled", accountEnabled=False)
        self._drive(leaver)
        shared: dict[str, Any] = {"accountEnabled": False, "assignedLicenses": []}
        self._person("shared", displayName="Intake", givenName=None, surname=None, _purpose="shared", **shared)  # fmt: skip
        self._person("room", displayName="Conference Room", givenName=None, surname=None, _purpose="room", userType=None, **shared)  # fmt: skip
        guest = f"guest_clients.example#EXT#@{self.world.domain}"
        self._person("guest", "none", userType="Guest", userPrincipalName=guest, mail="guest@clients.example", assignedLicenses=[])  # fmt: skip
        self._person("on premises", "elsewhere")
        self._person("unlicensed", "none", assignedLicenses=[], mail=None)

    # -- mail ------------------------------------------------------------------------------------
    def folder(self, user: Ref, parent: Ref | None, name: str, **values: Any) -> Ref:
        own = {"_known": "", "_search": "", "isHidden": False}
        return self.world.create("folders", _user=user, _parent=parent, displayName=name, **own | values)  # fmt: skip

    def _mailbox(self, user: Ref, number: int) -> None:
        german = self.world.row(user)["_language"] == "de-DE"
        root = self.folder(user, None, "Top of Information Store", _known="msgfolderroot")
        self.folder(user, None, "Deletions", _known="recoverableitemsdeletions")
        made: dict[str, Ref] = {}
        for known, (english, localized, hidden, below) in WELL_KNOWN.items():
            parent = made[below] if below else root
            made[known] = self.folder(user, parent, localized if german else english, _known=known, isHidden=hidden)  # fmt: skip
        self.folder(user, root, "Conversation Action Settings", isHidden=True)
        self.folder(user, root, "Urgent", _search="Urgent")  # a search folder
        inbox = made["inbox"]
        matters = self.folder(user, inbox, "Matters")
        for place in range(2):
            matter = self.folder(
                user, matters, f"2026-{number:02d}{place} {names.company(self.rng)}"
            )
            self.folder(user, matter, "Correspondence")  # the same name in each
            self.folder(
                user, matter, self.rng.choice(("Inbox", "../up", "合同 📎", "a/b\\c", "Empty "))
            )
        self.folder(user, made["archive"], "Inbox")
        places = [one for one in self.world.rows_of("folders", "_user", user) if not self.world.row(one)["_search"]]  # fmt: skip
        for place in range(self.size.messages):
            ref = inbox if place % 3 == 0 else self.rng.choice(places[1:])
            if place < len(self.size.mails):
                self.deliver(inbox, self.size.mails[place])
            else:
                self.message(ref)

    def message(self, folder: Ref, **values: Any) -> Ref:
        row = self.world.row(folder)
        at = stamp(self.world.clock.now() - timedelta(minutes=self.rng.randrange(1, 60_000)))
        draft = row["_known"] == "drafts"
        own = {
            "_letter": self.letter(), "_properties": (), "isRead": self.rng.random() < 0.7, "isDraft": draft,
            "categories": ("Urgent",) if self.rng.random() < 0.15 else (),
            "flag": self.rng.choice(("notFlagged", "notFlagged", "flagged")), "sentDateTime": at, "receivedDateTime": at,
        }  # fmt: skip
        return self.world.create("messages", _folder=folder, _moves=0, **own | values)

    def deliver(self, folder: Ref, raw: bytes) -> Ref:
        """A message whose MIME is given."""
        at = stamp(self.world.clock.now())
        return self.world.create("messages", _folder=folder, _moves=0, **delivered(self.world, raw, draft=False, at=at))  # fmt: skip

    # -- contacts --------------------------------------------------------------------------------
    def _contacts(self, user: Ref) -> None:
        root = self.world.create("contactFolders", _user=user, _parent=None, _default=True, displayName="Contacts")  # fmt: skip
        courts = self.world.create("contactFolders", _user=user, _parent=root, _default=False, displayName="Courts")  # fmt: skip
        for place in range(4):
            self.contact(courts if place == 3 else root)

    def contact(self, folder: Ref) -> Ref:
        first, last = names.person(self.rng)
        values = {
            "displayName": f"{first} {last}", "givenName": first, "surname": last, "companyName": names.company(self.rng),
            "emailAddresses": [{"name": f"{first} {last}", "address": names.mailbox(f"{first} {last}")}],
            "businessPhones": [names.telephone(self.rng)], "homePhones": [], "categories": [], "birthday": None,
            "businessAddress": {"street": names.STREETS[0], "city": "Exampleton", "state": "CA"}, "personalNotes": names.sentence(self.rng),
        }  # fmt: skip
        photo = b"\xff\xd8\xff\xe0" + self.rng.randbytes(60) if self.rng.random() < 0.3 else b""
        return self.world.create("contacts", _folder=folder, _photo=photo, values=values)

    # -- files -----------------------------------------------------------------------------------
    def _drive(self, owner: Ref, name: str = "OneDrive", kind: str = "business") -> Ref:
        ref = self.world.create("drives", _owner=owner, name=name, driveType=kind)
        self.drives.append(ref)
        root = self.world.create_item(ref, None, "root", "root")
        folders = [root]
        for word in ("Documents", "Desktop", "Matters"):
            folders.append(self.world.create_item(ref, root, word, "folder"))
        folders.append(self.world.create_item(ref, folders[-1], f"{names.company(self.rng)}", "folder"))  # fmt: skip
        for place in range(self.size.files):
            self.file(self.rng.choice(folders), f"{place}")
        self.world.create_item(ref, root, "Notebook", "package", _versions=())
        if len(self.drives) > 1:
            first = self.drives[0]
            target = self.world.rows_of("items", "_drive", first)[1]
            self.world.create_item(ref, root, "Shared with me", "remote", _target=target, _target_drive=first)  # fmt: skip
        return ref

    def file(self, folder: Ref, mark: str) -> Ref:
        name, type_ = names.file_name(self.rng)
        name = f"{name.rpartition('.')[0]} {mark}.{name.rpartition('.')[2]}"
        if self.rng.random() < 0.15:
            name = f"Übergabe – 合同 📎 {mark}.docx"
        drive = self.world.row(folder)["_drive"]
        rights: tuple[dict[str, Any], ...] = ()
        if self.rng.random() < 0.25 and self.people:
            who = self.rng.choice(self.people)
            rights = (
                {"id": f"u{mark}", "role": "write", "link": "", "user": who},
                {"id": f"l{mark}", "role": "read", "link": "organization", "user": None},
            )
        ref = self.world.create_file(
            drive, folder, name, self.version(name, type_), _permissions=rights, _by=self.world.row(drive)["_owner"],
            _malware=self.rng.random() < 0.03, _hashed=self.rng.random() < 0.95,
        )  # fmt: skip
        for _ in range(self.rng.choice((0, 0, 1, 2))):
            self.world.new_version(ref, self.version(name, type_))
        return ref

    def version(self, name: str, type_: str) -> dict[str, Any]:
        object_ = f"file-{self.world.store.sequence}"
        paper = self.world.files.paper(name, self.rng)
        if paper is not None:
            self.world.files.store(object_, paper, type_, name)
            size = len(paper)
        else:
            size = self.rng.choice((0, 11, 500, 3_000, 20_000, 300_000))
            self.world.files.objects[object_] = Object(size, type_, name)
        return {"object": object_, "size": size, "type": type_, "at": stamp(self.world.clock.now())}

    def _site(self, name: str, shown: str | None, parent: Ref | None = None, **values: Any) -> Ref:
        ref = self.world.create("sites", name=name, displayName=shown, _parent=parent, **{"_archived": False} | values)  # fmt: skip
        self.world.guid_of(ref)
        return ref

    def _sites(self) -> None:
        root = self._site("root", "Communication site")
        matters = self._site("matters", "Matters")
        self._drive(matters, "Documents", "documentLibrary")
        self._drive(matters, "Evidence", "documentLibrary")
        self._site("matters-sub", None, matters)  # without a displayed name
        self._site("closed", "Closed matters", _archived=True)
        group = self.world.create(
            "groups", displayName="Matters", mail=f"matters@{self.world.domain}", mailEnabled=True, mailNickname="matters",
            securityEnabled=False, groupTypes=["Unified"], _site=matters, _members=tuple(self.people[:3]),
        )  # fmt: skip
        self.world.guid_of(group)
        assert root

    def _devices(self) -> None:
        for number, ref in enumerate(self.people[:3]):
            row = self.world.row(ref)
            device = self.world.create(
                "devices", _user=ref, deviceName=f"LAPTOP-{number:03d}", userPrincipalName=row["userPrincipalName"],
                operatingSystem="Windows", osVersion="10.0.26100", complianceState="compliant", isEncrypted=True,
                managedDeviceOwnerType="company", serialNumber=f"SN{self.world.seed:04d}{number}",
                totalStorageSpaceInBytes=512_000_000_000, freeStorageSpaceInBytes=self.rng.randrange(400_000_000_000),
                lastSyncDateTime=stamp(self.world.clock.now() - timedelta(days=number * 20)),
            )  # fmt: skip
            self.world.guid_of(device)
