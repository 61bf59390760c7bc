"""Coverage: what of a tenant this connector does not have, said in the snapshot itself.

Graph v1.0 has no way to an in-place archive mailbox. Who has one, only the vendor's report on the use of mailboxes says,
which needs a right of its own: with it each such mailbox is a gap of the run, to be mended or accepted; without it
nobody can tell, and that is what stands here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from muniment.model.item import Observed
from muniment.sources.base import Listed, Skipped
from muniment.sources.causes import NOT_REACHED
from muniment.sources.m365 import naming
from muniment.sources.m365.items import row_of
from muniment.sources.m365.people import Person
from muniment.sources.m365.reports import lines_of
from muniment.sources.m365.transport import Transport

ARCHIVE = "archive_mailbox"
REPORT = "reports/getMailboxUsageDetail(period='D30')"
NOT_COVERED = (
    "in-place archive mailboxes",
    "public folders",
    "mailboxes of groups",
    "messages of Teams chats and channels",
    "tasks",
    "the inside of OneNote notebooks",
    "rules, delegates and settings of mailboxes",
    "lists of SharePoint that are no libraries",
)
"""What no run has, whatever the rights."""


def archives(directory: Transport | None, people: Mapping[str, Person]) -> Iterator[Listed]:
    """A gap for each archive mailbox, and what can be told of them. `people` by user principal name, in small
    letters; `directory` is None where the application may read no reports."""
    held = _owners(directory) if directory is not None else None
    known = "told by the vendor's report"
    if held is None:
        known = "nobody can tell: the application lacks Reports.Read.All, or there is no report"
        held = []
    named = [people[one] for one in held if one in people]
    for person in named:
        yield Skipped(ARCHIVE, f"archive_mailboxes/{person.id}".encode(), NOT_REACHED)
    if len(named) < len(held):
        # The tenant conceals names in its reports.
        yield Skipped(ARCHIVE, b"archive_mailboxes/unnamed", NOT_REACHED)
    yield statement({"archives": known, "archive_mailboxes": len(held)})


def statement(told: Mapping[str, object]) -> Observed:
    row = {"id": "tenant", "not_covered": list(NOT_COVERED), **told}
    return row_of(naming.COVERAGE, ("tenant",), row, place={})


def _owners(directory: Transport) -> list[str] | None:
    """Who has an archive mailbox; None where nobody can tell."""
    lines = lines_of(directory, REPORT)
    if not lines or "Has Archive" not in lines[0]:
        return None
    return [
        str(line.get("User Principal Name") or "").lower()
        for line in lines
        if str(line.get("Has Archive")).strip().lower() in ("true", "yes")
    ]
