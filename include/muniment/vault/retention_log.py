"""The retention log: what is forgotten, condemned, reprieved and swept, in one signed order."""

from __future__ import annotations

from datetime import datetime

from msgspec import field

from muniment.errors import FormatError
from muniment.model.value import Value
from muniment.vault import names
from muniment.vault.checkpoint_log import REVOKED
from muniment.vault.documents import RetentionEntry
from muniment.vault.finding import Finding, Severity
from muniment.vault.resolve import Resolved, missing_numbers, resolve_signed
from muniment.vault.signing import verified
from muniment.vault.store.base import Store
from muniment.vault.trust import Trust


class RetentionLog(Value, frozen=True):
    """All trusted entries in order, and what they add up to."""

    entries: tuple[Resolved[RetentionEntry], ...] = ()
    findings: tuple[Finding, ...] = ()
    forgotten: frozenset[tuple[str, int, str]] = frozenset()
    """(source, seq, digest) of commits that are no restore points any more."""
    condemned: dict[str, datetime] = field(default_factory=dict)
    """Name -> not before; objects that may be deleted then unless something names them again."""
    swept: frozenset[str] = frozenset()
    doubted: frozenset[str] = frozenset()
    """What entries of a revoked signer, which do not count, say is going or gone."""

    @property
    def head(self) -> Resolved[RetentionEntry] | None:
        return self.entries[-1] if self.entries else None

    def unusable(self, name: str) -> bool:
        """A swept or condemned object is no target for de-duplication; nor is one that a thief may
        have removed."""
        return name in self.swept or name in self.condemned or name in self.doubted


def load_retention(store: Store, trust: Trust) -> RetentionLog:
    publics = trust.publics("retention")

    def accept(name: str, data: bytes) -> tuple[RetentionEntry, str]:
        payload, keyid = verified(data, "retention", publics)
        entry = RetentionEntry.from_payload(payload)
        if entry.vault_id != trust.pin.vault_id or name != names.retention(entry.number):
            raise FormatError("the retention entry belongs elsewhere")
        return entry, keyid

    found = resolve_signed(store, "retention/", accept, lenient=trust.lenient)
    findings = list(found.findings)
    chain: list[Resolved[RetentionEntry]] = []
    signers: list[str] = []
    for resolved in sorted(found.objects, key=lambda r: r.value[0].number):
        entry, keyid = resolved.value
        # Numbers may be passed over: a stranger can take them. The parent is what links.
        if entry.parent != (chain[-1].digest if chain else None):
            findings.append(
                Finding(
                    "T230",
                    Severity.TAMPERING,
                    resolved.name,
                    "the chain of the retention log is broken here",
                )
            )
            before = chain[-1].value.number if chain else 0
            gap = range(before + 1, entry.number)
            findings += missing_numbers(map(names.retention, gap), found.names)
            break
        chain.append(Resolved(resolved.name, resolved.version, resolved.digest, entry))
        signers.append(keyid)
    counting = _counting(chain, signers, trust)
    findings += [
        Finding("T221", Severity.TAMPERING, r.name, REVOKED.format("entry of the retention log"))
        for r in chain
        if r.digest not in counting
    ]
    return _summed(chain, findings, counting)


def _counting(
    chain: list[Resolved[RetentionEntry]], signers: list[str], trust: Trust
) -> frozenset[str]:
    """Digests of the entries that count. A later one that does vouches for those it builds upon."""
    counting: set[str] = set()
    times: list[datetime] = []
    for resolved, keyid in reversed(list(zip(chain, signers, strict=True))):
        if not trust.stands(keyid, resolved.digest, times):
            continue
        counting.add(resolved.digest)
        entry = trust.signer(keyid)
        if entry is None or entry.revoked is None:
            times.append(resolved.value.at)
        times += [r.at for r in trust.recorded if resolved.digest in r.digests]
    return frozenset(counting)


def _summed(
    chain: list[Resolved[RetentionEntry]], findings: list[Finding], counting: frozenset[str]
) -> RetentionLog:
    forgotten: set[tuple[str, int, str]] = set()
    condemned: dict[str, datetime] = {}
    swept: set[str] = set()
    doubted: set[str] = set()
    for resolved in chain:
        entry = resolved.value
        if resolved.digest not in counting:
            doubted.update(target.name for target in entry.objects)
            continue
        if entry.action == "forget":
            forgotten.update((c.source, c.seq, c.digest) for c in entry.commits)
        for target in entry.objects:
            if entry.action == "condemn":
                condemned[target.name] = target.not_before or entry.at
                # What was swept and written again since may be condemned again.
                swept.discard(target.name)
            elif entry.action == "reprieve":
                condemned.pop(target.name, None)
            elif entry.action == "swept":
                condemned.pop(target.name, None)
                swept.add(target.name)
    return RetentionLog(
        tuple(chain),
        tuple(findings),
        frozenset(forgotten),
        condemned,
        frozenset(swept),
        frozenset(doubted),
    )
