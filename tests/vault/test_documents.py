"""Payloads of signed objects: strict in what they hold, deaf to what they do not know, never repeating it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from muniment.errors import FormatError
from muniment.vault.documents import Checkpoint, EvidenceEntry, Head, Reference, RetentionEntry

DIGEST = "ab" * 32
NOON = datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC)


def checkpoint() -> dict[str, Any]:
    return Checkpoint(
        vault_id="cd" * 16,
        at=NOON,
        parent=None,
        vault_document=Reference(number=1, digest=DIGEST),
        heads={"files": Head(seq=2, digest=DIGEST)},
        objects={"0": DIGEST},
    ).to_payload()


def test_what_is_written_is_read_again_and_unknown_keys_are_passed_over() -> None:
    payload = checkpoint()
    assert payload["at"] == "2026-03-02T12:00:00.250000Z"
    read = Checkpoint.from_payload(payload | {"more": {"deep": [1]}})
    assert read.at == NOON
    assert read.to_payload() == payload


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [
        ("vault_id", "cd" * 16 + "\n", "vault_id"),
        ("vault_id", "CD" * 16, "vault_id"),
        ("parent", 7, "parent"),
        ("at", "2026-03-02T12:00:00", "at"),
        ("at", 1_767_600_000, "at"),
        ("vault_document", {"number": "1", "digest": DIGEST}, "vault_document.number"),
        ("vault_document", {"number": True, "digest": DIGEST}, "vault_document.number"),
        ("vault_document", {"number": 1.0, "digest": DIGEST}, "vault_document.number"),
        ("vault_document", {"number": 1 << 63, "digest": DIGEST}, "vault_document.number"),
        ("vault_document", {"number": 1}, "vault_document.digest"),
        ("vault_document", None, "vault_document"),
        ("heads", {"SECRET": {"seq": 0, "digest": DIGEST}}, "heads[...].seq"),
        ("heads", [], "heads"),
        ("bases", {"files": "x"}, "bases[...]"),
        ("objects", {"0": None}, "objects[...]"),
    ],
)
def test_a_value_of_another_kind_is_refused_by_its_place(
    key: str, value: object, place: str
) -> None:
    with pytest.raises(FormatError) as refused:
        Checkpoint.from_payload(checkpoint() | {key: value})
    assert f"'{place}'" in refused.value.what
    assert "SECRET" not in refused.value.what


def test_what_no_reader_would_take_is_not_written() -> None:
    entry = EvidenceEntry(
        vault_id="cd" * 16, stream="operations", seq=0, parent=None, at=NOON, event="drill.ended"
    )
    with pytest.raises(FormatError):
        entry.to_payload()


def test_times_are_written_in_utc_and_facts_keep_their_kinds() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=-5)))
    facts = {"a": True, "b": 1, "c": 0.5, "d": None, "e": "x"}
    entry = EvidenceEntry(
        vault_id="cd" * 16,
        stream="operations",
        seq=1,
        parent=None,
        at=there,
        event="drill.ended",
        facts=facts,
    )
    payload = entry.to_payload()
    assert payload["at"] == "2026-03-02T12:00:00.250000Z"
    read = EvidenceEntry.from_payload(payload)
    assert [type(value) for value in read.facts.values()] == [type(v) for v in facts.values()]


def test_a_word_that_is_not_known_is_refused() -> None:
    with pytest.raises(FormatError) as refused:
        RetentionEntry.from_plain(
            {"vault_id": "cd" * 16, "number": 1, "parent": None, "at": NOON, "action": "destroy"}
        )
    assert "destroy" not in refused.value.what
