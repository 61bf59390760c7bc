"""A backup worker is stolen, with everything it holds: its age identity, its signing key, its store
credential, its staging folder - against the real S3 server, under the shipped policies.

docs/THREAT_MODEL.md names each test here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from muniment.assurance.check import check
from muniment.assurance.rotation import EVERYTHING
from muniment.backup.commit import Outcome
from muniment.backup.options import BackupOptions
from muniment.backup.pipeline import back_up
from muniment.backup.plan import make_plan
from muniment.backup.run import BackupRun
from muniment.config.matters import MatterRules
from muniment.errors import (
    MunimentError,
    NoKey,
    StoreDenied,
    StoreError,
    SuspicionOpen,
    VaultError,
)
from muniment.evidence.events import ANOMALIES, AnomalyCleared
from muniment.ids import sha256_hex
from muniment.model.item import Fidelity, Row
from muniment.recovery.selection import Scope, Selection
from muniment.sources.files import FileSource
from muniment.vault import names
from muniment.vault.age import open_sealed
from muniment.vault.documents import Head
from muniment.vault.evidence import append
from muniment.vault.finding import Severity
from muniment.vault.history import CommitRecord
from muniment.vault.resolve import MAX_SIGNED
from muniment.vault.retention import RetentionOffice
from muniment.vault.rows import line_of
from muniment.vault.sealed_file import decompress
from muniment.vault.setup import PublicSigner, add_signer, revoke_signer
from muniment.vault.signing import Signer
from muniment.vault.snapshots import RowsWriter
from muniment.vault.state import StateDelta
from muniment.vault.store.s3 import S3Store
from muniment.vault.suspicion import Conclusion, suspicions
from muniment.vault.vault import Vault
from tests.support.fake_stores import put
from tests.support.practice import RULE, tree
from tests.support.s3_server import FILES_WORKER
from tests.threats.conftest import GuardedPractice
from tests.threats.markers import Marker, in_bytes

TITLE, NUMBER, NAME, WORDS = (
    "Quillfeather",
    "2031-7704",
    "Deposition-Zanzibar",
    "xylophonic-moratorium",
)
MARKERS = [
    Marker("the matter's title", TITLE),
    Marker("the matter's number", NUMBER),
    Marker("a file's name", NAME),
    Marker("a file's content", WORDS),
]


@pytest.fixture
def firm(guarded: GuardedPractice) -> GuardedPractice:
    """Two days of work."""
    guarded.write(f"Matters/{NUMBER} {TITLE}/{NAME}.txt", f"{WORDS} {NAME}" * 500)
    guarded.write("Office/list.txt", "paper, ink")
    guarded.back_up()
    guarded.write("Office/list.txt", "paper")
    guarded.back_up()
    return guarded


def stolen(firm: GuardedPractice) -> Vault:
    """What the thief holds, as a handle."""
    return firm.vault("worker")


def stolen_store(firm: GuardedPractice) -> S3Store:
    return firm.place.store(FILES_WORKER)


def forge(firm: GuardedPractice, share: Path, run_id: str = "forged") -> Outcome:
    """The thief backs up a folder of his own as the firm's source, with the product itself."""
    firm.let_settle()
    run = BackupRun(
        stolen(firm),
        FileSource("files", share),
        firm.folder / "thief-staging",
        run_id,
        assign=MatterRules.compile([RULE], "files").match,
        options=BackupOptions(accept_mass_deletion=True),
    )
    outcome = back_up(run)
    firm.tomorrow()
    return outcome


def revoke_and_replace(firm: GuardedPractice, last_good: int) -> None:
    """The partner revokes the stolen key as of a commit, and a new worker begins."""
    thief = firm.keys.worker_signer
    record = firm.vault().history("files").at(last_good)
    trusted = {"files": Head(seq=record.seq, digest=record.digest)}
    revoke_signer(firm.vault("escrow"), firm.keys.root, thief.keyid, trusted)
    firm.keys.worker_signer = Signer.generate()
    new = PublicSigner("worker", firm.keys.worker_signer.public)
    add_signer(firm.vault("escrow"), firm.keys.root, new)
    firm.tomorrow()


# -- what it cannot ------------------------------------------------------------------------------


