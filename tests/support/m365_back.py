"""A matter of a tenant - mail, calendar, contacts, files - backed up, and written back at the simulator."""

from __future__ import annotations

import base64
import io
import subprocess
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from muniment.config.m365 import M365Matter, M365Options
from muniment.model.item import Row
from muniment.recovery.m365_back.back import plan_back, write_back
from muniment.recovery.m365_back.compare import words
from muniment.recovery.m365_back.walled import NO_WALL, Wall
from muniment.recovery.plan import RestorePlan
from muniment.recovery.selection import Scope, Selection
from muniment.recovery.written_back.outcome import Outcome, WriteReport
from muniment.sources.m365.client import Client, Rates
from muniment.sources.m365.identity import sign_in
from muniment.sources.m365.transport import Transport
from muniment.wiring_m365 import rules_of
from tests.simulators.graph.running import IMMUTABLE, Running
from tests.support.clio_client import Passing
from tests.support.m365_firm import SOON, M365Firm, application, tenant

SYSTEMS = {"m365": "m365"}
NUMBER, SMALL = "2026-0113", "2026-0200"
FOLDER = f"{NUMBER} Quill"
Truth = dict[str, Any]


@dataclass
class Case:
    """One backed-up matter of a firm, and who may write it back."""

    sim: Running
    firm: M365Firm
    selection: Selection
    rows: list[Row]
    number: str

    def plan(self, stand_in: str = "") -> RestorePlan:
        return plan_back(self.firm.vault(), self.selection, None, SYSTEMS, stand_in=stand_in)

    def client(self, folder: Path, made: type[Transport] = Transport, app: str = "restore") -> Client:  # fmt: skip
        """Of the registration that may write; counts its requests in `folder`."""
        where = tenant(self.sim)
        return Client(
            where, sign_in(where, application(self.sim, app)), folder / "pace", Passing(self.sim), "m365",
            "firm/m365/restore", rates=Rates(), patience=SOON, made=made,
        )  # fmt: skip

    def back(
        self, into: Path, *, made: type[Transport] = Transport, app: str = "restore", stand_in: str = "",
        wall: Wall = NO_WALL,
    ) -> WriteReport:  # fmt: skip
        into.mkdir(parents=True, exist_ok=True)
        plan = self.plan(stand_in)
        client = self.client(into, made, app)
        return write_back(
            self.firm.vault(),
            plan,
            self.selection,
            "m365",
            client,
            into,
            stand_in=stand_in,
            wall=wall,
        )

    def truth(self, *parts: str) -> Truth:
        return dict(self.sim.control("truth", **({"parts": list(parts)} if parts else {})))

    # -- rooms -------------------------------------------------------------------------------------
    def rooms(self, truth: Truth | None = None) -> Rooms:
        return Rooms(truth or self.truth(), self.number)

    def empty(self) -> None:
        """Takes every room away, for good, with all in it: the next restore is a first one."""
        rooms = self.rooms()
        for collection in ("messages", "events", "contacts", "items", "folders", "calendars", "contactFolders"):  # fmt: skip
            # What lies in another goes before it.
            for id_ in sorted(rooms.inside(collection), key=rooms.depth, reverse=True):
                self.sim.control("change", collection=collection, id=id_, delete=True)

    def sent(self) -> list[dict[str, str]]:
        """Everything that went out of the tenant."""
        return list(self.sim.control("sent")["sent"])


