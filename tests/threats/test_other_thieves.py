"""Everybody else who may turn against the firm: who holds the retention credential, the operations
machine, the store itself, a seat in the office. docs/THREAT_MODEL.md names each test here."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from muniment.assurance.check import check
from muniment.assurance.rotation import EVERYTHING
from muniment.assurance.verify import verify
from muniment.clock import FixedClock
from muniment.errors import MunimentError, NoKey, StoreDenied, TrustError
from muniment.ids import sha256_hex
from muniment.vault import names
from muniment.vault.age import Identity, open_sealed
from muniment.vault.bases import rebase
from muniment.vault.checkpoints import Outside, mark_of, write_checkpoint
from muniment.vault.documents import RetentionCommit
from muniment.vault.evidence import append, load_stream
from muniment.vault.finding import Severity
from muniment.vault.keyring import id_key_line, key_object
from muniment.vault.retention import RetentionOffice
from muniment.vault.rows import line_of
from muniment.vault.setup import PublicHolder, add_source, replace_holder, roll_epoch
from muniment.vault.snapshots import RowsWriter
from muniment.vault.store.local import LocalStore
from muniment.vault.vault import Vault
from tests.support.fake_stores import put
from tests.support.needs import REPOSITORY, needs_program
from tests.support.practice import Practice, tree
from tests.support.s3_server import FREE, S3Server
from tests.threats.conftest import GuardedPractice


@pytest.fixture
def firm(guarded: GuardedPractice) -> GuardedPractice:
    guarded.write("Matters/2024-0113 Harbor/letter.txt", os.urandom(30_000))
    guarded.back_up()
    guarded.write("Office/list.txt", "paper")
    guarded.back_up()
    return guarded


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    """The same in a folder, for what needs no S3."""
    practice = Practice(tmp_path)
    practice.write("Matters/2024-0113 Harbor/letter.txt", os.urandom(30_000))
    practice.back_up()
    practice.write("Office/list.txt", "paper")
    practice.back_up()
    return practice


# -- the retention credential --------------------------------------------------------------------


def test_a_stolen_retention_credential_opens_nothing_and_removes_nothing_that_is_locked(
    firm: GuardedPractice, tmp_path: Path
) -> None:
    store: Any = firm.place.store("retention")
    before = [(v.name, v.version) for v in firm.place.store().list("")]
    for name, version in before:
        with pytest.raises(StoreDenied):
            store.delete_version(name, version)
        with pytest.raises(ClientError, match="AccessDenied"):
            store.client.delete_object(Bucket=firm.place.bucket, Key=firm.place.key(name))
    assert [(v.name, v.version) for v in firm.place.store().list("")] == before
    vault = firm.vault("retention")
    with pytest.raises(NoKey):
        vault.keyring.identity("recovery-00000001")
    firm.restore(tmp_path / "back")
    assert tree(tmp_path / "back/files") == tree(firm.share)


def test_it_can_remove_data_whose_lock_has_ended_which_is_found_the_same_day(
    s3_server: S3Server, tmp_path: Path
) -> None:
    """Never a commit, a key, a vault document: what is left says exactly what is missing."""
    firm = GuardedPractice(tmp_path, s3_server.place(FREE), s3_server.place(FREE))
    firm.write("Matters/2024-0113 Harbor/letter.txt", os.urandom(30_000))
    firm.back_up()
    store = firm.place.store("retention")
    gone = set()
    for version in list(firm.place.store().list("")):
        try:
            store.delete_version(version.name, version.version)
            gone.add(version.name)
        except StoreDenied:
            continue
    assert {name.split("/")[0] for name in gone} == {"packs", "snapshots", "state"}
    report = check(firm.vault("nobody"))
    assert {f.object for f in report.findings if f.severity is Severity.DAMAGE} == gone
    assert firm.vault().history("files").head is not None


def test_it_can_sign_that_everything_is_forgotten_and_no_byte_goes_by_that(
    firm: GuardedPractice, tmp_path: Path
) -> None:
    """Seven days and the lock stand between the word and the deed; revoked, the word is void
    (test_a_revoked_retention_key_forgets_nothing_more)."""
    history = firm.vault().history("files")
    office = RetentionOffice(firm.vault("retention"))
    # The engine refuses to forget the newest one; a thief signs what they like.
    office._append(
        "forget",
        tuple(
            RetentionCommit(source="files", seq=r.seq, digest=r.digest, reason="expired")
            for r in history.live
        ),
    )
    assert firm.vault().history("files").live == ()
    office.condemn(office.plan_condemn())
    assert office.sweep() == []
    assert check(firm.vault("nobody")).objects > 10


# -- the operations machine ----------------------------------------------------------------------


def test_a_stolen_operations_machine_reads_all_but_withheld_matters_and_writes_no_history(
    firm: GuardedPractice, tmp_path: Path
) -> None:
    """The withheld ones: test_the_erased_key_of_a_matter_ends_its_data (custodian only)."""
    firm.restore(tmp_path / "loot")
    assert tree(tmp_path / "loot/files") == tree(firm.share)
    store: Any = firm.place.store("operations")
    signer = firm.keys.operations_signer
    head = firm.vault().history("files").head
    assert head is not None
    with pytest.raises(StoreDenied):
        put(store, names.commit("files", 3), b"x")
    forged = head.commit.altered({"seq": 3, "parent": head.digest})
    put(firm.place.store(), names.commit("files", 3), signer.sign("commit", forged.to_payload()))
    assert [r.seq for r in firm.vault().history("files").records] == [1, 2]
    for version in list(store.list("")):
        with pytest.raises(StoreDenied):
            store.delete_version(version.name, version.version)
    document = firm.vault().trust.newest.altered(
        {"number": 2, "parent": firm.vault().trust.newest_digest, "signers": ()}
    )
    put(store, names.vault_document(2), signer.sign("vault", document.to_payload()))
    assert firm.vault().trust.newest.number == 1


def test_junk_in_the_place_of_the_next_vault_document_does_not_bind_roots_hands(
    firm: GuardedPractice, tmp_path: Path
) -> None:
    """Its store credential may write below vault/ and keys/: it can take names, locked ones even."""
    store = firm.place.store("operations")
    for name in (
        names.vault_document(2), names.vault_document(99_999_999),
        names.key("recovery-00000001", 99_999_999), names.key("recovery-00000002", 1),
        names.key("id-files", 2),
    ):  # fmt: skip
        put(store, name, b"junk")
    found = Identity.generate()
    replaced = PublicHolder("escrow", "escrow-3", str(found.recipient))
    replace_holder(firm.vault("escrow"), firm.keys.root, "escrow-1", replaced)
    roll_epoch(firm.vault("escrow"), firm.keys.root, "recovery_points")
    assert firm.vault().trust.newest.number == 4
    firm.write("Office/new.txt", "x")
    firm.tomorrow()
    firm.back_up()
    firm.keys.escrow = found
    firm.restore(tmp_path / "back", role="escrow")
    assert tree(tmp_path / "back/files") == tree(firm.share)
    tampered = {f.object for f in check(firm.vault("nobody")).findings}
    assert {names.vault_document(2), names.vault_document(99_999_999)} <= tampered


def test_the_stand_alone_reader_passes_over_junk_too(practice: Practice, tmp_path: Path) -> None:
    """recover.py, over a folder in which somebody took the names of the next documents and commits."""
    needs_program("age")
    needs_program("zstd")
    for name in (names.vault_document(2), names.retention(1), names.commit("files", 99_999_998)):
        put(practice.store, name, b"junk")
    roll_epoch(practice.vault("escrow"), practice.keys.root, "recovery_points")
    practice.write("Office/new.txt", "x")
    practice.back_up()
    history = practice.vault().history("files")
    RetentionOffice(practice.vault("retention")).forget([(history.at(1), "expired")])
    identity = tmp_path / "escrow.txt"
    identity.write_text(f"{practice.keys.escrow}\n")
    done = subprocess.run(
        [
            sys.executable, str(tmp_path / "store/recover.py"), str(tmp_path / "store"),
            "--identity", str(identity), "--root-key", practice.pin.root_public.hex(),
            "--vault-id", practice.pin.vault_id, str(tmp_path / "back"),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "trust not proven" not in done.stderr
    found = tree(tmp_path / "back")
    assert [f for f in found if f.endswith("Office/new.txt")], done.stderr


def test_junk_in_a_stream_of_evidence_does_not_end_it(practice: Practice) -> None:
    vault = practice.vault()
    append(vault, "operations", "drill.finished")
    for seq in (2, 99_999_999):
        put(practice.store, names.evidence("operations", seq), b"junk")
    assert append(vault, "operations", "drill.finished").value.seq == 3
    assert append(vault, "operations", "drill.finished").value.seq == 4
    stream = load_stream(practice.store, vault.trust, "operations")
    assert [e.value.seq for e in stream.entries] == [1, 3, 4]
    assert {f.object for f in stream.findings if f.code == "T251"} == {
        names.evidence("operations", seq) for seq in (2, 99_999_999)
    }


def test_a_planted_epoch_key_or_id_key_is_not_used(firm: GuardedPractice) -> None:
    """Key objects are sealed, not signed: root signed the epoch's recipient; of an id key the first
    sealing counts."""
    store, everybody = (
        firm.place.store("operations"),
        firm.vault().trust.holders("worker", "operations", "escrow"),
    )
    true_id, true_epoch = (
        firm.vault("worker").keyring.id_key("id-files"),
        str(firm.vault().keyring.identity("recovery-00000001")),
    )
    planted = key_object(id_key_line(b"k" * 32), everybody, "planted")
    put(store, names.key("id-files", 2), planted)
    put(store, names.key("id-files", 0), planted)
    planted = key_object(str(Identity.generate()), everybody, "planted")
    put(store, names.key("recovery-00000001", 2), planted)
    assert firm.vault("worker").keyring.id_key("id-files") == true_id
    assert str(firm.vault().keyring.identity("recovery-00000001")) == true_epoch
    before = len(firm.names("packs/"))
    assert firm.back_up().counts["added"] == 0
    assert len(firm.names("packs/")) == before


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside the true one"])
def test_it_can_sign_a_false_base_which_the_next_verification_finds(
    practice: Practice, tmp_path: Path, beside: bool
) -> None:
    """Until then, and until it is revoked, a restore believes it. Of two over one commit the one that a
    restore reads is looked at."""
    vault = practice.vault()
    history = vault.history("files")
    snapshot = vault.snapshot(history, history.at(2))
    true = rebase(vault, history, history.at(2), tmp_path / "staging")
    epoch = vault.trust.epoch("recovery_points")
    with RowsWriter(
        tmp_path / "rows", vault.vault_id, "files", {epoch.key_id: epoch.recipient}
    ) as out:
        for row in snapshot.items.values():
            if b"letter" not in row.native_id:
                out.add_line(epoch.key_id, line_of(row))
        (written,) = out.close()
    vault.put_sealed(names.snapshot("files", written.object.snapshot), written.file)
    if not beside:
        (practice.folder / "store" / true.name).unlink()
    for rows in range(1000):
        # Whoever may sign may try until its digest comes first.
        false = true.base.altered({"snapshots": (written.object,), "rows": rows})
        data = vault.signer.sign("base", false.to_payload())
        if sha256_hex(data) < true.digest:
            break
    name = names.base("files", 2, sha256_hex(data))
    vault.put_signed(name, data)

    practice.restore(tmp_path / "fooled")
    assert "Matters/2024-0113 Harbor/letter.txt" not in tree(tmp_path / "fooled/files")
    found = verify(practice.vault("escrow"), EVERYTHING).findings
    assert [(f.code, f.object) for f in found] == [("D151", name)]


# -- the store -----------------------------------------------------------------------------------


def test_whoever_owns_the_store_cannot_put_another_vault_in_its_place(
    practice: Practice, tmp_path: Path
) -> None:
    other = Practice(tmp_path / "other")
    other.write("Office/list.txt", "pay this account instead")
    other.back_up()
    with pytest.raises(TrustError, match="pinned root"):
        practice.vault("operations", other.store).history("files")


def test_a_store_set_back_to_an_older_state_is_found_by_what_is_known_outside(
    practice: Practice, tmp_path: Path
) -> None:
    """Everything in it is genuine; nothing inside can tell. A mark of 32 characters can."""
    write_checkpoint(practice.vault())
    old = shutil.copytree(tmp_path / "store", tmp_path / "yesterday")
    practice.tomorrow()
    practice.write("Office/list.txt", "paper, pens")
    practice.back_up()
    newest = write_checkpoint(practice.vault())
    vault = practice.vault("nobody", LocalStore(old))
    blind = check(vault)
    assert (blind.good, blind.freshness) == (True, "not proven")
    assert not check(vault, Outside(marks=(mark_of(newest.digest),))).good
    assert check(practice.vault("nobody"), Outside(marks=(mark_of(newest.digest),))).good


def test_a_true_commit_under_another_name_is_not_taken(practice: Practice) -> None:
    folder = practice.folder / "store/commits"
    shutil.copytree(folder / "files", folder / "mail")
    (folder / "files/00000003.json").write_bytes((folder / "files/00000001.json").read_bytes())
    add_source(practice.vault(), "mail")
    assert practice.vault().history("mail").records == ()
    assert [r.seq for r in practice.vault().history("files").records] == [1, 2]
    found = {f.code for f in check(practice.vault("nobody")).findings}
    assert found == {"T203", "D110"}


CLEAR_COMMIT = {
    "format", "type", "vault_id", "source", "seq", "parent", "vault_document", "run_id", "class",
    "completeness", "started_at", "ended_at", "clock_offset_ms", "next_due", "snapshots", "state",
    "packs", "shards", "counts", "exceptions",
    # Of a snapshot that looks like an attack, and of those that follow it, only.
    "guard",
}  # fmt: skip


def test_what_the_store_learns_from_a_commit_is_what_the_threat_model_lists(
    practice: Practice,
) -> None:
    """Counts, sizes, times, key ids. One more field here is one more line in docs/THREAT_MODEL.md."""
    data = json.loads((practice.folder / "store" / names.commit("files", 2)).read_bytes())
    payload = json.loads(base64.b64decode(data["payload"]))
    assert set(payload) == CLEAR_COMMIT - {"guard"}
    page = (REPOSITORY / "docs/THREAT_MODEL.md").read_text()
    listed = re.search(r"<!-- clear -->(.*?)<!-- end -->", page, re.DOTALL)
    assert listed
    assert set(re.findall(r"`([a-z_]+)`", listed[1])) == CLEAR_COMMIT


def test_who_can_write_to_the_share_and_see_sizes_can_tell_that_a_document_is_there(
    practice: Practice,
) -> None:
    """De-duplication says so: a document that the source holds already costs nothing to store. Under a
    matter key it is asked among that matter's own documents only."""
    known = (practice.share / "Matters/2024-0113 Harbor/letter.txt").read_bytes()
    practice.write("Office/guess.bin", known)
    hit = practice.back_up().counts["stored_bytes"]
    practice.write("Office/guess.bin", os.urandom(len(known)))
    miss = practice.back_up().counts["stored_bytes"]
    assert hit < len(known) < miss