def test_it_opens_state_and_id_keys_and_nothing_else_in_the_whole_store(
    firm: GuardedPractice,
) -> None:
    opened, closed = set(), set()
    store = stolen_store(firm)
    for version in store.list(""):
        data = store.get(version.name, version=version.version)
        if not data.startswith(b"age-encryption.org/v1"):
            continue
        try:
            open_sealed(data, [firm.keys.worker])
            opened.add(version.name.split("/")[0] + "/" + version.name.split("/")[1])
        except NoKey:
            closed.add(version.name.split("/")[0])
    assert opened == {"state/files", "keys/id-files", "keys/id-matters"}
    assert closed == {"packs", "snapshots", "keys"}
    ring = stolen(firm).keyring
    assert not any(ring.can_open(e.key_id) for e in stolen(firm).trust.newest.epochs)


def test_it_restores_nothing_and_lists_nothing(firm: GuardedPractice, tmp_path: Path) -> None:
    for selection in (Selection(Scope.SOURCE), Selection(Scope.PATH, "**")):
        with pytest.raises(MunimentError):
            firm.restore(tmp_path / "loot", selection, role="worker")
    assert not (tmp_path / "loot").exists()


def test_no_name_and_no_word_is_read_from_the_state_or_any_clear_object(
    firm: GuardedPractice,
) -> None:
    store = stolen_store(firm)
    seen = 0
    for version in store.list(""):
        data = store.get(version.name, version=version.version)
        everything = version.name.encode() + data
        if data.startswith(b"age-encryption.org/v1"):
            try:
                plain = open_sealed(data, [firm.keys.worker])
            except NoKey:
                continue
            everything += plain
            if version.name.startswith("state/"):
                everything += _state_in_the_open(decompress(plain))
                seen += 1
        else:
            with suppress(ValueError):
                everything += _payload(data)
        assert in_bytes(MARKERS, everything) == [], version.name
    assert seen


def _payload(data: bytes) -> bytes:
    envelope = json.loads(data)
    return base64.b64decode(envelope["payload"]) if isinstance(envelope, dict) else b""


def _state_in_the_open(data: bytes) -> bytes:
    """Its columns as they lie there, and every word, without the escapes of JSON."""
    delta = StateDelta.from_bytes(data)
    words = [*delta.facts, *delta.facts.values(), *delta.table.strings.values]
    return b"\n".join([data, *(word.encode() for word in words)])


def test_it_deletes_unlocks_and_hides_no_version_of_anything(
    firm: GuardedPractice, tmp_path: Path
) -> None:
    store, bucket = stolen_store(firm), firm.place.bucket
    client: Any = store.client
    before = [(v.name, v.version, v.size) for v in firm.place.store().list("")]
    soon = datetime.now(UTC) + timedelta(seconds=1)
    for name, version, _ in before:
        key = firm.place.key(name)
        attempts: list[Callable[[], object]] = [
            lambda n=name, v=version: store.delete_version(n, v),  # type: ignore[misc]
            lambda n=name, v=version: store.attack_version(n, v),  # type: ignore[misc]
            lambda n=name, v=version: store.attack_lock(n, v, soon),  # type: ignore[misc]
            lambda n=name, v=version: store.legal_hold(n, False, version=v),  # type: ignore[misc]
            lambda k=key: client.delete_object(Bucket=bucket, Key=k),  # type: ignore[misc]
        ]
        for attempt in attempts:
            with pytest.raises((StoreDenied, ClientError), match=r"AccessDenied|403"):
                attempt()
        answer = client.delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": key, "VersionId": version}]}
        )
        assert not answer.get("Deleted") and answer.get("Errors")
    assert [(v.name, v.version, v.size) for v in firm.place.store().list("")] == before
    heads = [firm.place.store().head(n, version=v) for n, v, _ in before]
    assert all(h.locked_until and h.locked_until > soon for h in heads)
    assert check(firm.vault("nobody"), read_back=EVERYTHING).findings == []
    firm.restore(tmp_path / "back")
    assert tree(tmp_path / "back/files") == tree(firm.share)


def test_it_writes_no_key_no_vault_document_and_nothing_of_another_source_or_role(
    firm: GuardedPractice,
) -> None:
    for name in (
        "keys/recovery-00000001/00000002.age", "keys/id-files/00000002.age", names.vault_document(2),
        names.commit("mail", 1), "snapshots/mail/x", "state/mail/x", "bases/files/x",
        "checkpoints/20260101T000000Z.json", names.retention(1), "evidence/operations/1", "recover.py",
        "RECOVER.txt", "elsewhere",
    ):  # fmt: skip
        with pytest.raises(StoreDenied):
            put(stolen_store(firm), name, b"junk")


