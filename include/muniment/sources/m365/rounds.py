"""Rounds: lists and delta queries, page by page, and what may happen on the way.

Links are opaque and lead on until there is none, also over empty pages; they are followed on the configured host
alone. What a caller can do something about is an exception of its own here; everything else ends the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from muniment.errors import SourceUnavailable
from muniment.sources.m365.transport import Transport
from muniment.sources.web.wire import Answer

Shown = dict[str, Any]

NEXT, LAST = "@odata.nextLink", "@odata.deltaLink"
_ENDED = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired", "resyncchangesapplydifferences", "resyncchangesuploaddifferences"})  # fmt: skip
_NO_MAILBOX = frozenset({"mailboxnotenabledforrestapi", "mailboxnotsupportedforrestapi", "errorinvaliduser"})  # fmt: skip
_NO_DRIVE = frozenset({"resourcenotfound", "itemnotfound"})


class Ended(Exception):
    """The vendor forgot where a round was: everything has to be asked for again."""


class NotThere(Exception):
    """What was asked for is not there, or no longer."""


class Full(Exception):
    """A mailbox so full that the vendor keeps no state of a round."""


class NoMailbox(Exception):
    """This user has no mailbox that Graph reaches."""


class Closed(Exception):
    """The application may not see this one: scoped out."""


class Locked(Exception):
    """A site that is archived or locked."""


OUT_OF_PLACE = (Ended, NotThere, Full, NoMailbox, Locked)
"""What is sensible of a mailbox or drive, and not of the list of all users or sites."""


def refused(transport: Transport, answer: Answer, url: str) -> Exception:
    """What an answer that is no 200 means."""
    code = transport.word(answer).lower()
    if answer.status == 410 or code in _ENDED:
        return Ended()
    if code in _NO_MAILBOX:
        return NoMailbox()
    if answer.status == 507 or code == "errorquotaexceeded":
        return Full()
    if answer.status == 404:
        return NotThere()
    if answer.status == 403:
        return Closed()
    if answer.status == 423:
        return Locked()
    return (
        transport.unexpected(answer, "a list")
        if answer.status < 500
        else transport.error(answer, url)
    )


def asked(transport: Transport, path: str, query: Iterable[tuple[str, str]] = ()) -> Shown:
    """One object. Raises what `refused` gives, SourceUnavailable."""
    answer, held = transport.json(path, query)
    if answer.status != 200:
        raise refused(transport, answer, path)
    if not isinstance(held, dict):
        raise transport.unexpected(answer, "an object")
    return held


def rows(transport: Transport, path: str, query: Iterable[tuple[str, str]] = ()) -> Iterator[Shown]:
    """The rows of a list, in the order in which they come; a row may come twice. Raises as `asked`."""
    held = asked(transport, path, query)
    while True:
        yield from page_of(transport, held)
        link = held.get(NEXT)
        if not link:
            return
        held = asked(transport, str(link))


def page_of(transport: Transport, held: Shown) -> list[Shown]:
    value = held.get("value")
    if not isinstance(value, list):
        raise transport.unavailable("a page has no rows")
    return value


class Round:
    """One pass of a delta query. `link` is where the next one begins, once the pass is over."""

    def __init__(
        self, transport: Transport, path: str, query: Iterable[tuple[str, str]] = ()
    ) -> None:
        self._transport = transport
        self._path = path
        self._query = tuple(query)
        self.link = ""

    def pages(self) -> Iterator[list[Shown]]:
        """Raises as `asked`."""
        held = asked(self._transport, self._path, self._query)
        while True:
            yield page_of(self._transport, held)
            following = held.get(NEXT)
            if not following:
                break
            held = asked(self._transport, str(following))
        link = str(held.get(LAST) or "")
        if not link:
            # Without it nobody knows whether this was all.
            raise self._transport.unavailable("a list ends without saying that it does")
        self.link = self._transport.url(link)


BEGINNINGS = 3
"""How often a round is begun anew that the vendor forgets."""
MANY = 20_000
"""Changes of one mailbox or drive that are held at once, some 6 kB each. Where a delta tells more, all is listed instead and
compared: of that, nothing is held, and what went away is not asked for one by one."""


def at_once(transport: Transport, path: str) -> dict[str, Shown]:
    """All rows of a short round (folders), by id. Raises as `asked`."""
    for _ in range(BEGINNINGS):
        found: dict[str, Shown] = {}
        try:
            for page in Round(transport, path).pages():
                for row in page:
                    if is_removed(row):
                        found.pop(str(row.get("id")), None)
                    else:
                        found[str(row.get("id"))] = row
            return found
        except Ended:
            continue
    raise forgotten(transport)


def forgotten(transport: Transport) -> SourceUnavailable:
    return transport.unavailable("it forgets again and again how far a list was read")


def is_removed(row: Shown) -> bool:
    return "@removed" in row or "deleted" in row
