"""Boxes: what an audit sees of people, and of the messages and folders of their mailboxes.

Single messages by their ids, the newest of each mailbox, and how many there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from muniment.sources.audit import Told as Counted
from muniment.sources.m365.audit_look import Look, Row, ids_in
from muniment.sources.m365.audit_rows import FOLDER, MESSAGE, PERSON
from muniment.sources.m365.audit_wire import Question, count_of, is_whole, quoted, rows_of

MESSAGES, GONE, FOLDERS, MIMES = 60, 20, 20, 8
BOXES = 60
"""Mailboxes that are looked into; where there are more, nothing is told of them all."""
NEWEST = 10
LARGEST = 8 << 20
"""Bytes of a message that is fetched to be compared."""
PURGED = "recoverableitemsdeletions"


# -- people ------------------------------------------------------------------------------------------


def people(look: Look) -> None:
    told = look.ask.one("users", {"$select": PERSON, "$top": "999"})
    rows = [row for row in rows_of(told) if not _names(row) & set(look.scope.left_out)]
    look.everybody = is_whole(told)
    look.users = sorted(str(row["id"]) for row in rows)
    look.boxes = _boxes(look)
    look.every_box = look.everybody and len(look.boxes) == len(look.users)
    for row in rows:
        look.saw("user", f"users/{row['id']}".encode(), row, body=row)
    if not look.everybody:
        look.found.unseen += 1
        return
    for native in look.held.there.get("user", ()):
        look.did_not_see("user", native)
    look.told("user", len(rows), sum(map(look.is_new, rows)), 0)


def _names(row: Row) -> set[str]:
    return {str(row.get(name) or "").lower() for name in ("id", "userPrincipalName", "mail")}


def _boxes(look: Look) -> list[str]:
    """Those come first of whom the vault has nothing: one may have been passed over."""
    known = {
        ids_in(native)[0]
        for kind in ("message", "event", "contact")
        for native in look.held.there.get(kind, ())
    }
    drawn = look.drawn([one for one in look.users if one not in known], BOXES // 2)
    mine = [one for one in look.users if one in known]
    return drawn + look.drawn(mine, BOXES - len(drawn))


# -- messages ----------------------------------------------------------------------------------------


def messages(look: Look) -> None:
    drawn = [*look.there("message", MESSAGES), *look.gone("message", GONE)]
    rows = dict(look.by_id("message", drawn, _path, MESSAGE))
    for native in look.drawn([one for one in rows if one.startswith(b"messages/")], MIMES):
        _mime(look, native, rows[native])
    for native, row in rows.items():
        _message(look, native, row)


def _path(ids: tuple[str, ...]) -> str:
    return "users/{}/messages/{}".format(*quoted(*ids))


def _mime(look: Look, native: bytes, row: Row) -> None:
    """The bytes of a message. That nobody touched it since, its row says; when they were made, nobody knows."""
    content = look.ask.content(f"{_path(ids_in(native))}/$value", LARGEST)
    if content is None:
        look.found.unseen += 1
        return
    look.saw_of("message_mime", _bytes_of(native), row, body=content)


def _message(look: Look, native: bytes, row: Row) -> None:
    look.saw("message", native, row, body=row)
    look.saw_of("message_mime", _bytes_of(native), row)


def _bytes_of(native: bytes) -> bytes:
    return native.replace(b"messages/", b"mime/", 1)


def newest(look: Look) -> None:
    query = {"$select": MESSAGE, "$top": str(NEWEST), "$orderby": "receivedDateTime desc"}
    asked: list[Question] = [(place, query) for user in look.boxes for place in _places(user)]
    for number, told in enumerate(look.ask.many(asked)):
        for row in rows_of(told):
            _message(look, f"messages/{look.boxes[number // 2]}/{row['id']}".encode(), row)


def _places(user: str) -> tuple[str, str]:
    """A mailbox, and what was purged in it, which no list of it has."""
    (name,) = quoted(user)
    return f"users/{name}/messages", f"users/{name}/mailFolders/{PURGED}/messages"


def totals(look: Look) -> None:
    """How many messages there are, how many were made, and how many touched, since the backup."""
    asked = [
        (place, query) for user in look.boxes for place in _places(user) for query in counts(look)
    ]
    answers = look.ask.many(asked)
    if any(status == 403 for status, _ in answers):
        # A mailbox that the application may not see, and that nobody left out.
        look.found.told.append(Counted("message", refused=True))
    tell(look, "message", [count_of(one) for one in answers], everybody=look.every_box)


def counts(look: Look) -> tuple[Mapping[str, str], ...]:
    """What asks for the three numbers of a list."""
    plain = {"$count": "true", "$top": "1", "$select": "id"}
    made, touched = (
        f"createdDateTime ge {look.moment}",
        f"lastModifiedDateTime ge {look.moment}",
    )
    return plain, plain | {"$filter": made}, plain | {"$filter": touched}


def tell(look: Look, kind: str, numbers: Sequence[int | None], *, everybody: bool) -> None:
    """`numbers` are three of each list, as `counts` asks for them. Of all lists, or of none: a part would be no total."""
    total, created, touched = (sum(one or 0 for one in numbers[place::3]) for place in range(3))
    known = everybody and None not in numbers
    look.found.unseen += not known
    look.told(kind, total if known else None, created if known else None, touched)


# -- folders -----------------------------------------------------------------------------------------


def folders(look: Look) -> None:
    def path(ids: tuple[str, ...]) -> str:
        return "users/{}/mailFolders/{}".format(*quoted(*ids))

    drawn = [*look.there("mail_folder", FOLDERS), *look.gone("mail_folder", FOLDERS // 2)]
    for native, row in look.by_id("mail_folder", drawn, path, FOLDER):
        look.saw("mail_folder", native, body=row)
    query = {"$select": FOLDER, "$top": "100", "includeHiddenFolders": "true"}
    asked = [("users/{}/mailFolders".format(*quoted(user)), query) for user in look.boxes]
    for user, told in zip(look.boxes, look.ask.many(asked), strict=True):
        for row in rows_of(told):
            look.saw("mail_folder", f"mail_folders/{user}/{row['id']}".encode())