class Rooms:
    """What stands in the new folders, and beside them, by what it says."""

    def __init__(self, truth: Truth, number: str) -> None:
        self.truth = truth
        self._begins = f"Restored {number} as of "
        folders, items = truth["folders"], truth["items"]
        self._inside: dict[str, set[str]] = {
            "folders": {id_ for id_ in folders if self._is_room(self._mail_path(id_))},
            "calendars": {k for k, row in truth["calendars"].items() if self._is_room(row["name"])},
            "contactFolders": {k for k, row in truth["contactFolders"].items() if self._is_room(row["displayName"])},
            "items": {k for k, row in items.items() if self._is_room(unquote(row["path"]).strip("/"))},
        }  # fmt: skip
        for name, of, key in (
            ("messages", "folders", "folder"),
            ("events", "calendars", "calendar"),
            ("contacts", "contactFolders", "parentFolderId"),
        ):
            held = self._inside[of]
            self._inside[name] = {k for k, row in truth[name].items() if row[key] in held}

    def _is_room(self, path: str) -> bool:
        return path.startswith(self._begins)

    def _mail_path(self, id_: str) -> str:
        names: list[str] = []
        while (row := self.truth["folders"].get(id_)) is not None and row["known"] != "msgfolderroot":  # fmt: skip
            names.insert(0, row["displayName"])
            id_ = row["parentFolderId"]
        return "/".join(names)

    def inside(self, collection: str) -> set[str]:
        return self._inside[collection]

    def depth(self, id_: str) -> int:
        if id_ in self.truth["items"]:
            return int(self.truth["items"][id_]["path"].count("/"))
        return self._mail_path(id_).count("/") if id_ in self.truth["folders"] else 0

    def said(self) -> Counter[str]:
        """Each thing in a room, without what is new of every new one."""
        truth, found = self.truth, Counter[str]()
        for id_ in self._inside["folders"]:
            found[f"folder {self._owner(truth['folders'][id_])} {self._mail_path(id_)}"] += 1
        for id_ in self._inside["messages"]:
            found[f"message {self._mail_path(truth['messages'][id_]['folder'])} {message_says(truth['messages'][id_])}"] += 1  # fmt: skip
        for name, key in (("calendars", "name"), ("contactFolders", "displayName")):
            for id_ in self._inside[name]:
                found[f"{name} {self._owner(truth[name][id_])} {truth[name][id_][key]}"] += 1
        for id_ in self._inside["events"]:
            found[f"event {event_says(truth['events'][id_])}"] += 1
        for id_ in self._inside["contacts"]:
            found[f"contact {contact_says(truth['contacts'][id_])}"] += 1
        for id_ in self._inside["items"]:
            found[f"item {file_says(truth['items'][id_])}"] += 1
        return found

    @staticmethod
    def _owner(row: Truth) -> str:
        return str(row["user"])

    def rest(self) -> dict[str, Any]:
        """Everything beside the rooms, as it is."""
        found = {}
        for name in ("users", "folders", "messages", "calendars", "events", "contactFolders", "contacts", "drives", "items", "sites"):  # fmt: skip
            inside = self._inside.get(name, set())
            for id_, row in self.truth[name].items():
                if id_ not in inside:
                    found[f"{name}/{id_}"] = {k: v for k, v in row.items() if k not in _MOVING}
        return found


_MOVING = ("childFolderCount", "folder", "size", "quota")
"""What of a root moves with what is made in it."""


def message_says(row: Truth) -> str:
    kept = (
        "subject", "sentDateTime", "receivedDateTime", "isRead", "isDraft", "categories", "flag", "importance",
        "internetMessageId", "from", "toRecipients", "ccRecipients", "bccRecipients", "replyTo", "attachments",
        "isReadReceiptRequested",
    )  # fmt: skip
    said = {name: row[name] for name in kept} | {"words": _words(row["body"])}
    if row["isDraft"]:
        # Of one that was never sent it is the time at which it was made.
        del said["sentDateTime"], said["receivedDateTime"]
    return str(said)


def event_says(row: Truth) -> str:
    kept = ("subject", "start", "end", "isAllDay", "location", "recurrence", "type", "attendees", "attachments", "showAs", "sensitivity", "originalStart")  # fmt: skip
    out = [one.rpartition(".")[2] for one in row["cancelledOccurrences"]]
    return str({name: row[name] for name in kept} | {"out": out, "words": _words(row["body"])})


