"""Keys are lost, stolen, replaced, rolled and erased: what still opens what, and what no longer does."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from muniment.assurance.check import check
from muniment.assurance.residue import BYTES, ROWS, residue
from muniment.assurance.rotation import EVERYTHING
from muniment.assurance.verify import verify
from muniment.clock import FixedClock
from muniment.errors import ConfigError, MunimentError, NoKey, VaultError
from muniment.ids import matter_id
from muniment.recovery.selection import Scope, Selection
from muniment.vault import names
from muniment.vault.age import Identity, open_sealed
from muniment.vault.bases import rebase
from muniment.vault.checkpoints import write_checkpoint
from muniment.vault.documents import Head, RetentionCommit
from muniment.vault.history import CommitRecord
from muniment.vault.rebuild import rebuild_state
from muniment.vault.retention import GRACE, RetentionOffice
from muniment.vault.setup import (
    PublicHolder,
    PublicSigner,
    add_matter_key,
    add_signer,
    erase_matter_key,
    replace_holder,
    revoke_signer,
    roll_epoch,
)
from muniment.vault.signing import Signer
from muniment.vault.store.local import LocalStore
from tests.support.practice import Practice, tree

HARBOR, MOSS = "2024-0113", "2024-0200"


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    """Nothing is backed up yet; matter keys have a place of their own."""
    # A folder's objects are dated by this machine, and retention looks at that.
    clock = FixedClock(datetime.now(UTC))
    keys = LocalStore.create(tmp_path / "matter-keys")
    practice = Practice(tmp_path, matter_keys=keys, clock=clock)
    practice.write(f"Matters/{HARBOR} Harbor/letter.txt", os.urandom(40_000))
    practice.write(f"Matters/{MOSS} Moss/will.txt", os.urandom(40_000))
    practice.write("Office/list.txt", "paper, ink")
    return practice


def matter(practice: Practice, number: str) -> str:
    return matter_id(practice.vault().keyring.id_key(names.MATTERS_ID_KEY), number)


def key_matter(practice: Practice, number: str, custodian: str | None = None) -> str:
    key_id = names.matter_key(matter(practice, number))
    return add_matter_key(practice.vault(), practice.keys.root, key_id, custodian)


def restored(practice: Practice, into: Path, **how: object) -> dict[str, tuple[str, bytes | str]]:
    practice.restore(into, **how)  # type: ignore[arg-type]
    return tree(into / "files")


def later(practice: Practice, by: timedelta) -> None:
    assert isinstance(practice.clock, FixedClock)
    practice.clock.advance(by)


def without(whole: dict[str, tuple[str, bytes | str]], word: str) -> dict[str, object]:
    return {path: what for path, what in whole.items() if word not in path}


# -- escrow --------------------------------------------------------------------------------------


def test_a_new_escrow_opens_everything_old_and_the_lost_one_nothing_new(
    practice: Practice, tmp_path: Path
) -> None:
    practice.back_up()
    lost, found = practice.keys.escrow, Identity.generate()

    holder = PublicHolder("escrow", "escrow-3", str(found.recipient))
    resealed = replace_holder(practice.vault("escrow"), practice.keys.root, "escrow-1", holder)
    roll_epoch(practice.vault(), practice.keys.root, "recovery_points")
    practice.write("Office/new.txt", "after the loss")
    practice.back_up()

    assert "recovery-00000001" in resealed
    practice.keys.escrow = found
    assert restored(practice, tmp_path / "new", role="escrow") == tree(practice.share)
    practice.keys.escrow = lost
    ring = practice.vault("escrow").keyring
    assert not ring.can_open("recovery-00000002")
    # It is said, and here it is seen: what was sealed before stays open to who has the lost identity.
    assert ring.can_open("recovery-00000001")
    practice.keys.escrow = practice.keys.escrow_2
    assert restored(practice, tmp_path / "second", role="escrow") == tree(practice.share)


def test_one_escrow_alone_restores_without_worker_operations_and_root(
    practice: Practice, tmp_path: Path
) -> None:
    practice.back_up()
    practice.keys = replace(
        practice.keys,
        worker=Identity.generate(), operations=Identity.generate(), root=Signer.generate(),
        worker_signer=Signer.generate(), operations_signer=Signer.generate(),
    )  # fmt: skip
    assert restored(practice, tmp_path / "back", role="escrow") == tree(practice.share)


# -- operations ----------------------------------------------------------------------------------


def succeed_operations(practice: Practice) -> tuple[Signer, Signer]:
    """The machine is gone with its keys: an escrow opens, root signs, a new machine takes over.
    Returns the old and the new signer."""
    old_signer, new_signer, new = (
        practice.keys.operations_signer,
        Signer.generate(),
        Identity.generate(),
    )
    holder = PublicHolder("operations", "operations-2", str(new.recipient))
    replace_holder(practice.vault("escrow"), practice.keys.root, "operations-1", holder)
    add_signer(
        practice.vault("escrow"), practice.keys.root, PublicSigner("operations", new_signer.public)
    )
    practice.keys.operations, practice.keys.operations_signer = new, new_signer
    return old_signer, new_signer


def test_operations_are_lost_and_replaced_and_everything_goes_on(
    practice: Practice, tmp_path: Path
) -> None:
    practice.back_up()
    write_checkpoint(practice.vault())
    practice.tomorrow()
    old = practice.keys.operations

    old_signer, _ = succeed_operations(practice)
    write_checkpoint(practice.vault())
    practice.tomorrow()
    revoke_signer(practice.vault("escrow"), practice.keys.root, old_signer.keyid, {})

    practice.write("Office/new.txt", "after the loss")
    practice.back_up()
    assert check(practice.vault("nobody"), read_back=EVERYTHING).findings == []
    assert verify(practice.vault(), EVERYTHING).findings == []
    history = practice.vault().history("files")
    assert history.head is not None
    rebase(practice.vault(), history, history.head, tmp_path / "staging")
    assert restored(practice, tmp_path / "back") == tree(practice.share)
    newest = max(v.name for v in practice.store.list("keys/recovery-00000001/"))
    with pytest.raises(NoKey):
        open_sealed(practice.store.get(newest), [old])


def test_a_revoked_operations_key_makes_no_base_and_no_checkpoint_that_counts(
    practice: Practice, tmp_path: Path
) -> None:
    """What it signed before its successor's first checkpoint counts; what its thief signs afterwards,
    with whatever date, does not - and is shown."""
    practice.back_up()
    history = practice.vault().history("files")
    first = rebase(practice.vault(), history, history.at(1), tmp_path / "staging")
    write_checkpoint(practice.vault())
    practice.tomorrow()
    stolen = practice.keys.operations, practice.keys.operations_signer
    with pytest.raises(ConfigError, match="nobody vouches"):
        revoke_signer(practice.vault("escrow"), practice.keys.root, stolen[1].keyid, {})
    succeed_operations(practice)
    write_checkpoint(practice.vault())
    practice.tomorrow()
    revoke_signer(practice.vault("escrow"), practice.keys.root, stolen[1].keyid, {})
    practice.write("Office/new.txt", "after the theft")
    practice.back_up()
    new = practice.keys.operations, practice.keys.operations_signer

    practice.keys.operations_signer = stolen[1]
    history = practice.vault().history("files")
    false = rebase(practice.vault(), history, history.at(2), tmp_path / "staging")
    now = practice.clock
    practice.clock = FixedClock(now.now() - timedelta(days=1, seconds=30))
    backdated = write_checkpoint(practice.vault())
    practice.clock = now
    practice.keys.operations, practice.keys.operations_signer = new

    history = practice.vault().history("files")
    assert [b.digest for b in history.bases] == [first.digest]
    report = check(practice.vault("nobody"))
    assert {f.object for f in report.findings if f.code == "T221"} == {false.name, backdated.name}
    assert restored(practice, tmp_path / "back") == tree(practice.share)


def test_a_revoked_retention_key_forgets_nothing_more(practice: Practice, tmp_path: Path) -> None:
    practice.back_up()
    practice.write("Office/list.txt", "paper")
    practice.back_up()
    practice.write("Office/list.txt", "paper, pens")
    practice.back_up()
    history = practice.vault().history("files")
    RetentionOffice(practice.vault("retention")).forget([(history.at(1), "expired")])
    practice.tomorrow()
    write_checkpoint(practice.vault())
    practice.tomorrow()
    thief = practice.keys.retention_signer
    revoke_signer(practice.vault("escrow"), practice.keys.root, thief.keyid, {})
    RetentionOffice(practice.vault("retention")).forget([(history.at(2), "order")])
    assert [r.seq for r in practice.vault().history("files").live] == [2, 3]
    assert [f.object for f in check(practice.vault("nobody")).findings if f.code == "T221"] == [
        names.retention(2)
    ]

    practice.keys.retention_signer = Signer.generate()
    new = PublicSigner("retention", practice.keys.retention_signer.public)
    add_signer(practice.vault("escrow"), practice.keys.root, new)
    RetentionOffice(practice.vault("retention")).forget([(history.at(2), "expired")])
    assert [r.seq for r in practice.vault().history("files").live] == [3]


def _forgotten(record: CommitRecord) -> RetentionCommit:
    return RetentionCommit(
        source=record.commit.source, seq=record.seq, digest=record.digest, reason="expired"
    )


def test_what_a_thief_of_retention_signed_is_void_from_the_time_that_root_names(
    practice: Practice,
) -> None:
    """An honest checkpoint records what lies there, also what a thief signed the day before."""
    practice.back_up()
    practice.write("Office/list.txt", "paper")
    practice.back_up()
    write_checkpoint(practice.vault())
    practice.tomorrow()
    stolen_at = practice.clock.now()
    practice.tomorrow()
    history = practice.vault().history("files")
    office = RetentionOffice(practice.vault("retention"))
    with pytest.raises(VaultError, match="newest restorable"):
        office.forget([(record, "expired") for record in history.live])
    # A thief does not ask the product.
    office._append("forget", commits=tuple(map(_forgotten, history.live)))
    office.condemn(office.plan_condemn())
    practice.tomorrow()
    write_checkpoint(practice.vault())
    practice.tomorrow()
    assert practice.vault().history("files").live == ()

    keyid = practice.keys.retention_signer.keyid
    revoke_signer(practice.vault("escrow"), practice.keys.root, keyid, {}, since=stolen_at)

    assert [r.seq for r in practice.vault().history("files").live] == [1, 2]
    assert practice.vault().retention().condemned == {}


# -- worker --------------------------------------------------------------------------------------


def test_a_worker_is_lost_and_replaced_and_nothing_is_uploaded_again(
    practice: Practice, tmp_path: Path
) -> None:
    practice.back_up()
    old_signer = practice.keys.worker_signer
    practice.keys.worker, practice.keys.worker_signer = Identity.generate(), Signer.generate()
    escrow = practice.vault("escrow")
    holder = PublicHolder("worker", "worker-2", str(practice.keys.worker.recipient))
    replace_holder(escrow, practice.keys.root, "worker-1", holder)
    add_signer(
        escrow, practice.keys.root, PublicSigner("worker", practice.keys.worker_signer.public)
    )
    head = practice.vault().history("files").head
    assert head is not None
    trusted = {"files": Head(seq=head.seq, digest=head.digest)}
    revoke_signer(escrow, practice.keys.root, old_signer.keyid, trusted)
    history = practice.vault().history("files")
    rebuild_state(practice.vault(), history, history.at(1), tmp_path / "staging")
    packs = sorted(v.name for v in practice.store.list("packs/"))

    outcome = practice.back_up()

    assert outcome.completeness == "complete"
    assert sorted(v.name for v in practice.store.list("packs/")) == packs
    assert restored(practice, tmp_path / "back") == tree(practice.share)


# -- epochs --------------------------------------------------------------------------------------


def test_a_rolled_epoch_seals_what_comes_and_what_was_stays_readable(
    practice: Practice, tmp_path: Path
) -> None:
    practice.back_up()
    assert (
        roll_epoch(practice.vault(), practice.keys.root, "recovery_points") == "recovery-00000002"
    )
    practice.write("Office/new.txt", os.urandom(10_000))
    practice.back_up()

    first, second = (practice.vault().history("files").at(n).commit for n in (1, 2))
    assert {p.key_id for p in first.packs} == {"recovery-00000001"}
    assert {p.key_id for p in second.packs if p.new} == {"recovery-00000002"}
    assert {s.key_id for s in second.snapshots} == {"recovery-00000002"}
    epochs = practice.vault().trust.newest.epochs
    old, new = (e for e in epochs if e.retention_class == "recovery_points")
    assert old.until == new.since
    assert restored(practice, tmp_path / "back") == tree(practice.share)


# -- matters -------------------------------------------------------------------------------------


@pytest.mark.parametrize("withheld", [False, True], ids=["open to operations", "custodian only"])
def test_the_erased_key_of_a_matter_ends_its_data_here_and_in_a_copy_and_nothing_else(
    practice: Practice, tmp_path: Path, withheld: bool
) -> None:
    custodian = Identity.generate()
    key_id = key_matter(practice, MOSS, str(custodian.recipient) if withheld else None)
    practice.back_up()
    practice.write("Office/list.txt", "paper")
    practice.back_up()
    history = practice.vault().history("files")
    head = history.at(2)
    rebase(practice.vault("operations"), history, head, tmp_path / "staging")
    whole = tree(practice.share)
    holder = [custodian] if withheld else [practice.keys.operations]
    assert residue(practice.vault("escrow"), key_id).none
    copy = shutil.copytree(tmp_path / "store", tmp_path / "copy")
    # Before: the escrow has all of it, operations what the firm lets it.
    assert restored(practice, tmp_path / "escrow", role="escrow") == whole
    seen = restored(practice, tmp_path / "before")
    assert seen == (without(whole, "Moss") if withheld else whole)

    assert erase_matter_key(practice.vault(), key_id) == 1

    everybody = [
        practice.keys.worker, practice.keys.operations, practice.keys.escrow,
        practice.keys.escrow_2, *holder,
    ]  # fmt: skip
    rest = without(whole, "Moss")
    for place in (practice.store, LocalStore(copy)):
        vault = practice.vault("escrow", place)
        vault.identities = tuple(everybody)
        ring = vault.keyring
        with pytest.raises(NoKey, match="destroyed"):
            ring.identity(key_id)
        every = [ring.identity(e.key_id) for e in vault.trust.newest.epochs] + everybody
        sealed_to_it = {p.pack for p in head.commit.packs if p.key_id == key_id}
        sealed_to_it |= {p.pack for p in history.at(1).commit.packs if p.key_id == key_id}
        assert sealed_to_it
        for digest in sealed_to_it:
            with pytest.raises(NoKey):
                open_sealed(place.get(names.pack(digest)), every)
        for version in place.list("snapshots/"):
            try:
                rows = open_sealed(place.get(version.name), every)
            except NoKey:
                continue
            assert b"Moss" not in rows
        plan, report = practice.restore(
            tmp_path / f"after-{place.label[-4:]}", store=place, role="escrow"
        )
        assert report.whole
        assert plan.choices[0].sealed_away == (key_id,)
        assert tree(tmp_path / f"after-{place.label[-4:]}" / "files") == rest
        with pytest.raises(MunimentError):
            practice.restore(
                tmp_path / "matter", Selection(Scope.MATTER, matter(practice, MOSS)), store=place
            )
    assert check(practice.vault("nobody"), read_back=EVERYTHING).good
    seen = verify(practice.vault(), EVERYTHING)
    assert seen.good
    assert key_id in seen.closed
    # Its documents are still on the share: the firm's next backups go on, sealed to a key nobody has.
    practice.write("Office/list.txt", "paper, pens")
    assert practice.back_up().completeness == "complete"


def test_of_a_matter_keyed_late_it_is_said_what_remains_where_and_until_when(
    practice: Practice, tmp_path: Path
) -> None:
    practice.write(f"Matters/{MOSS} Moss/deed.txt", os.urandom(20_000_000))
    practice.back_up(threads=1)
    practice.write(f"Matters/{MOSS} Moss/codicil.txt", os.urandom(5_000))
    practice.back_up(threads=1)
    key_id = key_matter(practice, MOSS)

    left = residue(practice.vault(), key_id)
    assert not left.none
    assert left.earliest is None
    assert left.snapshots == (("files", 1), ("files", 2))
    assert {r.holds for r in left.remaining} == {BYTES, ROWS}
    assert {r.key_id for r in left.remaining} == {"recovery-00000001"}
    assert "no date yet" in left.text and "Moss" not in left.text

    assert any(r.others for r in left.remaining if r.holds == BYTES), "a pack shared with others"
    assert "other matters" in left.text

    # The next backup writes the matter anew, and whatever lay in a pack with it.
    outcome = practice.back_up()
    assert outcome.completeness == "complete"
    named = practice.vault().history("files").at(3).commit.packs
    assert {p.key_id for p in named if p.new} == {key_id, "recovery-00000001"}
    left = residue(practice.vault(), key_id)
    assert not any(r.others for r in left.remaining)
    # Rows of the first commits are needed until a base stands in for them.
    assert {r.holds for r in left.remaining if r.earliest is None} == {BYTES, ROWS}
    history = practice.vault().history("files")
    rebase(practice.vault(), history, history.at(3), tmp_path / "staging")
    left = residue(practice.vault(), key_id)
    assert left.earliest == practice.clock.now() + GRACE
    assert left.snapshots == (("files", 1), ("files", 2))
    assert restored(practice, tmp_path / "between") == tree(practice.share)
    packs = sorted(v.name for v in practice.store.list("packs/"))
    practice.write("Office/new.txt", "one more day")
    practice.back_up()
    assert len(list(practice.store.list("packs/"))) == len(packs) + 1, "once is enough"

    office = RetentionOffice(practice.vault("retention"))
    history = practice.vault().history("files")
    office.forget([(history.at(n), "order") for n in (1, 2)])
    later(practice, timedelta(days=8))
    office.condemn(office.plan_condemn())
    promised = residue(practice.vault(), key_id).earliest
    assert promised == practice.clock.now() + GRACE
    assert residue(practice.vault(), key_id).snapshots == ()
    later(practice, GRACE)
    office.sweep()
    assert residue(practice.vault(), key_id).none

    erase_matter_key(practice.vault(), key_id)
    assert restored(practice, tmp_path / "back", role="escrow") == without(
        tree(practice.share), "Moss"
    )


def test_rows_that_nobody_here_opens_are_no_proof_of_absence(practice: Practice) -> None:
    practice.back_up()
    key_id = key_matter(practice, MOSS)
    left = residue(practice.vault("worker"), key_id)
    assert left.remaining == ()
    assert left.unread and not left.none and left.earliest is None
