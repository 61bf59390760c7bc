"""Vectors of whole sources (section 13): which commits are trusted, what counts as of a time, what each snapshot holds."""

from __future__ import annotations

from typing import Any

from tests.independent.writer import Entry, Json, Signer, rewrite, sha256
from tests.vectors.bench import ESCROW, MATTER, OTHER, SOURCE, STRANGER, Bench, identity, vector

SUCCESSOR = Signer(b"s" * 32)


def back_up(bench: Bench, names: str, **changes: Any) -> bytes:
    """A run over a source whose files are named by single letters; each holds its name."""
    entries = [Entry(name.encode(), content=name.encode()) for name in names]
    return bench.vault.back_up(SOURCE, entries, **changes)


def commit(seq: int) -> str:
    return f"commits/{SOURCE}/{seq:08d}.json"


def judge(
    bench: Bench, why: str, trusted: dict[int, str], forgotten: tuple[int, ...] = (), **find: Any
) -> None:
    """`trusted`: seq -> the letters of its files."""
    live = [seq for seq in trusted if seq not in forgotten]
    as_of: Json = {"2025-12-31T23:59:59Z": None, "2027-01-01T00:00:00Z": max(live, default=None)}
    whole = {
        "vault_document": 1,
        "trusted": list(trusted),
        "forgotten": list(forgotten),
        "as_of": as_of,
        "paths": {
            str(seq): [name.encode().hex() for name in sorted(names)]
            for seq, names in trusted.items()
        },
    } | find
    bench.keys["holder"] = ESCROW
    bench.done(True, why, whole, object=f"commits/{SOURCE}")


@vector("history", "plain")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    for names in ("ab", "abc", "ac", "", "d"):
        back_up(bench, names)
    as_of = {
        "2025-12-31T23:59:59Z": None,
        "2026-01-01T02:00:00Z": 1,
        "2026-01-02T01:59:59.999999999Z": 1,
        "2026-01-02T02:00:00.0Z": 2,
        "2026-01-04T23:00:00Z": 4,
        "2027-01-01T00:00:00Z": 5,
    }
    judge(bench, "files come and go", {1: "ab", 2: "abc", 3: "ac", 4: "", 5: "d"}, as_of=as_of)


@vector("history", "times-with-fractions")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    back_up(bench, "a", ended_at="2026-01-01T02:00:00.25Z")
    back_up(bench, "ab", ended_at="2026-01-01T02:00:00.5Z")
    as_of = {"2026-01-01T02:00:00Z": None, "2026-01-01T02:00:00.3Z": 1, "2026-01-01T02:00:00.500Z": 2, "2026-01-01T02:00:01Z": 2}  # fmt: skip
    judge(bench, "fractions of a second are compared as numbers", {1: "a", 2: "ab"}, as_of=as_of)


@vector("history", "nothing-changed")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    for _ in range(3):
        back_up(bench, "a")
    judge(bench, "runs without snapshot objects", {1: "a", 2: "a", 3: "a"})


@vector("history", "base")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    for names in ("ab", "bc", "bcd"):
        back_up(bench, names)
        if names == "bc":
            bench.vault.put_base(SOURCE)
    judge(bench, "a base between commits", {1: "ab", 2: "bc", 3: "bcd"})


@vector("history", "base-of-another-chain")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    back_up(bench, "a")
    back_up(bench, "ab")
    bench.vault.put_base(SOURCE, covers={"seq": 2, "digest": "0" * 64}, snapshots=[])
    judge(bench, "a base that covers another commit of that number is not used", {1: "a", 2: "ab"})


@vector("history", "base-by-a-stranger")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    back_up(bench, "a")
    bench.vault.put_base(SOURCE, STRANGER, snapshots=[])
    judge(bench, "a base that nobody entitled signed is not used", {1: "a"})


