"""recover.py on every vector of tests/vectors: it finds what `find` says, and refuses what is not valid."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.independent.writer import percent_text
from tests.recovery_by_hand.programs import recover, recover_module
from tests.support.needs import needs_program
from tests.vectors.bench import HERE
from tests.vectors.generate import MAKERS, generate

module = recover_module()
VECTORS = sorted(HERE.glob("*/*/vector.json"))

# recover.py lets the program zstd decompress, so it does not see single frames; it is bound by the pack's limit.
NOT_SEEN = {"skippable-frame", "frame-above-the-limit"}


def of_kind(*kinds: str) -> Any:
    those = [path for path in VECTORS if path.parts[-3] in kinds]
    assert those, kinds
    return pytest.mark.parametrize("path", those, ids=["-".join(p.parts[-3:-1]) for p in those])


def read(path: Path) -> tuple[dict[str, Any], str]:
    return json.loads(path.read_text(encoding="utf-8")), str(path.parent / "store")


def keys_of(vector: dict[str, Any], folder: Path) -> Any:
    needs_program("age")
    needs_program("zstd")
    identity = folder / "identity"
    identity.write_text("\n".join(vector["keys"].values()) + "\n")
    return module.Keys(str(identity))


def test_the_committed_vectors_are_those_of_the_generator() -> None:
    assert {path.parts[-3:-1] for path in VECTORS} == set(MAKERS)


def test_the_generator_still_makes_the_same_judgements(tmp_path: Path) -> None:
    """Sealed objects differ each time and so do their names; everything else is the same."""
    generate(tmp_path)
    for path in VECTORS:
        again = tmp_path / path.relative_to(HERE)
        strip = re.compile(r"(packs/../)?[0-9a-f]{64}")
        assert strip.sub("", path.read_text()) == strip.sub("", again.read_text())


def test_every_kind_has_valid_and_invalid_vectors() -> None:
    kinds: dict[str, set[bool]] = {}
    for path in VECTORS:
        kinds.setdefault(path.parts[-3], set()).add(read(path)[0]["valid"])
    assert {kind for kind, found in kinds.items() if found != {True, False}} == {"history"}


@of_kind("percent")
def test_percent_text(path: Path) -> None:
    vector, _ = read(path)
    if vector["valid"]:
        raw = bytes.fromhex(vector["find"]["bytes"])
        assert module.unpercent(vector["text"]) == raw
        assert (percent_text(raw) == vector["text"]) == vector["find"]["canonical"]
    else:
        with pytest.raises(module.Refused):
            module.unpercent(vector["text"])


def accepted(vector: dict[str, Any], store: str) -> bool:
    """Whether recover.py counts the signed object that is judged."""
    warnings: list[str] = []
    try:
        trust = module.establish_trust(store, vector["root_key"], vector["vault_id"], warnings)
    except module.CannotBegin:
        return False
    recorded = module.read_checkpoints(store, trust, warnings)
    bases = module.read_bases(store, vector["source"], trust, recorded, warnings)
    digest = hashlib.sha256(Path(store, vector["object"]).read_bytes()).hexdigest()
    match vector["kind"]:
        case "vault":
            return True
        case "checkpoint":
            return digest[:32] in recorded.marks
        case "base":
            return any(base.name == vector["object"] for base in bases)
        case "retention":
            return bool(module.forgotten(store, trust, recorded, warnings))
    commits = module.read_commits(store, vector["source"], trust, bases, warnings)
    return any(commit.digest == digest for commit in commits)


@of_kind("commit", "base", "vault", "checkpoint", "retention")
def test_signed_objects(path: Path) -> None:
    vector, store = read(path)
    assert accepted(vector, store) == vector["valid"]
    if vector["valid"]:
        found = module.read_signed(store, vector["object"], vector["kind"], vector["vault_id"], {})
        assert {"digest": found.digest} | {k: v for k, v in found.payload.items() if k in vector["find"]} == vector["find"]  # fmt: skip


@of_kind("key")
def test_keys(path: Path, tmp_path: Path) -> None:
    vector, store = read(path)
    keys = keys_of(vector, tmp_path)
    mine = keys.identities
    keys.open_vault_keys([store])
    if vector["valid"] and "identity" in vector["find"]:
        assert vector["find"]["identity"].encode() in keys.identities and keys.opened
    else:
        assert keys.identities == mine and not keys.opened


def load(vector: dict[str, Any], store: str, folder: Path) -> tuple[Any, Any]:
    rows, report = module.Rows(str(folder)), module.Report()
    one = {"snapshot": vector["object"][-64:], "key_id": "recovery-00000001"}
    snapshot = module.Snapshot(None, [{"snapshots": [one]}], [], {})
    keys = keys_of(vector, folder)
    rows.load(store, vector["source"], vector["vault_id"], snapshot, keys, report)
    return rows, report


@of_kind("rows")
def test_rows(path: Path, tmp_path: Path) -> None:
    vector, store = read(path)
    rows, report = load(vector, store, tmp_path)
    items = {row["id"]: row for row in rows.selected(None, None)}
    if not vector["valid"]:
        assert report.failures and not items
        return
    find = vector["find"]
    assert not report.failures
    assert sorted(items) == sorted(find["items"])
    assert [row["id"] for row in rows.problems] == find["problems"]
    assert list(rows.matters) == find["matters"]
    for one, row in items.items():
        if one in find["refused"]:
            with pytest.raises(module.Refused):
                module.safe_path(row["path"])
        else:
            assert module.safe_path(row["path"]).hex() == find["paths"][one]


@of_kind("pack")
def test_packs(path: Path, tmp_path: Path) -> None:
    vector, store = read(path)
    if path.parent.name in NOT_SEEN:
        return
    keys, found, whole = keys_of(vector, tmp_path), [], True
    try:
        with keys.open(str(Path(store, vector["object"]))) as stream:
            for name, size, content in module.tar_members(stream):
                digest = hashlib.sha256()
                for block in content:
                    digest.update(block)
                whole = whole and digest.hexdigest() == name
                found.append([name, size])
    except module.Refused:
        whole = False
    assert whole == vector["valid"]
    if whole:
        assert found == vector["find"]["members"]


@of_kind("item")
def test_items(path: Path, tmp_path: Path) -> None:
    vector, store = read(path)
    (tmp_path / "work").mkdir()
    rows, report = load(vector, store, tmp_path)
    keys, out = keys_of(vector, tmp_path), tmp_path / "out"
    out.mkdir()
    restore = module.Restore(store, str(out), str(tmp_path / "work"), rows, keys, report)
    restore.plan(rows.selected(None, None))
    restore.run()
    if vector["valid"]:
        content = (out / "file").read_bytes()
        found = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        assert found == vector["find"] and not report.failures
    elif not vector.get("by_segments"):
        assert report.failures and not (out / "file").exists()
    else:
        (row,) = rows.selected(None, None)
        assert hashlib.sha256((out / "file").read_bytes()).hexdigest() == row["sha256"]


@of_kind("history")
def test_histories(path: Path, tmp_path: Path) -> None:
    vector, store = read(path)
    find, source = vector["find"], vector["source"]
    warnings: list[str] = []
    trust = module.establish_trust(store, vector["root_key"], vector["vault_id"], warnings)
    recorded = module.read_checkpoints(store, trust, warnings)
    bases = module.read_bases(store, source, trust, recorded, warnings)
    commits = module.read_commits(store, source, trust, bases, warnings)
    gone = module.forgotten(store, trust, recorded, warnings)
    assert trust.document == find["vault_document"]
    assert [one.seq for one in commits] == find["trusted"]
    forgotten = [one.seq for one in commits if (source, one.seq, one.digest) in gone]
    assert forgotten == find["forgotten"]
    for time, seq in find["as_of"].items():
        try:
            chosen = module.choose(store, source, None, time, trust, recorded, warnings)
        except module.CannotBegin:
            assert seq is None, time
        else:
            assert chosen.commit.seq == seq, time


@of_kind("history")
def test_what_each_snapshot_of_a_history_holds(path: Path, tmp_path: Path) -> None:
    vector, store = read(path)
    keys_of(vector, tmp_path)
    for seq, names in vector["find"]["paths"].items():
        out = tmp_path / seq
        card = ["--root-key", vector["root_key"], "--vault-id", vector["vault_id"]]
        words = ["--identity", tmp_path / "identity", "--seq", seq, *card, out]
        done = recover(Path(store), *words)
        assert done.returncode == (0 if names else 1), done.stderr
        assert sorted(one.name.encode().hex() for one in out.iterdir()) == names