def contact_says(row: Truth) -> str:
    own = ("id", "changeKey", "createdDateTime", "lastModifiedDateTime", "parentFolderId", "singleValueExtendedProperties")  # fmt: skip
    return str(sorted((k, str(v)) for k, v in row.items() if k not in own and "@" not in k))


def file_says(row: Truth) -> str:
    versions = [one["sha256"] for one in row["versions"]]
    times = row["fileSystemInfo"] if versions else None
    return str((unquote(row["path"]), versions, times, row["permissions"]))


def _words(body: Truth) -> str:
    return words(body["content"], rich=body["contentType"] == "html")


def backed_up(folder: Path, sim: Running, kinds: Sequence[str] = ("member",)) -> M365Firm:
    firm = M365Firm(folder, sim, page=50)
    options = M365Options(
        state=folder,
        matters=(
            M365Matter(folder="**/{number} {title}/**"),
            M365Matter(category="Matter {number}"),
        ),
    )
    firm.rules = rules_of(options)
    # A small tenant: the mailboxes of the others cost time and show nothing.
    wanted = {sim.users[kind] for kind in kinds}
    firm.choice = replace(firm.choice, left_out=[id_ for id_ in sim.users.values() if id_ not in wanted])  # fmt: skip
    assert firm.back_up().success
    return firm


def case_of(firm: M365Firm, sim: Running, number: str = NUMBER) -> Case:
    vault = firm.vault()
    history = vault.history("m365")
    snapshot = vault.snapshot(history, history.live[-1])
    matter = next(id_ for id_, named in snapshot.matters.items() if named.number == number)
    selection = Selection(Scope.MATTER, matter, ("m365",), related=True)
    rows = [row for row in snapshot.items.values() if row.matter == matter]
    return Case(sim, firm, selection, rows, number)


def told(report: WriteReport, kind: str) -> Mapping[str, Outcome]:
    """Old native id -> what became of it."""
    return {one.old: one for one in report.outcomes if one.kind == kind}


# -- making a matter -----------------------------------------------------------------------------------


