"""A member that two groups hold, while the one that claimed it still has its pack open."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from muniment.backup import encrypt, groups
from muniment.backup.members import Index
from muniment.backup.turns import Turns
from tests.support.practice import Practice

PATIENCE = 20.0


class _Far(Turns):
    """Of a source so far away that its threads take no turns: any order of theirs can come."""

    def __init__(self) -> None:
        super().__init__()
        self.near = False


def test_an_item_whose_member_lies_in_a_pack_that_another_group_has_open_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm = Practice(tmp_path)
    content = {b"a": b"the same in both", b"b": b"the same in both", b"c": b"something else"}
    for name, data in content.items():
        (firm.share / name.decode()).write_bytes(data)
    # Every item is a group of its own, and a's is asked for its member after b's has claimed it.
    monkeypatch.setattr(groups, "GROUP_BYTES", 1)
    monkeypatch.setattr(encrypt, "Turns", _Far)
    claimed, waiting = threading.Event(), threading.Event()
    here = threading.local()
    take, claim, close = encrypt._Encryptor.take, Index.claim, encrypt._Packs.close
    located = Index.located
    found: list[bool] = []

    def taking(self: Any, group: Any) -> Any:
        here.name = group[-1].native_id  # the root is in a's group too
        return take(self, group)

    def claiming(self: Any, key_id: str, digest: bytes) -> bool:
        if here.name == b"a":
            assert claimed.wait(PATIENCE)
        answer = claim(self, key_id, digest)
        if here.name == b"b":
            assert answer
            claimed.set()
        return answer

    def closing(self: Any) -> None:
        if here.name == b"b" and not waiting.is_set():
            assert waiting.wait(PATIENCE), "a was not found waiting for b's pack"
        close(self)

    def is_located(self: Any, key_id: str, members: Sequence[bytes]) -> bool:
        answer = located(self, key_id, members)
        if members and not waiting.is_set():  # a's, whose group is the first
            found.append(answer)
            waiting.set()
        return answer

    monkeypatch.setattr(encrypt._Encryptor, "take", taking)
    monkeypatch.setattr(Index, "claim", claiming)
    monkeypatch.setattr(encrypt._Packs, "close", closing)
    monkeypatch.setattr(Index, "located", is_located)

    outcome = firm.back_up()

    assert outcome.success
    assert found == [False]
    firm.restore(tmp_path / "back")
    back = tmp_path / "back" / "files"
    assert {p.name.encode(): p.read_bytes() for p in back.iterdir()} == content
