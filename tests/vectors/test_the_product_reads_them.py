"""Every test vector of the format, read by the product: what is valid is found, the rest refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from muniment.clock import FixedClock, from_text
from muniment.errors import MunimentError
from muniment.model.item import Problem, Row
from muniment.model.matter import MatterName
from muniment.model.text import bytes_of, text_of
from muniment.sources.tree.folders import components
from muniment.vault.age import Identity, parse_identities
from muniment.vault.checkpoints import load_checkpoints
from muniment.vault.history import History, load_history
from muniment.vault.keyring import Keyring
from muniment.vault.pack_check import check_pack
from muniment.vault.pack_reader import PartReader
from muniment.vault.retention_log import load_retention
from muniment.vault.rows import Gone
from muniment.vault.snapshots import read_rows
from muniment.vault.store.local import LocalStore
from muniment.vault.trust import Pin, Trust, load_trust
from muniment.vault.vault import Vault

HERE = Path(__file__).parent
FOLDERS = sorted(path.parent for path in HERE.glob("*/*/vector.json"))
Vector = dict[str, Any]


class Refused(Exception):
    """The product does not take the object for what its name says."""


def store_of(folder: Path) -> LocalStore:
    return LocalStore(folder / "store")


def pin_of(vector: Vector) -> Pin:
    return Pin(vector["vault_id"], bytes.fromhex(vector["root_key"]))


def trust_of(folder: Path, vector: Vector) -> Trust:
    return load_trust(store_of(folder), pin_of(vector))


def identity(vector: Vector, key_id: str = "recovery-00000001") -> Identity:
    return parse_identities(vector["keys"][key_id])[0]


def payload(folder: Path, vector: Vector) -> dict[str, Any]:
    from muniment.vault.signing import Envelope

    data = (folder / "store" / vector["object"]).read_bytes()
    return Envelope.parse(data, vector["kind"]).payload()


def among(folder: Path, vector: Vector, found: list[Any]) -> dict[str, Any]:
    """`found` are resolved objects or records with `name` and `digest`."""
    for each in found:
        if each.name == vector["object"]:
            return {"digest": each.digest, **payload(folder, vector)}
    raise Refused(vector["object"])


# -- one reader a kind ---------------------------------------------------------------------------


def percent(folder: Path, vector: Vector) -> dict[str, Any]:
    raw = bytes_of(vector["text"])
    return {"bytes": raw.hex(), "canonical": text_of(raw) == vector["text"]}


def vault(folder: Path, vector: Vector) -> dict[str, Any]:
    return among(folder, vector, list(trust_of(folder, vector).documents))


def commit(folder: Path, vector: Vector) -> dict[str, Any]:
    history = load_history(store_of(folder), trust_of(folder, vector), vector["source"])
    return among(folder, vector, list(history.trusted))


def base(folder: Path, vector: Vector) -> dict[str, Any]:
    history = load_history(store_of(folder), trust_of(folder, vector), vector["source"])
    return among(folder, vector, list(history.bases))


def checkpoint(folder: Path, vector: Vector) -> dict[str, Any]:
    found, _ = load_checkpoints(store_of(folder), trust_of(folder, vector))
    return among(folder, vector, found)


def retention(folder: Path, vector: Vector) -> dict[str, Any]:
    log = load_retention(store_of(folder), trust_of(folder, vector))
    return among(folder, vector, list(log.entries))


def key(folder: Path, vector: Vector) -> dict[str, Any]:
    key_id = vector["object"].split("/")[1]
    ring = Keyring([store_of(folder)], [identity(vector, "holder")])
    if key_id.startswith("id-"):
        return {"id_key": ring.id_key(key_id).hex()}
    return {"identity": str(ring.identity(key_id))}


def pack(folder: Path, vector: Vector) -> dict[str, Any]:
    data = (folder / "store" / vector["object"]).read_bytes()
    contents = check_pack(data, vector["object"].rpartition("/")[2], identity(vector))
    return {"members": [[digest.hex(), size] for digest, size in contents.members.items()]}


def _rows(folder: Path, vector: Vector) -> list[Any]:
    digest = vector["object"].rpartition("/")[2]
    keys = [identity(vector)]
    return list(read_rows(store_of(folder), keys, vector["vault_id"], vector["source"], digest))


def rows(folder: Path, vector: Vector) -> dict[str, Any]:
    found = _rows(folder, vector)
    items = [row for row in found if isinstance(row, Row)]
    return {
        "items": [row.item_id.hex() for row in items],
        "gone": [row.item_id.hex() for row in found if isinstance(row, Gone)],
        "problems": [row.item_id.hex() for row in found if isinstance(row, Problem)],
        "matters": [row.matter_id for row in found if isinstance(row, MatterName)],
        "paths": {r.item_id.hex(): r.native_id.hex() for r in items if not _unsafe(r)},
        "refused": [row.item_id.hex() for row in items if _unsafe(row)],
    }


def _unsafe(row: Row) -> bool:
    """Would the target refuse its path?"""
    try:
        components(row.native_id)
    except ValueError:
        return True
    return False


def item(folder: Path, vector: Vector) -> dict[str, Any]:
    (row,) = [row for row in _rows(folder, vector) if isinstance(row, Row)]
    store = store_of(folder)
    from muniment.vault.documents import PackObject

    packs = {
        v.name.rpartition("/")[2]: PackObject(
            pack=v.name.rpartition("/")[2], key_id="recovery-00000001", size=v.size
        )
        for v in store.list("packs/")
    }
    vault_ = Vault(store, pin_of(vector))
    ring = Keyring([_Given(identity(vector))], [], {})  # type: ignore[list-item]
    ring.identity = lambda key_id: identity(vector, key_id)  # type: ignore[method-assign]
    reader = PartReader(vault_.store, ring, packs)
    content = b"".join(reader.content(row.parts))
    if len(content) != row.size or (row.digest and sha256(content).digest() != row.digest):
        raise Refused("the whole differs from its digest")
    return {"size": len(content), "sha256": sha256(content).hexdigest()}


class _Given:
    """A store of keys that is never asked."""

    def __init__(self, identity_: Identity) -> None:
        self.identity = identity_


def history(folder: Path, vector: Vector) -> dict[str, Any]:
    vault_ = Vault(
        store_of(folder),
        pin_of(vector),
        identities=[parse_identities(text)[0] for text in vector["keys"].values()],
        clock=FixedClock(datetime(2030, 1, 1, tzinfo=UTC)),
    )
    source = vector["source"]
    found = vault_.history(source)
    live = {r.seq for r in found.live}
    answer: dict[str, Any] = {
        "vault_document": vault_.trust.newest.number,
        "trusted": [r.seq for r in found.trusted],
        "forgotten": [r.seq for r in found.trusted if r.seq not in live],
        "as_of": {},
        "paths": {},
    }
    for moment in vector["find"].get("as_of", {}):
        answer["as_of"][moment] = _newest_usable(vault_, found, from_text(moment))
    for seq in vector["find"].get("paths", {}):
        snapshot = vault_.snapshot(found, found.at(int(seq)))
        answer["paths"][seq] = sorted(row.native_id.hex() for row in snapshot.items.values())
    return answer


def _newest_usable(vault_: Vault, found: History, at: datetime) -> int | None:
    for record in reversed(found.live):
        if record.commit.ended_at <= at:
            with suppress(MunimentError):
                vault_.usable_chain(found, record)
                return record.seq
    return None


READERS: dict[str, Callable[[Path, Vector], dict[str, Any]]] = {
    "percent": percent, "vault": vault, "commit": commit, "base": base, "checkpoint": checkpoint,
    "retention": retention, "key": key, "pack": pack, "rows": rows, "item": item,
    "history": history,
}  # fmt: skip


def test_there_are_at_least_sixty_of_both_sorts() -> None:
    valid = [json.loads((f / "vector.json").read_text())["valid"] for f in FOLDERS]
    assert len(FOLDERS) >= 60
    assert min(valid.count(True), valid.count(False)) >= 20
    assert {f.parent.name for f in FOLDERS} == set(READERS)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f"{f.parent.name}/{f.name}")
def test_a_vector(folder: Path) -> None:
    vector = json.loads((folder / "vector.json").read_text(encoding="utf-8"))
    read = READERS[vector["kind"]]
    if not vector["valid"]:
        with pytest.raises((MunimentError, Refused, ValueError)):
            read(folder, vector)
        return
    found = read(folder, vector)
    for name, value in vector["find"].items():
        if name == "header":
            continue
        if isinstance(value, dict) and name == "paths" and vector["kind"] == "history":
            value = {seq: sorted(paths) for seq, paths in value.items()}
        assert found.get(name) == value, name
