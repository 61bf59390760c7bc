"""The audit of a tenant: single messages, the newest of a mailbox, totals, and bytes of files, asked for apart.

Requests, pages and fields are its own; consent, host and the count of requests are the connector's. No delta is asked and
no link followed. The bytes of a message are not compared: Exchange makes them anew at each reading.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import requests

from muniment.clock import Waiting, from_text, to_text
from muniment.errors import SourceRefused, SourceUnavailable
from muniment.sources.audit import Compared, Held, Testimony, Told, Witness
from muniment.sources.web.budget import Budget, Priority
from muniment.sources.web.place import Place
from muniment.sources.web.tokens import Access

REQUESTS = 300
MESSAGES, GONE, STRANGERS, NEWEST_OF, NEWEST, FILES, DRIVES = 60, 20, 20, 10, 10, 15, 5
LARGEST = 64 << 20
"""Bytes of a file that is fetched to be compared."""
TRIES = 5
TIMEOUT = (10.0, 60.0)
FIELDS = (
    "id,subject,receivedDateTime,sentDateTime,createdDateTime,lastModifiedDateTime,isRead,isDraft,importance,categories,"
    "flag,from,toRecipients,ccRecipients,bccRecipients,internetMessageId,hasAttachments,parentFolderId"
)
_DRIFTS = frozenset({"isRead", "flag", "categories", "parentFolderId", "lastModifiedDateTime"})
"""What changes without much of a sign."""
_PASSING = (408, 429, 500, 502, 503, 504)


class _NoMore(Exception):
    """The bound on requests is reached."""


class M365Audit:
    """`pace` gives the count of requests that a path belongs to. `left_out` are users, by id or address, of whom the
    backup has nothing on purpose."""

    def __init__(
        self, place: Place, access: Access, pace: Callable[[str], Budget], clock: Waiting, source_id: str,
        left_out: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._place = place
        self._access = access
        self._pace = pace
        self._clock = clock
        self._source_id = source_id
        self._session = requests.Session()
        self._session.trust_env = False
        self._left_out = {one.lower() for one in left_out}
        self._left = REQUESTS

    def ask(self, held: Held, since: datetime, seed: int) -> Testimony:
        """See `Auditor`."""
        rng = random.Random(f"m365 audit {seed}")  # noqa: S311
        self._left = REQUESTS
        found = Testimony()
        steps = (self._messages, self._newest, self._files, self._children, self._totals)
        for number, step in enumerate(steps):
            try:
                step(found, held, since, rng)
            except _NoMore:
                found.unseen += len(steps) - number
                break
        found.requests = REQUESTS - self._left
        return found

    def compare(self, witness: Witness, restored: bytes) -> Compared:
        """Every field that both have."""
        theirs, ours = json.loads(witness.body or b"{}"), json.loads(restored)
        differing = {
            name
            for name in theirs.keys() & ours.keys()
            if "@" not in name and theirs[name] != ours[name]
        }
        if not differing:
            return Compared.SAME if "id" in ours else Compared.DIFFERS
        return Compared.DRIFTED if differing <= _DRIFTS else Compared.DIFFERS

    # -- what is looked at -------------------------------------------------------------------------
    def _messages(self, found: Testimony, held: Held, since: datetime, rng: random.Random) -> None:
        there = _drawn(held.there.get("message", ()), MESSAGES, rng)
        for native in [*there, *_drawn(held.gone.get("message", ()), GONE, rng)]:
            _, user, id_ = native.decode().split("/")
            status, row = self._object(f"users/{user}/messages/{id_}", {"$select": FIELDS})
            if status == 404:
                found.witnesses.append(Witness("message", native, there=False))
            elif status == 200:
                found.witnesses.append(_witness(native, row))
            else:
                found.unseen += 1

    def _newest(self, found: Testimony, held: Held, since: datetime, rng: random.Random) -> None:
        seen = {w.native_id for w in found.witnesses}
        boxes = _mailboxes(held)
        # A mailbox that the vault has nothing of is looked at first: it may have been passed over.
        others = [one for one in self._users() if one not in boxes]
        for user in [*_drawn(others, STRANGERS, rng), *_drawn(boxes, NEWEST_OF, rng)]:
            asked = {"$select": FIELDS, "$top": str(NEWEST), "$orderby": "receivedDateTime desc"}
            status, page = self._object(f"users/{user}/messages", asked)
            for row in page.get("value", ()) if status == 200 else ():
                native = f"messages/{user}/{row['id']}".encode()
                if native not in seen:
                    found.witnesses.append(_witness(native, row))

    def _users(self) -> list[str]:
        status, page = self._object(
            "users", {"$select": "id,userPrincipalName,mail", "$top": "999"}
        )
        rows = page.get("value", ()) if status == 200 else ()
        return [row["id"] for row in rows if not self._left_out & _names(row)]

    def _children(self, found: Testimony, held: Held, since: datetime, rng: random.Random) -> None:
        """What lies in the root of drives, and in one folder of each, but for the files whose bytes were compared."""
        seen = {w.native_id for w in found.witnesses}
        for native in _drawn(held.there.get("drive", ()), DRIVES, rng):
            drive = native.decode().split("/")[1]
            path = f"drives/{drive}/root/children"
            for _ in range(2):
                status, page = self._object(path, {})
                rows = page.get("value", ()) if status == 200 else ()
                for row in rows:
                    if "file" in row and "malware" not in row:
                        touched = (row.get("fileSystemInfo") or row).get("lastModifiedDateTime")
                        made = _ns(row.get("createdDateTime"))
                        at = f"drive_files/{drive}/{row['id']}".encode()
                        if at not in seen:
                            found.witnesses.append(
                                Witness("drive_file", at, True, made, _ns(touched))
                            )
                folders = [
                    row["id"] for row in rows if "folder" in row and row["folder"].get("childCount")
                ]
                if not folders:
                    break
                path = f"drives/{drive}/items/{rng.choice(folders)}/children"

    def _files(self, found: Testimony, held: Held, since: datetime, rng: random.Random) -> None:
        for native in _drawn(held.there.get("drive_file", ()), FILES, rng):
            _, drive, item = native.decode().split("/")
            status, row = self._object(f"drives/{drive}/items/{item}", {})
            if status == 404:
                found.witnesses.append(Witness("drive_file", native, there=False))
                continue
            if status != 200 or int(row.get("size") or 0) > LARGEST:
                found.unseen += 1
                continue
            digest, size = self._bytes(f"drives/{drive}/items/{item}/content")
            if digest is None:
                found.unseen += 1
                continue
            touched = (row.get("fileSystemInfo") or row).get("lastModifiedDateTime")
            made = _ns(row.get("createdDateTime"))
            found.witnesses.append(
                Witness("drive_file", native, True, made, _ns(touched), None, digest, size)
            )

    def _totals(self, found: Testimony, held: Held, since: datetime, rng: random.Random) -> None:
        """Of all mailboxes, or of none: a part would be no total."""
        boxes = _mailboxes(held)
        places = [
            f"users/{u}/{rest}"
            for u in boxes
            for rest in ("messages", "mailFolders/recoverableitemsdeletions/messages")
        ]
        if not places or 3 * len(places) > self._left:
            found.unseen += len(boxes)
            return
        at = to_text(since)[:19] + "Z"
        told = [
            [self._count(place, text) for place in places]
            for text in ("", f"createdDateTime ge {at}", f"lastModifiedDateTime ge {at}")
        ]
        if any(one is None for part in told for one in part):
            found.unseen += len(boxes)
            return
        total, created, touched = (sum(one or 0 for one in part) for part in told)
        found.told.append(Told("message", total, created, touched))

    def _count(self, path: str, text: str) -> int | None:
        asked = {"$count": "true", "$top": "1", "$select": "id"} | (
            {"$filter": text} if text else {}
        )
        status, page = self._object(path, asked)
        count = page.get("@odata.count")
        return count if status == 200 and isinstance(count, int) else 0 if status == 404 else None

    # -- asking ------------------------------------------------------------------------------------
    def _object(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        answer = self._answer(path, query)
        try:
            held = json.loads(answer.content)
        except ValueError:
            held = {}
        return answer.status_code, held if isinstance(held, dict) else {}

    def _bytes(self, path: str) -> tuple[bytes | None, int]:
        answer = self._answer(path, {})
        link = answer.headers.get("Location", "")
        if answer.status_code != 302 or urlsplit(link).scheme != "https":
            return None, 0
        try:
            stored = self._session.get(
                link, timeout=TIMEOUT, verify=self._place.verify, allow_redirects=False
            )
        except (requests.RequestException, OSError):
            return None, 0
        if stored.status_code != 200:
            return None, 0
        return sha256(stored.content).digest(), len(stored.content)

    def _answer(self, path: str, query: dict[str, str]) -> requests.Response:
        """Raises SourceRefused, SourceUnavailable, _NoMore."""
        refused = False
        for attempt in range(TRIES):
            if self._left <= 0:
                raise _NoMore
            self._left -= 1
            self._pace(path).take(Priority.ROUTINE)
            held = self._access.current()
            headers = {
                "Authorization": f"Bearer {held.tokens.access}",
                "Prefer": 'IdType="ImmutableId"',
            }
            try:
                answer = self._session.get(
                    f"{self._place.api}/{path}", params=query, headers=headers, timeout=TIMEOUT,
                    verify=self._place.verify, allow_redirects=False,
                )  # fmt: skip
            except (requests.RequestException, OSError):
                self._clock.sleep(2.0**attempt)
                continue
            if answer.status_code == 401:
                refused = True
                self._access.refused(held)
            elif answer.status_code in _PASSING:
                self._clock.sleep(2.0**attempt)
            else:
                return answer
        to = f"source {self._source_id}"
        if refused:
            raise SourceRefused("Microsoft 365 refuses whoever audits (401)", to=to)
        raise SourceUnavailable("Microsoft 365 does not answer whoever audits", to=to)


def _drawn(held: Sequence[Any], most: int, rng: random.Random) -> list[Any]:
    return list(held) if len(held) <= most else rng.sample(list(held), most)


def _mailboxes(held: Held) -> list[str]:
    """Users of whom the vault has messages."""
    found: Iterator[str] = (
        native.decode().split("/")[1] for native in held.there.get("message", ())
    )
    return sorted(set(found))


def _names(row: dict[str, Any]) -> set[str]:
    return {str(row.get(name) or "").lower() for name in ("id", "userPrincipalName", "mail")}


def _witness(native: bytes, row: dict[str, Any]) -> Witness:
    made, touched = _ns(row.get("createdDateTime")), _ns(row.get("lastModifiedDateTime"))
    return Witness("message", native, True, made, touched, json.dumps(row).encode())


def _ns(value: object) -> int:
    try:
        at = from_text(str(value))
    except ValueError:
        return 0
    return int(at.timestamp()) * 10**9 + at.microsecond * 1000