@dataclass
class Office:
    """Makes what a matter has, as people do. Ids of what was made stand in `ids` by a name of the test's."""

    sim: Running
    kind: str = "member"
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def user(self) -> str:
        return self.sim.users[self.kind]

    def post(self, path: str, json: Any = None, **more: Any) -> Any:
        answer = self.sim.request("POST", path, app="restore", prefer=IMMUTABLE, json=json, **more)
        assert answer.ok, answer.text
        return answer.json()

    # -- mail --------------------------------------------------------------------------------------
    def mail_folder(self, name: str, parent: str = "inbox") -> str:
        made = self.post(f"users/{self.user}/mailFolders/{parent}/childFolders", {"displayName": name})  # fmt: skip
        return str(made["id"])

    def mail(self, name: str, folder: str, raw: bytes, **state: Any) -> str:
        """A message that came as this MIME, and what people did to it."""
        told = self.sim.control("deliver", user=self.user, mime=base64.b64encode(raw).decode())
        moved = self.post(f"users/{self.user}/messages/{told['immutable']}/move", {"destinationId": folder})  # fmt: skip
        if state:
            path = f"users/{self.user}/messages/{moved['id']}"
            answer = self.sim.request("PATCH", path, app="restore", prefer=IMMUTABLE, json=state)
            assert answer.ok, answer.text
        self.ids[name] = str(moved["id"])
        return self.ids[name]

    def draft(self, name: str, folder: str, **body: Any) -> str:
        made = self.post(f"users/{self.user}/mailFolders/{folder}/messages", body)
        self.ids[name] = str(made["id"])
        return self.ids[name]

    # -- calendar and contacts ---------------------------------------------------------------------
    def event(self, name: str, day: str, number: str = NUMBER, **more: Any) -> str:
        times = {
            key: {"dateTime": f"{day}T{hour}:00:00", "timeZone": "Pacific Standard Time"}
            for key, hour in (("start", "09"), ("end", "10"))
        }
        body = {"subject": name, "categories": [f"Matter {number}"], **times, **more}
        made = self.post(f"users/{self.user}/events", body)
        self.ids[name] = str(made["id"])
        return self.ids[name]

    def contact(self, name: str, photo: bytes = b"", number: str = NUMBER, **more: Any) -> str:
        body = {"givenName": name, "categories": [f"Matter {number}"], **more}
        made = self.post(f"users/{self.user}/contacts", body)
        self.ids[name] = str(made["id"])
        if photo:
            path = f"users/{self.user}/contacts/{made['id']}/photo/$value"
            answer = self.sim.request("PUT", path, app="restore", prefer=IMMUTABLE, data=photo, headers={"Content-Type": "image/jpeg"})  # fmt: skip
            assert answer.ok
        return self.ids[name]

    # -- files -------------------------------------------------------------------------------------
    def drive(self) -> str:
        return str(self.sim.get(f"users/{self.user}/drive").json()["id"])

    def library(self, name: str = "Documents") -> str:
        sites = {one["name"]: one["id"] for one in self.sim.rows("sites", search="*")}
        drives = self.sim.rows(f"sites/{sites['matters']}/drives")
        return next(str(one["id"]) for one in drives if one["name"] == name)

    def folder(self, drive: str, name: str, parent: str = "root") -> str:
        made = self.post(f"drives/{drive}/items/{parent}/children", {"name": name, "folder": {}})
        return str(made["id"])

    def file(self, drive: str, parent: str, name: str, content: bytes, when: str = "2024-05-06T07:08:09Z") -> str:  # fmt: skip
        answer = self.sim.request("PUT", f"drives/{drive}/items/{parent}:/{name}:/content", app="restore", data=content)  # fmt: skip
        assert answer.ok, answer.text
        made = answer.json()
        self.ids[name] = str(made["id"])
        times = {"createdDateTime": "2024-01-02T03:04:05Z", "lastModifiedDateTime": when}
        assert self.sim.request("PATCH", f"drives/{drive}/items/{made['id']}", app="restore", json={"fileSystemInfo": times}).ok  # fmt: skip
        return self.ids[name]


# -- MIME ----------------------------------------------------------------------------------------------


def plain(subject: str, text: str = "Text.\r\n", **more: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Ochre Kettle <ochre.kettle@clients.example>"
    message["To"] = "Partner <partner@specimenlaw.example>"
    message["Date"] = "Mon, 06 Jan 2020 10:00:00 +0000"
    message["Message-ID"] = f"<{abs(hash(subject)) % 10**9}@clients.example>"
    message["Subject"] = subject
    for name, value in more.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def attached(subject: str, *files: tuple[str, bytes]) -> bytes:
    message = plain(subject)
    for name, content in files:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)  # fmt: skip
    return message.as_bytes()


SIGNED = (
    b"From: a@clients.example\r\nTo: b@specimenlaw.example\r\nSubject: Signed\r\nDate: Mon, 06 Jan 2020 10:00:00 +0000\r\n"
    b"Message-ID: <signed@clients.example>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/signed; protocol="application/x-pkcs7-signature"; micalg="sha-256"; boundary="XX"\r\n\r\n'
    b"--XX\r\nContent-Type: text/plain\r\n\r\nFrom here on it is signed.  \r\n--XX\r\n"
    b'Content-Type: application/x-pkcs7-signature; name="smime.p7s"\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAwQ=\r\n'
    b"--XX--\r\n"
)  # fmt: skip
MALFORMED = b"From: a@clients.example\r\nSubject: Broken\r\nContent-Type: multipart/mixed; boundary=none\r\n\r\nNo part at all.\r\n"


def office_file(text: str = "<w/>") -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("word/document.xml", text)
        archive.writestr("[Content_Types].xml", "<Types/>")
    return held.getvalue()


