"""Wiring of e-mail archives: from an inventory row and `sources.<id>.mail_archive` of firm.yaml to a source."""

from __future__ import annotations

import hashlib
from pathlib import Path

from muniment.clock import Waiting
from muniment.config.inventory import InventoryRow
from muniment.config.load import FirmConfig
from muniment.config.mail_archive import MailArchiveOptions
from muniment.config.mail_rules import MailRules
from muniment.config.trees import tree_options
from muniment.model.item import NO_MATTER, Named
from muniment.sources.mail_archives.items import Clues
from muniment.sources.mail_archives.source import MailArchiveSource, Wishes
from muniment.sources.tree.tree import Tree


def mail_archive_source(config: FirmConfig, row: InventoryRow, clock: Waiting) -> MailArchiveSource:
    options = config.options(row.source_id)
    tree = Tree(row.source_id, Path(row.location), **tree_options(options))
    return MailArchiveSource(tree, clock, wishes_of(config, row.source_id))


def wishes_of(config: FirmConfig, source_id: str) -> Wishes:
    """What names a matter: clues of the message first, then where its archive lies."""
    given = config.options(source_id).mail_archive or MailArchiveOptions()
    mail, paths = MailRules(given.matters), config.matter_rules(source_id)
    own = [(rule.pattern, rule.number) for rule in config.firm.matter_rules if rule.source == source_id]  # fmt: skip
    mark = hashlib.sha256(repr([mail.mark, own]).encode()).hexdigest()[:16]

    def assign(clues: Clues) -> Named:
        found = mail.match(folder=clues.folder, subject=clues.subject, addresses=clues.addresses)
        found = found or paths.match(clues.path)
        return Named(found.number.encode(), found.title) if found is not None else NO_MATTER

    return Wishes(assign, mark, given.copies == "all", given.index, given.settle)
