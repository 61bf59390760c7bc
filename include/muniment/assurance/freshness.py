"""Freshness: does the store say as much as checkpoints, and what is known outside it, say?

From inside a store nobody can see that its newest objects were removed. Every checkpoint that counts
is held against what is there, not the newest alone: after a removal the next one would say nothing of
it. What is known outside shows the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from muniment.assurance.presence import Listing
from muniment.errors import FormatError, StoreError
from muniment.ids import sha256_hex
from muniment.model.value import Value
from muniment.vault import names
from muniment.vault.checkpoints import Outside, unsigned_stores
from muniment.vault.documents import Checkpoint, Head
from muniment.vault.evidence import Stream
from muniment.vault.finding import Finding, Severity
from muniment.vault.history import History
from muniment.vault.resolve import Resolved, by_name, missing_numbers
from muniment.vault.signing import Envelope
from muniment.vault.vault import Vault


class Inside(Value, frozen=True):
    """What the store says."""

    histories: Mapping[str, History]
    checkpoints: Sequence[Resolved[Checkpoint]]
    streams: Mapping[str, Stream]
    listing: Listing


def compare(vault: Vault, outside: Outside, inside: Inside) -> tuple[list[Finding], str]:
    """Findings where the store says less, and the word for its freshness.

    `proven` takes something known outside, and that all of it is there; `disproven` is said when some
    of it is not; `not proven` when nothing is known outside.
    """
    outer: list[Finding] = []
    known = list(_believed_outside(vault, outside, inside, outer))
    outer += _marks(outside, inside, known)
    outer += _outside_commits(outside, inside.histories)
    for checkpoint in known:
        outer += _behind(vault, [checkpoint], inside)
    findings = [*outer, *_behind(vault, [c.value for c in inside.checkpoints], inside)]
    newest = max([*known, *(c.value for c in inside.checkpoints)], key=lambda c: c.at, default=None)
    if newest:
        findings += _unsigned(vault, newest)
    if not outside.proves_freshness:
        return findings, "not proven"
    return findings, "disproven" if outer else "proven"


# -- what is known outside -------------------------------------------------------------------------


def _believed_outside(
    vault: Vault, outside: Outside, inside: Inside, findings: list[Finding]
) -> Iterator[Checkpoint]:
    """The checkpoints kept outside. They are signed; what nobody entitled signed is told."""
    publics = vault.trust.publics("operations").values()
    digests = {r.digest for r in inside.checkpoints}
    for data in outside.checkpoints:
        try:
            envelope = Envelope.parse(data, "checkpoint")
            if not any(envelope.signed_by(public) for public in publics):
                raise FormatError("it is signed by nobody whom the vault knows as operations")
            known = Checkpoint.from_payload(envelope.payload())
            if known.vault_id != vault.vault_id:
                raise FormatError("it is another vault's")
        except FormatError as error:
            what = f"a checkpoint known outside cannot be compared: {error.what}"
            findings.append(_rollback("checkpoints/", what))
            continue
        if sha256_hex(data) not in digests:
            what = "the checkpoint known outside is not in the store"
            findings.append(_rollback(names.checkpoint(known.at), what))
        yield known


def _marks(outside: Outside, inside: Inside, known: Iterable[Checkpoint]) -> Iterator[Finding]:
    digests = {r.digest for r in inside.checkpoints}
    kept = {sha256_hex(data) for data in outside.checkpoints}
    for mark in outside.marks:
        if not any(digest.startswith(mark) for digest in digests | kept):
            what = f"the checkpoint with the mark {mark[:8]}... known outside is not in the store"
            yield _rollback("checkpoints/", what)


def _outside_commits(outside: Outside, histories: Mapping[str, History]) -> Iterator[Finding]:
    for source, seq, digest in outside.commits:
        history = histories.get(source)
        if not _digest_at(history, seq).startswith(digest):
            what = "the commit known outside is not in the store: it was rolled back or removed"
            name = names.commit(source, seq)
            yield Finding("D120", Severity.DAMAGE, name, what, (source,), (seq,))
            yield from _before(source, seq, history)


def _digest_at(history: History | None, seq: int) -> str:
    records = history.records if history else ()
    return next((r.digest for r in records if r.seq == seq), "")


def _before(source: str, seq: int, history: History | None) -> list[Finding]:
    """Commits between the newest that is there and one that is known and gone."""
    highest = max(history.taken, default=0) if history else 0
    gap = (names.commit(source, n) for n in range(highest + 1, seq))
    return missing_numbers(gap, (), (source,))


# -- what checkpoints say --------------------------------------------------------------------------


def _behind(vault: Vault, checkpoints: Sequence[Checkpoint], inside: Inside) -> Iterator[Finding]:
    heads = {(s, h.seq, h.digest) for c in checkpoints for s, h in c.heads.items()}
    for source, seq, digest in sorted(heads):
        history = inside.histories.get(source)
        if _digest_at(history, seq) != digest:
            what = "a checkpoint names this commit as head and it is not in the store"
            name = names.commit(source, seq)
            yield Finding("D121", Severity.DAMAGE, name, what, (source,), (seq,))
            yield from _before(source, seq, history)
    documents = {d.value.number: d.digest for d in vault.trust.documents}
    references = {(c.vault_document.number, c.vault_document.digest) for c in checkpoints}
    for number, digest in sorted(references):
        if documents.get(number) != digest and number >= min(documents):
            what = "a checkpoint names this vault document and it is not in the store"
            yield _rollback(names.vault_document(number), what)
    log = vault.retention()
    entries = {e.value.number: e.digest for e in log.entries}
    references = {(c.retention.number, c.retention.digest) for c in checkpoints if c.retention}
    for number, digest in sorted(references):
        if entries.get(number) != digest:
            what = "a checkpoint names this retention entry and it is not in the store"
            yield _rollback(names.retention(number), what)
    bases = {(s, b) for c in checkpoints for s, listed in c.bases.items() for b in listed}
    for source, base in sorted(bases):
        name = f"bases/{source}/{base}.json"
        there = any(not v.delete_marker for v in inside.listing.get(name, ()))
        if not there and name not in log.swept:
            what = "a checkpoint names this base and it is not in the store"
            yield Finding("D122", Severity.DAMAGE, name, what, (source,))
    streams = {(s, h.seq, h.digest) for c in checkpoints for s, h in c.evidence.items()}
    yield from _evidence(streams, inside.streams)


def _evidence(
    heads: Iterable[tuple[str, int, str]], streams: Mapping[str, Stream]
) -> Iterator[Finding]:
    for stream, seq, digest in sorted(heads):
        found = streams.get(stream)
        there = {Head(seq=e.value.seq, digest=e.digest) for e in found.entries} if found else set()
        if Head(seq=seq, digest=digest) not in there:
            what = "a checkpoint names this entry of evidence and it is not in the store"
            yield _rollback(names.evidence(stream, seq), what)
            highest = found.highest_seq if found else 0
            gap = (names.evidence(stream, n) for n in range(highest + 1, seq))
            yield from missing_numbers(gap, ())


def _unsigned(vault: Vault, newest: Checkpoint) -> Iterator[Finding]:
    """Keys and recovery files are what the newest checkpoint says; it carries on what earlier ones said."""
    there: dict[str, list[str]] = {}
    for store in unsigned_stores(vault):
        groups = [*by_name(store.list("keys/"))]
        for name in names.RECOVERY_FILES if store is vault.store else ():
            groups += [g for g in by_name(store.list(name)) if g[0] == name]
        for name, versions in groups:
            for version in versions:
                if version.delete_marker:
                    continue
                try:
                    data = store.get(name, version=version.version or None)
                    there.setdefault(name, []).append(sha256_hex(data))
                except StoreError as error:
                    what = f"the object is there and cannot be read: {error.what}"
                    yield Finding("D134", Severity.DAMAGE, name, what, _sources(vault, name))
    for name, digest in newest.objects.items():
        if names.is_matter_key(name) and vault.matter_keys is None:
            continue
        matters = (names.matter_of_key(name.split("/")[1]),) if names.is_matter_key(name) else ()
        if name not in there:
            code, severity = "D123", Severity.DAMAGE
            what = "a checkpoint names this object and it is not in the store"
        elif digest not in there[name]:
            code, severity = "D124", Severity.DAMAGE
            what = "no version of the object is the one that the checkpoint names"
        elif there[name][0] != digest or len(set(there[name])) > 1:
            code, severity = "T204", Severity.TAMPERING
            what = "another version lies on or under the one that the checkpoint names"
        else:
            continue
        yield Finding(code, severity, name, what, _sources(vault, name), (), matters)


def _sources(vault: Vault, name: str) -> tuple[str, ...]:
    source = names.source_of(name)
    return (source,) if source else ()


def _rollback(name: str, what: str) -> Finding:
    return Finding("D125", Severity.DAMAGE, name, what)