def rich_matter(sim: Running) -> Office:
    """Everything that makes a matter hard to give back."""
    office = Office(sim)
    matter = office.mail_folder(FOLDER, office.mail_folder("Matters", "archive"))
    office.ids["matter folder"] = matter
    below = office.mail_folder("Correspondence", matter)
    flagged = {"isRead": True, "categories": ["Red"], "flag": {"flagStatus": "flagged"}}
    office.mail("plain", matter, plain("Plain", Cc="Cyan Court <court@courts.example>").as_bytes(), **flagged)  # fmt: skip
    office.mail("rich", below, _rich().as_bytes(), isRead=False)
    office.mail("twice", below, attached("Two of one name", ("a.txt", b"1"), ("a.txt", b"2"), ("ü 合同.pdf", b"3")))  # fmt: skip
    office.mail("large", below, attached("Large", ("big.bin", bytes(range(256)) * 12_500), ("small.txt", b"s")))  # fmt: skip
    office.mail("signed", matter, SIGNED)
    office.mail("malformed", matter, MALFORMED)
    office.mail("nested", matter, _nested())
    office.mail("receipt", matter, plain("Receipt", Disposition_Notification_To="a@clients.example").as_bytes())  # fmt: skip
    office.draft("draft", matter, subject="A draft", body={"contentType": "text", "content": "Not yet."})  # fmt: skip
    guests = [
        {"type": "required", "emailAddress": {"name": "Ada", "address": "ada@clients.example"}}
    ]
    hearing = office.event("Hearing", "2026-12-01", attendees=guests, location={"displayName": "Courtroom 4"}, body={"contentType": "html", "content": "<p>Bring the file.</p>"})  # fmt: skip
    note = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "agenda.txt", "contentBytes": base64.b64encode(b"agenda").decode()}  # fmt: skip
    office.post(f"users/{office.user}/events/{hearing}/attachments", note)
    whole = {key: {"dateTime": f"2026-12-2{day}T00:00:00", "timeZone": "UTC"} for key, day in (("start", 1), ("end", 2))}  # fmt: skip
    office.event("Whole day", "2026-12-21", isAllDay=True, showAs="free", sensitivity="private", **whole)  # fmt: skip
    _series(office)
    office.contact("Ochre", b"\xff\xd8photo", surname="Kettle", emailAddresses=[{"name": "Ochre Kettle", "address": "o@clients.example"}], businessAddress={"city": "Reno"})  # fmt: skip
    _files(office)
    shared = Office(sim, "shared", office.ids)
    intake = shared.mail_folder(FOLDER, shared.mail_folder("Matters", "archive"))
    shared.mail("of the shared mailbox", intake, plain("To intake").as_bytes())
    return office


def _rich() -> EmailMessage:
    message = plain("Übergabe – 合同 📎", "In plain words.\r\n")
    message.add_alternative('<html><body><p>In <b>rich</b> words.</p><img src="cid:seal"></body></html>', subtype="html")  # fmt: skip
    [_, rich] = message.get_payload()
    assert isinstance(rich, EmailMessage)
    rich.add_related(b"\x89PNG", maintype="image", subtype="png", cid="<seal>", filename="seal.png", disposition="inline")  # fmt: skip
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="brief.pdf")
    return message


def _nested() -> bytes:
    message = plain("A message in it")
    message.add_attachment(plain("Inner"))
    return message.as_bytes()


def _series(office: Office, number: str = NUMBER) -> None:
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"]}
    range_ = {"type": "numbered", "startDate": "2026-11-02", "numberOfOccurrences": 5, "recurrenceTimeZone": "Pacific Standard Time"}  # fmt: skip
    master = office.event(
        "Weekly", "2026-11-02", number, recurrence={"pattern": pattern, "range": range_}
    )
    window = {"startDateTime": "2026-10-01T00:00:00Z", "endDateTime": "2026-12-31T00:00:00Z"}
    path = f"users/{office.user}/events"
    days = office.sim.rows(f"{path}/{master}/instances", app="restore", prefer=IMMUTABLE, **window)
    moved = {key: {"dateTime": f"2026-11-10T{hour}:00:00", "timeZone": "Pacific Standard Time"} for key, hour in (("start", 14), ("end", 15))}  # fmt: skip
    changed = {"subject": "Moved", "location": {"displayName": "Elsewhere"}, **moved}
    assert office.sim.request("PATCH", f"{path}/{days[1]['id']}", app="restore", prefer=IMMUTABLE, json=changed).ok  # fmt: skip
    assert office.sim.request("DELETE", f"{path}/{days[2]['id']}", app="restore", prefer=IMMUTABLE).ok  # fmt: skip


