"""A matter of a tenant - mail, calendar, contacts, files - backed up, and written back at the simulator."""

from __future__ import annotations

import base64
import io
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from muniment.config.m365 import M365Matter, M365Options
from muniment.model.item import Row
from muniment.recovery.m365_back.back import plan_back, write_back
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
NUMBER = "2026-0113"
CATEGORY = f"Matter {NUMBER}"
FOLDER = f"{NUMBER} Quill"
Truth = dict[str, Any]


@dataclass
class Case:
    """One backed-up matter of a firm, and who may write it back."""

    sim: Running
    firm: M365Firm
    selection: Selection
    rows: list[Row]

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
            self.firm.vault(), plan, self.selection, "m365", client, into, stand_in=stand_in, wall=wall
        )

    def truth(self, *parts: str) -> Truth:
        return dict(self.sim.control("truth", **({"parts": list(parts)} if parts else {})))

    def sent(self) -> list[dict[str, str]]:
        """Everything that went out of the tenant."""
        return list(self.sim.control("sent")["sent"])


def backed_up(folder: Path, sim: Running) -> M365Firm:
    firm = M365Firm(folder, sim, page=50)
    options = M365Options(
        state=folder,
        matters=(
            M365Matter(folder=f"**/{{number}} {{title}}/**"),
            M365Matter(category="Matter {number}"),
        ),
    )
    firm.rules = rules_of(options)
    assert firm.back_up().success
    return firm


def case_of(firm: M365Firm, sim: Running) -> Case:
    """The matter to which most of the rows belong."""
    vault = firm.vault()
    history = vault.history("m365")
    rows = list(vault.snapshot(history, history.live[-1]).items.values())
    [(matter, _), *_] = Counter(row.matter for row in rows if row.matter).most_common(1)
    selection = Selection(Scope.MATTER, matter, ("m365",), related=True)
    return Case(sim, firm, selection, [row for row in rows if row.matter == matter])


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
    def event(self, name: str, day: str, **more: Any) -> str:
        times = {
            key: {"dateTime": f"{day}T{hour}:00:00", "timeZone": "Pacific Standard Time"}
            for key, hour in (("start", "09"), ("end", "10"))
        }
        body = {"subject": name, "categories": [CATEGORY], **times, **more}
        made = self.post(f"users/{self.user}/events", body)
        self.ids[name] = str(made["id"])
        return self.ids[name]

    def contact(self, name: str, photo: bytes = b"", **more: Any) -> str:
        made = self.post(f"users/{self.user}/contacts", {"givenName": name, "categories": [CATEGORY], **more})  # fmt: skip
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
