"""RestoreRequest: what the form of a restore says, checked.

Airflow checks a form loosely (a time is any text, and a run may be triggered without the form), so
everything is checked here again, before a key is touched. Errors never repeat what was typed: it ends
in Airflow's database, and people type names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from muniment.config.load import FirmConfig
from muniment.config.persons import person_of
from muniment.config.smb import SMB
from muniment.errors import NobodyToSealFor, RestoreError
from muniment.recovery.clio_back import CLIO, CLIO_EXISTING
from muniment.recovery.m365_back import target_of as m365_target
from muniment.recovery.matter_file import MATTER_FILE
from muniment.recovery.netdocuments_back import target_of

OPAQUE_MATTER = r"M-[A-Z2-7]{8}"
OBJECT_ID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
"""Of a user in Entra: an address would name a person in Airflow's database."""
ITEM_ID = r"[0-9a-f]{32}"
FOLDER = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}(/[A-Za-z0-9][A-Za-z0-9._-]{0,63}){0,4}"
REPLACING = ", files of the same name are replaced"
NOT_SEALED = ", NOT SEALED"
WHO_TRIGGERS = "(who triggers it)"
"""In place of a person; no id has brackets."""
_FORM = "Trigger the DAG again with the form corrected."


class Reason(StrEnum):
    """Why something is restored: a code, because free text would name people and matters."""

    CLIENT_REQUEST = "client_request"
    LOST_OR_DELETED = "lost_or_deleted"
    DAMAGED = "damaged"
    RANSOMWARE = "ransomware"
    COURT_OR_DISCOVERY = "court_or_discovery"
    DRILL = "drill"
    MIGRATION = "migration"
    OTHER = "other"


REASON_WORDS: Mapping[str, str] = {
    Reason.CLIENT_REQUEST: "A client asked for it",
    Reason.LOST_OR_DELETED: "Lost or deleted by mistake",
    Reason.DAMAGED: "Damaged or overwritten",
    Reason.RANSOMWARE: "Ransomware or another attack",
    Reason.COURT_OR_DISCOVERY: "Court order or discovery",
    Reason.DRILL: "A drill",
    Reason.MIGRATION: "Move to another system",
    Reason.OTHER: "Something else",
}


class What(StrEnum):
    """What is wanted back, as the form offers it. Path patterns name clients: command line only."""

    MATTER = "matter"
    ITEM = "item"
    SOURCE = "source"


class Form(StrEnum):
    """As what it is delivered."""

    ITEMS = "items"
    SHARE = "share"
    MATTER_FILE = "matter_file"
    CLIO = "clio"
    CLIO_EXISTING = "clio_existing"
    NETDOCUMENTS = "netdocuments"
    NETDOCUMENTS_VERSIONS = "netdocuments_versions"
    M365 = "m365"

    @property
    def system(self) -> str:
        """The vendor's system into which it is written besides the delivery; empty where it is none."""
        nowhere = self.as_they_are or self is Form.MATTER_FILE
        return "" if nowhere else self.value.partition("_")[0]

    @property
    def as_they_are(self) -> bool:
        """Are the items delivered, and nothing made of them?"""
        return self in (Form.ITEMS, Form.SHARE)

    @property
    def writes_back(self) -> bool:
        """Is it written into a vendor's system, besides the delivery?"""
        return bool(self.system)


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """`which` is a matter's number or opaque id, an item id, or empty for whole sources; `sources`
    empty means all; `as_of` None means the newest; `folder` is relative to the restore area."""

    what: What
    which: str
    sources: tuple[str, ...]
    as_of: datetime | None
    reason: Reason
    folder: str
    overwrite: bool
    form: Form = Form.ITEMS
    last_clean: bool = False
    """In place of a time: the last moment before anything that looks like an attack."""
    for_whom: str = ""
    """Who of `people` receives it: whoever triggered the run, where the form does not say. Empty for somebody unknown."""
    recipient: str = ""
    """The age recipient to which it is sealed; empty for a delivery in the clear."""
    shares: tuple[str, ...] = ()
    """Where on file servers the new folder is made, where it is delivered onto a share."""
    mailbox: str = ""
    """The Entra object id of who takes what has no mailbox or drive any more."""

    def target(self, selection: str) -> str:
        """What the plan says of where and how: whoever approves it approves this too. `selection` is what the plan shows
        of it."""
        if self.form.system == "netdocuments":
            versions = self.form is Form.NETDOCUMENTS_VERSIONS
            return f"{target_of(selection, versions=versions)} in {self.place}"
        if self.form is Form.M365:
            return f"{m365_target(self.mailbox)} in {self.place}"
        if self.form.writes_back:
            name = CLIO_EXISTING if self.form is Form.CLIO_EXISTING else CLIO
            return f"{name} in {self.place}"
        if self.form is Form.SHARE:
            return f"{', '.join(self.shares)}: new folder {self.place}"
        kind = MATTER_FILE if self.form is Form.MATTER_FILE else "folder"
        return f"{kind} {self.place}"

    @property
    def place(self) -> str:
        """The folder, whether anything in it may be replaced, for whom it is and sealed to which key."""
        for_whom = f", for {self.for_whom}" if self.for_whom else ""
        return self.folder + (REPLACING if self.overwrite else "") + for_whom + self.sealing

    @property
    def sealing(self) -> str:
        """In words: who may not read what is delivered has to be told from who may."""
        return f", sealed to {self.recipient}" if self.recipient else NOT_SEALED