# -- the office ----------------------------------------------------------------------------------


def test_who_scrambles_the_whole_share_costs_the_firm_no_older_snapshot(
    practice: Practice, tmp_path: Path
) -> None:
    """Ransomware, or a malicious user: changes are backed up as changes; the day before stands."""
    before, when = tree(practice.share), practice.vault().history("files").at(2).commit.ended_at
    for path in practice.share.rglob("*"):
        if path.is_file():
            path.write_bytes(os.urandom(1000))
    practice.back_up()
    practice.restore(tmp_path / "back", as_of=when)
    assert tree(tmp_path / "back/files") == before


def test_a_clock_set_back_or_forward_makes_no_snapshot_disappear(practice: Practice) -> None:
    """Times in commits are the worker's word: they choose, they never delete."""
    assert isinstance(practice.clock, FixedClock)
    practice.clock.advance(timedelta(days=-400))
    practice.write("Office/list.txt", "x")
    practice.back_up()
    assert [r.seq for r in practice.vault().history("files").live] == [1, 2, 3]


# -- the page itself -----------------------------------------------------------------------------


def test_every_test_that_the_threat_model_names_exists_and_every_threat_test_is_named() -> None:
    page = (REPOSITORY / "docs/THREAT_MODEL.md").read_text()
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", page))
    written, ours = set(), set()
    for path in (REPOSITORY / "tests").rglob("*.py"):
        found = set(re.findall(r"^ *def (test_\w+)\(", path.read_text(), re.MULTILINE))
        written |= found
        if path.parent.name == "threats":
            ours |= found
    assert named - written == set()
    assert ours - named == set()


def test_no_error_of_a_handle_without_keys_is_anything_but_ours(practice: Practice) -> None:
    vault: Vault = practice.vault("nobody")
    history = vault.history("files")
    for ask in (
        lambda: vault.snapshot(history, history.at(2)),
        lambda: vault.state(history),
        lambda: vault.signer,
        lambda: open_sealed(b"age-encryption.org/v1\n", []),
    ):
        with pytest.raises(MunimentError):
            ask()