@vector("history", "planted-at-the-end")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    back_up(bench, "a")
    back_up(bench, "ax")
    rewrite(bench.path(commit(2)), lambda payload: None, STRANGER)
    judge(bench, "a commit by a stranger is not followed", {1: "a"})


@vector("history", "planted-between")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    back_up(bench, "a")
    back_up(bench, "ax")
    rewrite(bench.path(commit(2)), lambda payload: None, STRANGER)
    bench.vault.commits[SOURCE].pop()
    bench.vault.standing[SOURCE].popitem()
    back_up(bench, "ab", seq=3)
    judge(bench, "a number that a stranger took is passed over", {1: "a", 3: "ab"})


@vector("history", "wrong-parent")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    back_up(bench, "a")
    back_up(bench, "ab", parent="0" * 64)
    judge(bench, "a commit that does not follow the last trusted one is not trusted", {1: "a"})


@vector("history", "first-with-a-parent")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    back_up(bench, "a", parent="0" * 64)
    judge(bench, "the first commit has no parent", {})


@vector("history", "gap")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    for names in ("a", "ab", "abc", "abcd"):
        back_up(bench, names)
    bench.path(commit(2)).unlink()
    judge(bench, "after a lost commit none is trusted", {1: "a"})


@vector("history", "gap-healed-by-a-base")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    for names in ("a", "ab", "abc"):
        back_up(bench, names)
    bench.vault.put_base(SOURCE)
    back_up(bench, "abcd")
    bench.path(commit(2)).unlink()
    judge(bench, "a base heals a gap before the commit it covers", {1: "a", 3: "abc", 4: "abcd"})


@vector("history", "revoked-worker")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    back_up(bench, "a")
    second = back_up(bench, "ab")
    back_up(bench, "abx")
    revoked = {"at": "2026-01-02T12:00:00Z", "trusted": {SOURCE: {"seq": 2, "digest": sha256(second)}}}  # fmt: skip
    signers = [bench.vault.worker.listed("worker", revoked=revoked), SUCCESSOR.listed("worker")]
    bench.vault.put_document(signers=signers)
    bench.vault.commits[SOURCE].pop()
    bench.vault.standing[SOURCE].popitem()
    bench.vault.back_up(
        SOURCE, [Entry(name.encode(), content=name.encode()) for name in "abc"], seq=4
    )
    rewrite(bench.path(commit(4)), lambda payload: None, SUCCESSOR)
    judge(bench, "of a revoked worker the commits up to the named one count, and its successor goes on", {1: "a", 2: "ab", 4: "abc"}, vault_document=2)  # fmt: skip


@vector("history", "revoked-worker-of-no-source")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    back_up(bench, "a")
    revoked = {"at": "2026-01-02T12:00:00Z", "trusted": {"mail": {"seq": 9, "digest": "0" * 64}}}
    bench.vault.put_document(signers=[bench.vault.worker.listed("worker", revoked=revoked)])
    judge(bench, "where the source is not named nothing counts", {}, vault_document=2)


@vector("history", "forgotten")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    back_up(bench, "a")
    second = back_up(bench, "ab")
    forget = [{"source": SOURCE, "seq": 2, "digest": sha256(second), "reason": "test"}]
    bench.vault.put_retention("forget", commits=forget)
    judge(bench, "a forgotten commit is trusted, but no restore point", {1: "a", 2: "ab"}, (2,))


@vector("history", "forgotten-by-digest")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    back_up(bench, "a")
    forget = [{"source": SOURCE, "seq": 1, "digest": "0" * 64, "reason": "test"}]
    bench.vault.put_retention("forget", commits=forget)
    judge(bench, "an entry that names another digest does not speak of this commit", {1: "a"})