def read_request(
    form: Mapping[str, Any], config: FirmConfig, now: datetime, run: str, login: str | None = None
) -> RestoreRequest:
    """Checks the form. `run` is a short name of the run, for the folder when none was given; `login` who triggered it.

    Raises RestoreError that names the field, NobodyToSealFor, ConfigError where nobody may write onto a share.
    """
    what = choice_of(What, form.get("what"), "what")
    which = "" if what is What.SOURCE else _which(what, _text(form.get("which")), config)
    sources = _sources(form.get("sources"), config)
    if what is What.SOURCE and not sources:
        raise _wrong("sources", "no source was chosen", "Choose at least one source")
    # A run that was triggered without the form, or by an older one, does not say.
    delivered = choice_of(Form, form.get("deliver_as") or Form.ITEMS, "deliver_as")
    if not delivered.as_they_are and what is not What.MATTER:
        raise _wrong(
            "deliver_as",
            "only a matter becomes a matter file, or goes back into Clio, NetDocuments or Microsoft 365",
            "Choose the items as they are",
        )
    last_clean = form.get("last_clean") is True
    if last_clean and form.get("as_of"):
        raise _wrong(
            "last_clean",
            "it goes with no time of its own",
            "Leave the field *As of* empty, or this one off",
        )
    for_whom = _for_whom(_text(form.get("for_whom")), config, login)
    folder = _folder(_text(form.get("deliver_to")), config, now, run)
    overwrite = form.get("overwrite") is True
    onto_share = delivered is Form.SHARE
    if onto_share:
        sources = _of_shares(sources, config)
        _require_new(folder, overwrite=overwrite)
    return RestoreRequest(
        what=what,
        which=which,
        sources=sources,
        as_of=moment_of(form.get("as_of"), config, now),
        reason=choice_of(Reason, form.get("reason"), "reason"),
        folder=folder,
        overwrite=overwrite,
        form=delivered,
        last_clean=last_clean,
        for_whom=for_whom,
        recipient="" if onto_share or form.get("plain") is True else _recipient(for_whom, config),
        shares=_shares(sources, config) if onto_share else (),
        mailbox=_mailbox(_text(form.get("mailbox")), delivered),
    )


def _which(what: What, text: str, config: FirmConfig) -> str:
    if not text:
        raise _wrong(
            "which", "nothing was named", "Give a matter number, a matter id or an item id"
        )
    if what is What.ITEM:
        if not re.fullmatch(ITEM_ID, text.lower()):
            raise _wrong("which", "this is no item id", "An item id has 32 characters, 0-9 and a-f")
        return text.lower()
    if not config.firm.labels.matter_numbers and not re.fullmatch(OPAQUE_MATTER, text):
        raise _wrong(
            "which",
            "this firm wants no matter numbers in Airflow",
            "Give the opaque id, M- and 8 characters; `muniment show` knows it",
        )
    return text


def _sources(value: Any, config: FirmConfig) -> tuple[str, ...]:
    if value in (None, "", []):
        return ()
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise _wrong("sources", "it is no list of sources", "Choose from the list")
    known = {row.source_id for row in config.protected}
    if not set(value) <= known:
        raise _wrong(
            "sources",
            "it names a source that Muniment does not back up",
            f"Choose among: {', '.join(sorted(known)) or 'none'}",
        )
    return tuple(dict.fromkeys(value))


