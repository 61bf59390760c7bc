"""When an account is not certified: a refusal for each thing that lacks, differs, or is a gap that nobody accepted."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from muniment.assurance.departure import Compared, Restored
from muniment.assurance.departure_certificate import Asked, refusals, statement
from muniment.errors import CertificateRefused
from muniment.evidence.departures import DepartureConfirmed
from muniment.sources.m365.account import Account
from muniment.vault.vault import Vault

ACCOUNT = Account("id", "ann", ("ann@firm.example",), True, "user", ("d",), {"message": 3})
COMPARED = Compared({"message": 3, "drive_file": 1}, 0)
RESTORED = Restored(
    7, "commit", 5, 100, 5, 0, 1, 1, {"message": 3, "drive_file": 1, "user": 1}, "digest", "plan", 0
)


def test_what_is_there_and_came_back_is_certified() -> None:
    assert refusals(ACCOUNT, COMPARED, RESTORED) == []
    accepted = replace(RESTORED, gaps={"locked": 2}, accepted={"locked": 2})
    assert refusals(ACCOUNT, COMPARED, accepted) == []
    # Keys of matters that are none of this account's.
    assert refusals(ACCOUNT, COMPARED, replace(RESTORED, sealed_away=2)) == []


@pytest.mark.parametrize(
    ("compared", "restored", "words"),
    [
        ({"lacking_count": 2}, {}, "the vendor lists 2 items that the snapshot lacks"),
        ({}, {"equal": 4}, "of 5 items 4 came back equal"),
        ({}, {"extra": 1}, "with 1 besides"),
        ({}, {"items": 0, "equal": 0}, "of 0 items"),
        ({}, {"gaps": {"locked": 2}, "accepted": {"locked": 1}}, "1 items: locked"),
        ({}, {"kinds": {"message": 1, "drive_file": 1}}, "2 items of the snapshot did not come back"),
        ({}, {"kinds": {"message": 3}, "sealed_away": 1}, "rows under 1 keys stay closed here"),
        ({"found": {"drive_file": 1}}, {}, "had 3 messages when it was counted, and lists none now"),
    ],
)  # fmt: skip
def test_each_shortfall_is_a_refusal(
    compared: dict[str, object], restored: dict[str, object], words: str
) -> None:
    found = refusals(ACCOUNT, replace(COMPARED, **compared), replace(RESTORED, **restored))
    assert len(found) == 1 and words in found[0]


def test_what_is_refused_is_not_signed_and_says_what_to_do() -> None:
    asked = Asked("departure", "firm", "m365", "user-A", "", "", "")
    confirmed = DepartureConfirmed("departure", "office-manager", "none", "none", "none")
    gap = replace(RESTORED, gaps={"locked": 2})
    # Nothing of the vault is looked at for it.
    nothing = cast(Vault, None)
    with pytest.raises(CertificateRefused, match="2 items: locked") as refused:
        statement(nothing, asked, ACCOUNT, confirmed, COMPARED, gap)
    assert "Do not deactivate it yet" in refused.value.safe
