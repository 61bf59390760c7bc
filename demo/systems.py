"""All systems of the firm besides its file share."""

from __future__ import annotations

from dataclasses import dataclass

from .clio_account import Account
from .office import Repository, Tenant
from .own_systems import Ledger, OldMail


@dataclass(frozen=True, slots=True)
class Vendors:
    """All that others keep for the firm, and what it runs itself besides its share."""

    account: Account
    tenant: Tenant
    netdocs: Repository
    ledger: Ledger
    old_mail: OldMail