@vector("history", "forgotten-by-a-stranger")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    first = back_up(bench, "a")
    forget = [{"source": SOURCE, "seq": 1, "digest": sha256(first), "reason": "test"}]
    bench.vault.put_retention("forget", STRANGER, commits=forget)
    bench.vault.retention_log.clear()
    back_up(bench, "ab")
    forget = [{"source": SOURCE, "seq": 2, "digest": sha256(bench.path(commit(2)).read_bytes()), "reason": "test"}]  # fmt: skip
    bench.vault.put_retention("forget", commits=forget, number=2)
    judge(bench, "an entry by a stranger is passed over, the true one behind it counts", {1: "a", 2: "ab"}, (2,))  # fmt: skip


@vector("history", "documents-passed-over")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    bench.vault.put("vault/00000002.json", b"taken by a stranger")
    bench.vault.put_document(number=3, signers=[SUCCESSOR.listed("worker")])
    back_up(bench, "a")
    rewrite(bench.path(commit(1)), lambda payload: None, SUCCESSOR)
    judge(bench, "a number that a stranger took is passed over", {1: "a"}, vault_document=3)


@vector("history", "documents-broken")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    back_up(bench, "a")
    bench.vault.put_document(parent="0" * 64, signers=[SUCCESSOR.listed("worker")])
    judge(
        bench,
        "the last document that root signed is in force, also behind a missing one",
        {},
        vault_document=2,
    )


@vector("history", "document-by-a-stranger")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    back_up(bench, "a")
    bench.vault.put_document(signers=[STRANGER.listed("worker")])
    rewrite(bench.path("vault/00000002.json"), lambda payload: None, STRANGER)
    judge(bench, "a document that root did not sign is not in force", {1: "a"})


def revoked_operations(bench: Bench, at: str) -> None:
    """A wrong base by operations, who is revoked later; a checkpoint of the successor records it at the time `at`."""
    bench.vault.set_up()
    back_up(bench, "a")
    bench.vault.put_base(SOURCE, snapshots=[bench.vault.put_rows(SOURCE, [])], rows=0)
    revoked = {"at": "2026-01-05T00:00:00Z", "trusted": {}}
    signers = [
        bench.vault.worker.listed("worker"),
        bench.vault.operations.listed("operations", revoked=revoked),
        SUCCESSOR.listed("operations"),
    ]
    bench.vault.put_document(signers=signers)
    bench.vault.put_checkpoint(at, SUCCESSOR)


@vector("history", "revoked-operations")
def _(bench: Bench) -> None:
    revoked_operations(bench, "2026-01-06T00:00:00Z")
    judge(bench, "what revoked operations signed does not count", {1: "a"}, vault_document=2)


@vector("history", "revoked-operations-recorded")
def _(bench: Bench) -> None:
    revoked_operations(bench, "2026-01-04T00:00:00Z")
    judge(bench, "it counts if a checkpoint that counts recorded it before", {1: ""}, vault_document=2)  # fmt: skip


@vector("history", "matter-with-a-key-of-its-own")
def _(bench: Bench) -> None:
    bench.vault.matters[MATTER] = identity(OTHER)
    bench.keys[MATTER] = OTHER
    bench.vault.set_up()
    entries = [Entry(b"a", content=b"a"), Entry(b"b", content=b"b", matter="M-7F3K2QXA")]
    bench.vault.back_up(SOURCE, entries)
    bench.vault.back_up(SOURCE, entries[1:])
    judge(bench, "one commit lists snapshot objects of several keys", {1: "ab", 2: "b"})


@vector("history", "rows-missing")
def _(bench: Bench) -> None:
    bench.vault.set_up()
    back_up(bench, "a")
    before = set(bench.path(f"snapshots/{SOURCE}").iterdir())
    back_up(bench, "ab")
    (rows,) = set(bench.path(f"snapshots/{SOURCE}").iterdir()) - before
    rows.unlink()
    as_of = {"2027-01-01T00:00:00Z": 1}
    paths = {"1": [b"a".hex()]}
    judge(bench, "a snapshot whose rows are missing gives way to an older one", {1: "a", 2: "ab"}, as_of=as_of, paths=paths)  # fmt: skip
