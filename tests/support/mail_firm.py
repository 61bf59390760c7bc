"""A firm whose source is a folder with e-mail archives."""

from __future__ import annotations

import mailbox
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

from muniment.config.mail_archive import ArchivedMatter
from muniment.config.mail_rules import MailRules
from muniment.model.item import NO_MATTER, Named, Row
from muniment.sources.mail_archives.items import Clues
from muniment.sources.mail_archives.source import MailArchiveSource, Wishes
from muniment.sources.tree.tree import Tree
from muniment.vault.snapshots import load_snapshot
from tests.support.practice import Practice
from tests.support.vendor_firm import MONDAY, WatchedClock

RULES = (
    {"address": "*@client.example", "matter": "2024-0113"},
    {"subject": "*[{number}]*"},
    {"folder": "**/Matters/{number} {title}/**"},
)


def wishes(rules: Sequence[dict[str, str]] = RULES, **more: object) -> Wishes:
    """What firm.yaml would say with these rules."""
    mail = MailRules([ArchivedMatter.model_validate(each) for each in rules])

    def assign(clues: Clues) -> Named:
        found = mail.match(folder=clues.folder, subject=clues.subject, addresses=clues.addresses)
        return Named(found.number.encode(), found.title) if found is not None else NO_MATTER

    return replace(Wishes(assign, mail.mark, settle=timedelta(minutes=1)), **more)  # type: ignore[arg-type]


def letter(subject: str, to: str = "someone@else.example", text: str = "Dear Sir") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ann@firm.example", to, subject
    message["Date"] = "Mon, 02 Mar 2026 09:00:00 +0000"
    message["Message-ID"] = f"<{abs(hash(subject))}@firm.example>"
    message.set_content(text)
    return message


class MailFirm(Practice):
    """`wishes` may be changed between runs."""

    def __init__(self, folder: Path) -> None:
        self.watched = WatchedClock(MONDAY)
        super().__init__(folder, clock=self.watched)
        self.wishes = wishes()

    def source(self, source_id: str = "files") -> MailArchiveSource:  # type: ignore[override]
        return MailArchiveSource(Tree(source_id, self.share), self.watched, self.wishes)

    def box(self, path: str, *letters: EmailMessage) -> Path:
        """An mbox with these messages, in place of what was there."""
        file = self.share / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        box = mailbox.mbox(file)
        for each in letters:
            box.add(each)
        box.close()
        return file

    def rows(self) -> dict[str, list[Row]]:
        """The rows of the newest snapshot, by kind."""
        found: dict[str, list[Row]] = {}
        for row in self._snapshot().items.values():
            found.setdefault(row.kind, []).append(row)
        return found

    def subjects(self, kind: str = "archived_message") -> int:
        return len(self.rows().get(kind, []))

    def problems(self) -> dict[tuple[str, str], str]:
        """(kind, path) -> cause."""
        return {
            (p.kind, os.fsdecode(p.native_id)): p.cause for p in self._snapshot().problems.values()
        }

    def _snapshot(self):  # type: ignore[no-untyped-def]
        vault = self.vault()
        history = vault.history("files")
        chain = history.chain(history.live[-1], vault.present("files"))
        return load_snapshot(vault.store, vault.keyring, vault.vault_id, history, chain)
