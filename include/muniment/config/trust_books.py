"""Trust books: what a firm sets for the rules that its trust lawyer is told about (docs/VERIFICATION.md).

None of it changes what is backed up or what makes a verification red.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from muniment.config.schema import AfterValidator, Field
from muniment.config.values import Model, OneOrMany, Text

_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{2})?")


def _amount(value: str) -> str:
    if not _AMOUNT.fullmatch(value):
        raise ValueError('is no amount; write it in quotes, such as "250.00"')
    return value


class TrustBooks(Model):
    """Rules for findings about trust books."""

    back_dated_days: int = Field(
        0,
        ge=0,
        le=366,
        description="How many days an entry may be dated before one that was entered earlier.",
    )
    reconciled_days: int = Field(
        30,
        ge=1,
        le=366,
        description="Within how many days after its period a reconciliation has to be made.",
    )
    stale_check_days: int = Field(
        180, ge=1, le=3660, description="After how many days an outstanding check is told."
    )
    firm_money: Annotated[Text, AfterValidator(_amount)] | None = Field(
        None,
        description="How much of the firm's own money may be in a trust account, for bank fees; what is"
        " allowed is the jurisdiction's. Without it, nobody judges that.",
        examples=["250.00"],
    )
    firm_owners: Annotated[tuple[Text, ...], OneOrMany] = Field(
        (),
        description="Under which clients or matters the books keep that money, where they have no ledger for"
        " it: ids of the accounting system, or numbers of matters.",
        examples=[["1234567"]],
    )
    mail: bool = Field(
        False,
        description="Mail the trust lawyer that a sealed report is there, over `alerts.smtp`. The mail says"
        " nothing else, and is the same whatever the report says.",
    )

    @property
    def limit(self) -> Decimal | None:
        return None if self.firm_money is None else Decimal(self.firm_money)
