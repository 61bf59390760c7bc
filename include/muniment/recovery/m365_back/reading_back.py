"""Reading back: everything that was written is asked for again, and compared with what was to be written.

What Microsoft did not keep of a state (read, flagged, when, a draft) is told as lost; other contents than were sent are a
difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from muniment.recovery.m365_back import compare
from muniment.recovery.m365_back.cards import MadeCard
from muniment.recovery.m365_back.events import MadeEvent
from muniment.recovery.m365_back.giving import Giving
from muniment.recovery.m365_back.mail import Made
from muniment.recovery.m365_back.old import key_of
from muniment.recovery.m365_back.papers import MadePaper
from muniment.recovery.written_back.outcome import Outcome, Status
from muniment.sources.m365.rounds import Shown
from muniment.sources.web.transport import Pairs

GONE = "it is not there any more"
_MESSAGE: Pairs = (
    (
        "$select",
        "id,subject,importance,isRead,isDraft,categories,flag,internetMessageId,sentDateTime,receivedDateTime,from,sender,"
        "toRecipients,ccRecipients,bccRecipients,replyTo,body,parentFolderId,isReadReceiptRequested,"
        "isDeliveryReceiptRequested",
    ),
)


class ReadingBack:
    """`verified` counts items that are there and equal to what was to be written."""

    def __init__(self, giving: Giving) -> None:
        self._giving = giving
        self._desk = giving.desk
        self.verified = 0

    def run(self) -> None:
        """Raises SourceError."""
        for made in self._giving.mail.made:
            self._message(made)
        for event in self._giving.events.made:
            self._event(event)
        for card in self._giving.cards.made:
            self._card(card)
        for paper in self._giving.papers.made:
            self._paper(paper)

    def _judged(self, told: Outcome, differs: Iterator[str] | list[str]) -> bool:
        told.differs = sorted(set(differs))
        told.lost = sorted(set(told.lost))
        if told.differs:
            told.status = Status.DIFFERS
        else:
            self.verified += 1
        return not told.differs

    @staticmethod
    def _gone(told: Outcome) -> None:
        told.status, told.why = Status.FAILED, GONE

    # -- mail --------------------------------------------------------------------------------------
    def _message(self, made: Made) -> None:
        told = self._desk.outcomes[made.old.key]
        path = f"users/{made.user}/messages/{made.new}"
        there = self._desk.standing.one(made.user, path, _MESSAGE)
        mime = self._desk.outcomes[key_of(made.mime)] if made.mime is not None else None
        if there is None:
            self._gone(told)
            if mime is not None:
                self._gone(mime)
            return
        told.lost += compare.message_lost(made.old.data, there)
        attached = compare.lacking(made.files, self._giving.attachments.there(made.user, path))
        differs = [*compare.message_differs(made.sent, there), *attached]
        if mime is not None:
            self._judged(mime, attached)
        self._judged(told, differs)

    # -- calendar ----------------------------------------------------------------------------------
    def _event(self, made: MadeEvent) -> None:
        told = self._desk.outcomes[made.old.key]
        there = self._desk.standing.one(made.user, f"users/{made.user}/events/{made.new}")
        if there is None:
            self._gone(told)
            for held in made.files.values():
                for one, _ in held:
                    self._gone(self._desk.outcomes[key_of(one.row)])
            return
        told.lost += compare.event_lost(made.old.data, there)
        differs = list(compare.event_differs(made.sent, there))
        for day, sent in made.days.items():
            shown = self._giving.events.day(made, day)
            if shown is None or any(compare.event_differs(sent, shown)):
                differs.append(f"day {day}")
        differs += [f"day {day}" for day in made.out if self._giving.events.day(made, day)]
        for at, held in made.files.items():
            files = self._giving.attachments.missing(made.user, f"users/{made.user}/events/{at}", [f for _, f in held])  # fmt: skip
            for one, file in held:
                self._judged(self._desk.outcomes[key_of(one.row)], ["bytes"] if file in files else [])  # fmt: skip
        self._judged(told, differs)

    # -- contacts ----------------------------------------------------------------------------------
    def _card(self, made: MadeCard) -> None:
        told = self._desk.outcomes[made.old.key]
        path = f"users/{made.user}/contacts/{made.new}"
        there = self._desk.standing.one(made.user, path)
        photo = self._desk.outcomes[key_of(made.photo)] if made.photo is not None else None
        if there is None:
            for one in filter(None, (told, photo)):
                self._gone(one)
            return
        if photo is not None and made.photo is not None:
            # A photo may be kept in another size: that it is there is all that can be asked.
            self._judged(photo, [] if self._has_photo(made.user, path) else ["bytes"])
        self._judged(told, list(compare.card_differs(made.sent, there)))

    def _has_photo(self, user: str, path: str) -> bool:
        answer = self._desk.client.outlook(user).get(f"{path}/photo/$value")
        return answer.status == 200 and bool(answer.body)

    # -- files -------------------------------------------------------------------------------------
    def _paper(self, made: MadePaper) -> None:
        told, bytes_ = self._desk.outcomes[made.old.key], self._desk.outcomes[key_of(made.row)]
        there = self._desk.standing.item(made.drive, made.new)
        if there is None:
            self._gone(told)
            self._gone(bytes_)
            return
        differs = [] if str(there.get("name")) == made.name else ["name"]
        told.lost += self._times(made, there)
        self._judged(told, differs)
        same, contents = self._giving.papers.is_equal(made, there)
        if contents and not same:
            bytes_.lost.append("bytes")
            bytes_.why = "SharePoint wrote its properties into it; its contents are equal"
        self._judged(bytes_, [] if contents else ["bytes"])

    @staticmethod
    def _times(made: MadePaper, there: Shown) -> list[str]:
        held: dict[str, Any] = there.get("fileSystemInfo") or {}
        wanted = made.times.get("lastModifiedDateTime", "")
        return [] if not wanted or str(held.get("lastModifiedDateTime"))[:19] == wanted[:19] else ["modified"]  # fmt: skip