def test_its_signature_counts_for_nothing_but_commits_of_its_own_sources(
    firm: GuardedPractice,
) -> None:
    """Even where the store would take it, as one without policies does."""
    admin, signer = firm.place.store(), firm.keys.worker_signer
    bound = Signer.generate()
    add_signer(
        firm.vault("escrow"), firm.keys.root, PublicSigner("worker", bound.public, ("mail",))
    )
    head = firm.vault().history("files").head
    assert head is not None
    later = head.commit.altered({"seq": 3, "parent": head.digest})
    put(admin, names.commit("files", 3), bound.sign("commit", later.to_payload()))
    document = firm.vault().trust.newest.altered(
        {"number": 9, "parent": firm.vault().trust.newest_digest}
    )
    put(admin, names.vault_document(9), signer.sign("vault", document.to_payload()))
    put(admin, names.retention(1), signer.sign("retention", {"format": 1, "type": "retention"}))

    vault = firm.vault()
    assert vault.trust.newest.number == 2
    assert [r.seq for r in vault.history("files").records] == [1, 2]
    assert vault.retention().entries == ()
    found = {f.object for f in check(firm.vault("nobody")).findings}
    assert found >= {names.commit("files", 3), names.vault_document(9), names.retention(1)}


# -- what it can ---------------------------------------------------------------------------------


def test_it_can_read_the_live_source_as_the_worker_does(firm: GuardedPractice) -> None:
    path = f"Matters/{NUMBER} {TITLE}/{NAME}.txt".encode()
    with FileSource("files", firm.share).open("file", path) as reader:
        assert WORDS.encode() in reader.read(1 << 20)


def test_it_can_read_the_spool_of_the_run_that_is_going_on(firm: GuardedPractice) -> None:
    firm.write("Office/secret-name.txt", "x")
    run = firm.run(run_id="going-on")
    with run.staging.in_use():
        make_plan(run)
    thief = firm.run(run_id="going-on")
    work = thief.staging.read(thief.staging.shard("001") / "work")
    assert b"Office/secret-name.txt".hex().encode() in work
    run.staging.purge()


def test_it_can_confirm_a_document_it_has_and_a_name_it_guesses(firm: GuardedPractice) -> None:
    vault = stolen(firm)
    state = vault.state(vault.history("files"))
    run = firm.run()
    guess = f"Matters/{NUMBER} {TITLE}/{NAME}.txt".encode()
    entry = state.find(run.item_id("file", guess))
    assert entry is not None
    document = (firm.share / os.fsdecode(guess)).read_bytes()
    assert entry.digest == hashlib.sha256(document).digest()
    assert entry.matter == run.matter_of(guess)
    assert state.find(run.item_id("file", b"Matters/wrong guess.txt")) is None


def test_it_can_lay_versions_on_top_which_is_reported_and_changes_nothing(
    firm: GuardedPractice, tmp_path: Path
) -> None:
    """Amazon's bucket policy (docs/policies/bucket-policy.json) stops even this; this server does not
    know its condition."""
    store = stolen_store(firm)
    client: Any = store.client
    covered = [
        *firm.names("packs/"), *firm.names("commits/files/"), *firm.names("snapshots/files/"),
        *firm.names("state/files/"),
    ]  # fmt: skip
    for name in covered:
        client.put_object(Bucket=firm.place.bucket, Key=firm.place.key(name), Body=b"junk")

    report = check(firm.vault("nobody"), read_back=EVERYTHING)

    assert {f.object for f in report.findings} == set(covered)
    assert {f.severity for f in report.findings} == {Severity.TAMPERING}
    firm.restore(tmp_path / "back")
    assert tree(tmp_path / "back/files") == tree(firm.share)
    assert firm.back_up().completeness == "complete"


def test_delete_markers_of_a_stronger_thief_hide_nothing_from_a_reader(
    firm: GuardedPractice, tmp_path: Path
) -> None:
    """The policy denies them to a worker; whoever administers the bucket can leave them."""
    covered = [
        n for n in firm.names() if n.split("/")[0] in ("packs", "commits", "snapshots", "state")
    ]
    for name in covered:
        firm.place.leave_delete_marker(name)
    report = check(firm.vault("nobody"), read_back=EVERYTHING)
    assert {f.object for f in report.findings if f.code == "T201"} == set(covered)
    assert not [f for f in report.findings if f.severity is Severity.DAMAGE]
    firm.restore(tmp_path / "back")
    assert tree(tmp_path / "back/files") == tree(firm.share)