def _of_shares(sources: tuple[str, ...], config: FirmConfig) -> tuple[str, ...]:
    """Those that were chosen, or all that are shares of file servers."""
    of_servers = tuple(row.source_id for row in config.protected if row.system == SMB)
    if not of_servers or not {*sources} <= {*of_servers}:
        raise _wrong(
            "sources",
            "only what came from a Windows file server goes onto a share",
            f"Choose among: {', '.join(of_servers) or 'none'}; or deliver the items as they are",
        )
    return sources or of_servers


def _require_new(folder: str, *, overwrite: bool) -> None:
    if overwrite:
        raise _wrong(
            "overwrite", "a share gets a new folder, and nothing is replaced", "Leave it off"
        )
    if any(name.endswith(".") for name in folder.split("/")):
        raise _wrong("deliver_to", "Windows takes no name that ends with a dot", "Leave that away")


def _shares(sources: tuple[str, ...], config: FirmConfig) -> tuple[str, ...]:
    from muniment.wiring_smb import restore_place

    rows = (row for row in config.protected if row.source_id in sources)
    return tuple(dict.fromkeys(restore_place(config, row)[0].unc_folder for row in rows))


def moment_of(value: Any, config: FirmConfig, now: datetime) -> datetime | None:
    """The field `as_of` of a form; None when it is empty. Raises RestoreError for what is no past time."""
    text = _text(value)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _wrong(
            "as_of", "it is no time", "Write it as 2026-01-31 17:00, on the firm's clock"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(config.firm.time_zone))
    moment = moment.astimezone(UTC)
    if moment > now:
        raise _wrong("as_of", "it lies in the future", "Leave it empty for the newest snapshot")
    return moment


def _folder(text: str, config: FirmConfig, now: datetime, run: str) -> str:
    if not text:
        local = now.astimezone(ZoneInfo(config.firm.time_zone))
        return f"{local:%Y-%m-%d}-{run[:8]}"
    if not re.fullmatch(FOLDER, text):
        raise _wrong(
            "deliver_to",
            "it is no folder below the restore area",
            "Write a relative path of letters, digits, - _ and . such as 2026-01/file-4711, or leave "
            "it empty",
        )
    return text


def _mailbox(text: str, form: Form) -> str:
    if not text:
        return ""
    if form is not Form.M365:
        raise _wrong("mailbox", "it goes with Microsoft 365 only", "Leave it empty")
    if not re.fullmatch(OBJECT_ID, text):
        raise _wrong(
            "mailbox",
            "it is no object id",
            "Give the object id of a user, as Entra shows it; never an address",
        )
    return text.lower()


def _for_whom(text: str, config: FirmConfig, login: str | None) -> str:
    if text in ("", WHO_TRIGGERS):
        return person_of(config, login)
    if text not in config.firm.people:
        raise _wrong(
            "for_whom",
            "it is nobody of firm.yaml",
            f"Choose among: {', '.join(sorted(config.firm.people))}",
        )
    return text


def _recipient(for_whom: str, config: FirmConfig) -> str:
    if not for_whom:
        raise NobodyToSealFor(
            "it is not said for whom this delivery is, and who triggered it is nobody of firm.yaml",
            to="field for_whom",
        )
    recipient = config.firm.people[for_whom].recipient
    if not recipient:
        raise NobodyToSealFor(
            "the person for whom this delivery is has no recipient to seal it to",
            to=f"firm.yaml, people.{for_whom}.recipient",
        )
    return str(recipient)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def choice_of(words: Any, value: Any, field: str) -> Any:
    """One of a StrEnum. Raises RestoreError for anything else."""
    try:
        return words(value)
    except ValueError:
        known = ", ".join(str(word) for word in words)
        raise _wrong(field, "it is not one of the choices", f"Choose one of: {known}") from None


def _wrong(field: str, what: str, right: str) -> RestoreError:
    return RestoreError(
        f"the form cannot be understood: {what}",
        to=f"field {field}",
        safe="Nothing was read from the vault and nothing was written.",
        todo=f"{right}. {_FORM}",
    )
