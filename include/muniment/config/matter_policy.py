"""Matter policy: which matters firm.yaml names as sealed, and from whom a matter is walled off.

Invariants: a matter is named by its opaque id or its number, never by a title; an entry that changes nothing is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated

from muniment.config.matters import normal_number
from muniment.config.schema import Field, field_validator, model_validator
from muniment.config.values import Id, Listed, Model, OneOrMany, SourceId, Text
from muniment.ids import matter_id

OPAQUE = re.compile(r"M-[A-Z2-7]{8}\Z")


class MatterPolicy(Model):
    """What holds for one matter beside what its naming source says."""

    matter: Text = Field(
        min_length=1,
        max_length=100,
        description="The opaque id, as `muniment matters` shows it, or the number.",
        examples=["M-7F3K2QXA"],
    )
    sealed: bool = Field(
        False,
        description="Under seal or a protective order: a restore needs an approval, where the firm asks for any.",
    )
    custodian: Id | None = Field(
        None,
        description="Who of `people` keeps the seal: nothing of the matter is given back without this person's word, besides "
        "that of an approver (docs/RESTORE_APPROVAL.md).",
    )
    walled_from: Annotated[tuple[Id, ...], OneOrMany] = Field(
        (), description="Who of `people` may not receive anything of it."
    )

    @field_validator("walled_from", mode="before")
    @classmethod
    def _empty(cls, value: object) -> object:
        return () if value is None else value

    @model_validator(mode="after")
    def _says_something(self) -> MatterPolicy:
        if not self.sealed and not self.walled_from:
            raise ValueError("changes nothing; write sealed: true, or whom it is walled_from")
        if self.custodian and not self.sealed:
            raise ValueError("has a custodian and is not sealed; write sealed: true")
        return self


MatterPolicies = Annotated[tuple[MatterPolicy, ...], Listed]
ExpectedIn = Annotated[tuple[SourceId, ...], OneOrMany]


def policies_by_id(
    policies: Iterable[MatterPolicy], key: bytes
) -> Mapping[str, tuple[MatterPolicy, ...]]:
    """By the opaque id of the matter; `key` is the firm's key behind opaque ids."""
    found: dict[str, tuple[MatterPolicy, ...]] = {}
    for policy in policies:
        asked = policy.matter.strip()
        opaque = asked if OPAQUE.match(asked) else matter_id(key, normal_number(asked))
        found[opaque] = (*found.get(opaque, ()), policy)
    return found