def test_it_can_sign_commits_until_it_is_revoked_and_then_they_are_shown_and_never_followed(
    firm: GuardedPractice, tmp_path: Path
) -> None:
    honest = tree(firm.share)
    evil = tmp_path / "evil"
    (evil / "Office").mkdir(parents=True)
    (evil / "Office" / "list.txt").write_text("pay this account instead")
    forged = forge(firm, evil)

    # Until then it is what the newest snapshot says; every older one is as it was.
    firm.restore(tmp_path / "fooled")
    assert tree(tmp_path / "fooled/files")["Office/list.txt"][1] == b"pay this account instead"
    before = firm.vault().history("files").at(2).commit.ended_at
    firm.restore(tmp_path / "older", as_of=before)
    assert tree(tmp_path / "older/files") == honest

    revoke_and_replace(firm, last_good=2)
    history = firm.vault().history("files")
    assert [(r.seq, bool(r.untrusted)) for r in history.records] == [
        (1, False), (2, False), (forged.seq, True),
    ]  # fmt: skip
    report = check(firm.vault("nobody"))
    assert [(f.code, f.seqs) for f in report.findings] == [("T221", (forged.seq,))]
    firm.restore(tmp_path / "good")
    assert tree(tmp_path / "good/files") == honest

    # The new worker goes on from the last good commit, beside what the thief left.
    firm.write("Office/new.txt", "after the theft")
    outcome = firm.back_up()
    assert (outcome.seq, outcome.completeness) == (4, "complete")
    history = firm.vault().history("files")
    assert [r.seq for r in history.trusted] == [1, 2, 4]
    assert history.at(forged.seq).untrusted, "shown, never dropped"
    firm.restore(tmp_path / "after")
    assert tree(tmp_path / "after/files") == tree(firm.share)


def test_what_it_signs_after_its_revocation_is_shown_too(
    firm: GuardedPractice, tmp_path: Path
) -> None:
    thief = firm.keys.worker_signer
    revoke_and_replace(firm, last_good=2)
    new = firm.keys.worker_signer
    head = firm.vault().history("files").head
    assert head is not None
    late = head.commit.altered({"seq": 3, "parent": head.digest, "run_id": "late"})
    put(stolen_store(firm), names.commit("files", 3), thief.sign("commit", late.to_payload()))
    assert firm.vault().history("files").at(3).untrusted
    firm.keys.worker_signer = new
    firm.write("Office/new.txt", "x")
    assert firm.back_up().seq == 4
    assert [r.seq for r in firm.vault().history("files").trusted] == [1, 2, 4]


def test_it_can_take_numbers_up_to_the_last_and_blocks_nobody_once_revoked(
    firm: GuardedPractice, tmp_path: Path
) -> None:
    """Neither the next backup nor a check works through the hundred million numbers between."""
    head = firm.vault().history("files").head
    assert head is not None
    last = head.commit.altered({"seq": 99_999_999, "parent": head.digest, "run_id": "last"})
    put(
        stolen_store(firm), names.commit("files", 99_999_999),
        firm.keys.worker_signer.sign("commit", last.to_payload()),
    )  # fmt: skip
    put(stolen_store(firm), names.commit("files", 99_999_997), b"junk")
    put(stolen_store(firm), names.commit("files", 3), b"junk")
    with pytest.raises(VaultError, match="the last number there is"):
        firm.back_up()
    assert len(check(firm.vault("nobody")).findings) < 10

    revoke_and_replace(firm, last_good=2)
    firm.write("Office/new.txt", "x")
    assert firm.back_up().seq == 4
    report = check(firm.vault("nobody"))
    assert {f.object for f in report.findings} == {
        names.commit("files", n) for n in (3, 5, 99_999_997, 99_999_999)
    }
    firm.restore(tmp_path / "back")
    assert tree(tmp_path / "back/files") == tree(firm.share)


