"""Wiring of other products' backups: from an inventory row and `sources.<id>.vendor_backup` of firm.yaml to a source."""

from __future__ import annotations

from pathlib import Path

from muniment.clock import Waiting
from muniment.config.inventory import InventoryRow
from muniment.config.load import FirmConfig
from muniment.config.trees import tree_options
from muniment.config.vendor_backup import PRODUCTS, VendorBackupOptions
from muniment.errors import ConfigError
from muniment.sources.tree.tree import Tree
from muniment.sources.vendor_backups.products import Rules, own, preset
from muniment.sources.vendor_backups.source import VendorBackupSource
from muniment.sources.vendor_backups.survey import Demands


def vendor_backup_source(
    config: FirmConfig, row: InventoryRow, clock: Waiting
) -> VendorBackupSource:
    """Raises ConfigError where nobody said what a set of this product is."""
    options = config.options(row.source_id)
    given = options.vendor_backup or VendorBackupOptions()
    rules = rules_of(config, row, given)
    assert row.rpo is not None
    demands = Demands(
        given.fresh or row.rpo,
        rules.shrink if given.shrink is None else given.shrink,
        given.smallest,
        given.jobs,
    )
    tree = Tree(row.source_id, Path(row.location), **tree_options(options))
    return VendorBackupSource(tree, rules, demands, clock, given.settle)


def rules_of(config: FirmConfig, row: InventoryRow, given: VendorBackupOptions) -> Rules:
    method = row.backup_method.value
    if given.parts:
        return own(method, given.parts, given.temporary)
    product = given.preset or next((each for each in PRODUCTS if each == method), None)
    if product is not None:
        return preset(product, given.temporary)
    raise ConfigError(
        f"no preset knows what a backup set is that {method} makes",
        to=f"firm {config.firm_id}, firm.yaml, key sources.{row.source_id}.vendor_backup",
        todo="Name a `preset`, or the `parts` of a set; docs/VENDOR_BACKUPS.md has examples.",
    )
