"""What is read from the end of a series is what the whole series says, also after a revocation."""

from __future__ import annotations

from pathlib import Path

from muniment.alerts.newest import newest_commits, newest_entries
from muniment.vault.checkpoints import write_checkpoint
from muniment.vault.documents import Head
from muniment.vault.evidence import append, load_stream, worker_stream
from muniment.vault.setup import PublicSigner, add_signer, revoke_signer
from muniment.vault.signing import Signer
from tests.support.practice import Practice


def test_a_revoked_worker_keeps_what_a_checkpoint_from_before_recorded(tmp_path: Path) -> None:
    practice = Practice(tmp_path)
    practice.write("Office/list.txt", "paper")
    outcome = practice.back_up()
    stream = worker_stream("files")
    for number in (1, 2):
        append(practice.vault("worker"), stream, "run.failed", facts={"number": number})
    write_checkpoint(practice.vault())
    practice.tomorrow()
    append(practice.vault("worker"), stream, "run.failed", facts={"number": 3})
    successor = Signer.generate()
    root = practice.keys.root
    add_signer(practice.vault("escrow"), root, PublicSigner("worker", successor.public))
    trusted = {"files": Head(seq=outcome.seq, digest=outcome.digest)}
    stolen = practice.keys.worker_signer.keyid
    revoke_signer(practice.vault("escrow"), root, stolen, trusted)

    trust = practice.vault("nobody").trust
    found = newest_entries(practice.store, trust, stream, lambda entry: False)
    whole = load_stream(practice.store, trust, stream)
    assert [e.digest for e in found.objects] == [e.digest for e in whole.entries]
    assert [e.value.facts["number"] for e in found.objects][-2:] == [1, 2]
    assert [f.code for f in found.findings] == ["T221"]
    assert [c.value.seq for c in newest_commits(practice.store, trust, "files", 5).objects] == [1]