def _files(office: Office) -> None:
    drive = office.drive()
    home = office.folder(drive, FOLDER)
    below = office.folder(drive, "Drafts", home)
    office.folder(drive, "Nothing in it", home)
    office.file(drive, home, "contract.docx", office_file())
    office.file(drive, home, "Übergabe – 合同 📎.pdf", b"%PDF-1.7 plain")
    office.file(drive, below, "empty.txt", b"")
    office.file(drive, below, "large.bin", bytes(range(256)) * 20_600)
    office.file(drive, below, "none.docx", b"called so, and no archive")
    library = office.library()
    shelf = office.folder(library, FOLDER)
    office.file(library, shelf, "in the library.txt", b"for all who may open it")
    office.file(library, shelf, "for a few.txt", b"for a few")
    rights = [{"id": "u1", "role": "read", "link": "organization", "user": None}]
    office.sim.control("change", collection="items", id=office.ids["for a few.txt"], values={"_permissions": rights})  # fmt: skip


def small_matter(sim: Running) -> Office:
    """One or two of each kind, one in several parts: for what goes wrong on the way."""
    office = Office(sim)
    matter = office.mail_folder(f"{SMALL} Reed", "archive")
    office.mail("small plain", matter, plain("Small and plain").as_bytes())
    office.mail("small attached", matter, attached("Small with files", ("a.txt", b"a"), ("large.bin", bytes(range(256)) * 12_500)))  # fmt: skip
    office.event("Small", "2026-12-02", number=SMALL)
    office.contact("Reed", number=SMALL)
    drive = office.drive()
    home = office.folder(drive, f"{SMALL} Reed")
    office.file(drive, home, "small.txt", b"small")
    office.file(drive, home, "parts.bin", bytes(range(256)) * 20_600)
    return office


def more_of_the_small_matter(office: Office) -> None:
    """What else a restore does: two of one kind, a carried message, a series, a photo, a file without bytes."""
    folder = str(office.sim.get(f"users/{office.user}/messages/{office.ids['small plain']}", prefer=IMMUTABLE).json()["parentFolderId"])  # fmt: skip
    office.mail("small signed", folder, SIGNED)
    office.mail("small twin", folder, plain("Small and plain").as_bytes())
    _series(office, SMALL)
    office.contact("Reed with a photo", b"\xff\xd8photo", number=SMALL)
    home = str(office.sim.get(f"drives/{office.drive()}/items/{office.ids['small.txt']}").json()["parentReference"]["id"])  # fmt: skip
    below = office.folder(office.drive(), "Below", home)
    office.file(office.drive(), below, "none.txt", b"")
    office.file(office.drive(), below, "small.txt", b"of the same name, elsewhere")


def really_signed(folder: Path) -> bytes:
    """A message that a neutral program signed."""
    key, certificate, text = folder / "key.pem", folder / "cert.pem", folder / "text"
    run = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate), "-subj", "/CN=a", "-days", "9"]  # fmt: skip
    subprocess.run(run, check=True, capture_output=True)
    text.write_bytes(b"Content-Type: text/plain\r\n\r\nReally signed.\r\n")
    sign = ["openssl", "cms", "-sign", "-crlfeol", "-in", str(text), "-signer", str(certificate), "-inkey", str(key), "-from", "a@clients.example", "-subject", "Really signed"]  # fmt: skip
    return subprocess.run(sign, check=True, capture_output=True).stdout