def test_it_can_fill_the_store_and_nothing_that_is_too_large_is_read(
    firm: GuardedPractice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("muniment.vault.resolve.MAX_SIGNED", 1 << 20)
    assert MAX_SIGNED > 1 << 20
    huge, store = os.urandom(2 << 20), stolen_store(firm)
    put(store, names.commit("files", 3), huge)
    client: Any = store.client
    rows = firm.names("snapshots/files/")[0]
    client.put_object(Bucket=firm.place.bucket, Key=firm.place.key(rows), Body=huge)
    read: list[int] = []
    watched = firm.place.store("operations")
    plain = watched.get

    def get(*args: Any, **how: Any) -> bytes:
        data = plain(*args, **how)
        read.append(len(data))
        return data

    monkeypatch.setattr(watched, "get", get)
    vault = firm.vault("operations", watched)
    history = vault.history("files")
    assert len(vault.snapshot(history, history.at(2)).items) == 6
    assert max(read) < len(huge)
    assert any("larger than" in f.what for f in history.findings)


def test_it_can_point_its_own_rows_at_bytes_of_another_matter_until_it_is_revoked(
    firm: GuardedPractice, tmp_path: Path
) -> None:
    """It knows from the state where bytes lie, not what they are. A row it makes can name them under
    another matter of the same epoch: a restore from *its* snapshot would hand them out. Matters with a
    key of their own are out of its reach."""
    vault = stolen(firm)
    history = vault.history("files")
    head = history.head
    assert head is not None
    run = firm.run()
    path = f"Matters/{NUMBER} {TITLE}/{NAME}.txt".encode()
    entry = vault.state(history).find(run.item_id("file", path))
    assert entry is not None
    row = Row(
        run.item_id("file", b"Office/gift.txt"), "file", b"Office/gift.txt", "", entry.fingerprint.size,
        0, entry.digest, Fidelity.FILE, entry.parts, {},
    )  # fmt: skip
    epoch = vault.trust.newest.epochs[0]
    with RowsWriter(
        tmp_path / "rows", vault.vault_id, "files", {epoch.key_id: epoch.recipient}
    ) as out:
        out.add_line(epoch.key_id, line_of(row))
        (written,) = out.close()
    vault.put_sealed(names.snapshot("files", written.object.snapshot), written.file)
    commit = head.commit.altered({
            "seq": 3, "parent": head.digest, "run_id": "gift", "ended_at": firm.clock.now(),
            "snapshots": (written.object,), "packs": history.at(1).commit.packs,
        }
    )  # fmt: skip
    vault.put_signed(names.commit("files", 3), vault.signer.sign("commit", commit.to_payload()))
    firm.tomorrow()

    firm.restore(tmp_path / "gift", Selection(Scope.PATH, "Office/**"))
    assert WORDS.encode() in (tmp_path / "gift/files/Office/gift.txt").read_bytes()
    revoke_and_replace(firm, last_good=2)
    firm.restore(tmp_path / "good", Selection(Scope.PATH, "Office/**"))
    assert not (tmp_path / "good/files/Office/gift.txt").exists()


def test_a_put_of_the_same_name_by_two_is_one_and_the_loser_is_told(
    firm: GuardedPractice,
) -> None:
    store = stolen_store(firm)
    with pytest.raises(StoreError):
        put(store, names.commit("files", 1), b"mine")
    assert (
        sha256_hex(store.get(names.commit("files", 1)))
        == firm.vault().history("files").at(1).digest
    )


# -- the guard -----------------------------------------------------------------------------------


def _attacked(firm: GuardedPractice) -> CommitRecord:
    for number in range(30):
        firm.write(f"Office/list-{number}.txt", "who was here " * 60)
    firm.back_up()
    for number in range(30):
        firm.write(f"Office/list-{number}.txt", os.urandom(900))
    assert firm.back_up().suspicious
    head = firm.vault("nobody").history("files").head
    assert head is not None
    return head


def test_it_clears_no_suspicion_and_ends_none_by_saying_no_more_of_it(
    firm: GuardedPractice,
) -> None:
    """A clearing is operations' word. A worker's policy refuses the stream, its signature counts for nothing there,
    and snapshots that say no more of a suspicion leave it open."""
    flagged = _attacked(firm)
    event = AnomalyCleared(
        "files", flagged.seq, flagged.digest, flagged.seq, Conclusion.FALSE_ALARM, "partner"
    )
    with pytest.raises(StoreDenied):
        append(firm.vault("worker"), ANOMALIES, event.event, subject="files", facts=event.facts())
    free = firm.vault("worker", firm.place.store())
    append(free, ANOMALIES, event.event, subject="files", facts=event.facts())

    vault = firm.vault("worker")
    silent = flagged.commit.altered(
        {"seq": flagged.seq + 1, "parent": flagged.digest, "guard": None, "run_id": "later"}
    )
    name = names.commit("files", silent.seq)
    vault.put_signed(name, vault.signer.sign("commit", silent.to_payload()))

    history = firm.vault("nobody").history("files")
    assert history.head is not None and history.head.seq == silent.seq
    found = suspicions(firm.vault("nobody"), history)
    assert [r.seq for r in found.open] == [flagged.seq]
    with pytest.raises(SuspicionOpen):
        RetentionOffice(firm.vault("retention")).forget([(history.live[0], "expired")])


def test_it_can_leave_its_own_attack_unflagged(firm: GuardedPractice) -> None:
    """The guard is the worker's own look: who holds the worker turns it off. Older snapshots stand by their locks."""
    for number in range(30):
        firm.write(f"Office/list-{number}.txt", os.urandom(900))
    assert not firm.back_up(guard=None).suspicious
