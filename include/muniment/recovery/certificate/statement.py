"""Statement: what is certified, as plain data; the list of files; the chain of custody. Pure functions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import field

from muniment.ids import sha256_hex
from muniment.model.value import Value
from muniment.recovery.certificate.rules import Rule, remarks, rule_of

FORMAT = 1

NOT_LEGAL_ADVICE = (
    "This is a statement about data and how it was handled. It is not legal advice. Whether and how it can be used "
    "in a proceeding, what notice is due, and who is qualified to sign it is for a lawyer to decide. It concerns authenticity only; "
    "relevance, hearsay and every other objection stay open."
)

PROCESS = (
    "Each item is read from its source by a read-only account. While it is read, SHA-256 is computed over its bytes as received. The "
    "bytes are compressed (zstd) and encrypted (age v1) into objects named by their own SHA-256, and stored where the account "
    "that wrote them can neither change nor delete them. A signed record (Ed25519) of each run, the commit, names every object by digest and "
    "the commit before it by digest. For this delivery the commit's signature was verified, the objects were read, decrypted and "
    "hashed, the files were written, and each file was read again where it stands and hashed: the digest must equal the one "
    "computed at collection."
)


SEALED_PROCESS = (
    " This delivery was sealed: the files were written, without ever lying on a disk in the clear, into age v1 files sealed to the "
    "recipient named above and to a key of this delivery alone. With that key each sealed file was opened again, once when it was "
    "written and once for this certificate, and every file in it hashed. It is erased as soon as this certificate is sealed, the last of "
    "all. What is certified are the files as they "
    "come out of the sealed ones, whose SHA-256 are named too."
)


class Delivered(Value, frozen=True):
    """One file of a delivery that was found equal to the vault. `path` is percent text (docs/FORMAT.md, section 1), relative to the
    delivery; it is in the list of files and not in the statement. `collected_at` is when its snapshot ended."""

    source: str
    item_id: str
    kind: str
    path: str
    size: int
    sha256: str

    @property
    def rule(self) -> Rule:
        return rule_of(self.kind)


class Snapshot(Value, frozen=True):
    """Where the items of one source come from. `signer` is the key id that signed the commit."""

    source: str
    system: str
    seq: int
    commit: str
    signer: str
    started_at: str
    ended_at: str
    completeness: str
    clock_offset_ms: int | None
    run_id: str
    proof: str
    passed_over: tuple[tuple[int, str], ...] = ()


class Handling(Value, frozen=True):
    """Who and when, as far as it was said: ids of `people`, times as RFC 3339. `occasion` is `restore` or `drill`; `approved`
    are (who, when), the time empty where an approval was only stated."""

    occasion: str
    restore_id: str
    requested_at: str
    performed_at: str
    certified_at: str
    requested_by: str = ""
    approved: tuple[tuple[str, str], ...] = ()
    received_by: str = ""
    reason: str = ""
    phases: Mapping[str, float] = field(default_factory=dict)


def digests_text(files: Iterable[Delivered]) -> str:
    """For `sha256sum -c`, and for `verify_delivery.py`: digest, two spaces, path as it is in percent text."""
    return "".join(f"{f.sha256}  {f.path}\n" for f in files)


def items_text(files: Iterable[Delivered]) -> str:
    """One JSON object a line, in the order of the list of digests."""
    return "".join(
        json.dumps(
            {
                "source": f.source,
                "item": f.item_id,
                "kind": f.kind,
                "rule": f.rule.value,
                "size": f.size,
                "sha256": f.sha256,
                "path": f.path,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )
        + "\n"
        for f in files
    )


def statement(
    *,
    plan: Mapping[str, Any],
    plan_digest: str,
    ids: Sequence[str],
    handling: Handling,
    snapshots: Sequence[Snapshot],
    files: Sequence[Delivered],
    others: Mapping[str, int],
    differences: Mapping[str, int],
    digests_sha256: str,
    items_sha256: str,
    custody_sha256: str,
    tools: Mapping[str, str],
    sealed: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The statement, without a name in it: opaque ids, numbers, digests, times.

    Args:
        ids: the opaque ids of the matter, none where it is not a matter.
        others: items of the plan without content of their own (folders, links), by kind.
        differences: what the target could not keep of how many items.
        sealed: to whom and in which files it is sealed; None where it stands in the open.
    """
    kinds = Counter(f.kind for f in files)
    return {
        "type": "muniment certificate of a delivery",
        "format": FORMAT,
        "vault_id": plan["vault_id"],
        "occasion": handling.occasion,
        "restore_id": handling.restore_id,
        "asked_for": {"scope": plan["scope"], "value": plan["selection"], "matter_ids": list(ids)},
        "as_of": plan["as_of"],
        "plan_digest": plan_digest,
        "requested_at": handling.requested_at,
        "requested_by": handling.requested_by,
        "approved": [{"by": who, "at": when} for who, when in handling.approved],
        "received_by": handling.received_by,
        "reason": handling.reason,
        "performed_at": handling.performed_at,
        "certified_at": handling.certified_at,
        "phases_seconds": dict(handling.phases),
        "snapshots": [
            {
                "source": s.source,
                "system": s.system,
                "seq": s.seq,
                "commit": s.commit,
                "signer": s.signer,
                "run_id": s.run_id,
                "started_at": s.started_at,
                "ended_at": s.ended_at,
                "completeness": s.completeness,
                "clock_offset_ms": s.clock_offset_ms,
                "shown_before_the_first_write": s.proof,
                "passed_over": [list(p) for p in s.passed_over],
            }
            for s in snapshots
        ],
        "files": len(files),
        "bytes": sum(f.size for f in files),
        "files_by_rule": dict(sorted(Counter(f.rule.value for f in files).items())),
        "files_by_kind": dict(sorted(kinds.items())),
        "without_content": dict(sorted(others.items())),
        "sha256_of": {
            "SHA256SUMS": digests_sha256,
            "items.jsonl": items_sha256,
            "custody.jsonl": custody_sha256,
        },
        "exceptions": exceptions(plan, differences),
        "remarks": remarks(kinds),
        "process": PROCESS + SEALED_PROCESS if sealed else PROCESS,
        "tools": dict(tools),
        "not_legal_advice": NOT_LEGAL_ADVICE,
        **({"sealed": dict(sealed)} if sealed else {}),
    }


def exceptions(plan: Mapping[str, Any], differences: Mapping[str, int]) -> list[str]:
    """What a reader must know that the delivery is not. Never empty of what the plan said."""
    found = []
    for choice in plan["choices"]:
        where = choice["source"]
        if choice["problems"]:
            found.append(f"{where}: {choice['problems']:,} items could not be read at collection")
        for reason, count in choice["withheld"].items():
            found.append(f"{where}: {count:,} items withheld: {reason}")
        if choice["sealed_away"]:
            found.append(
                f"{where}: rows under {len(choice['sealed_away'])} keys were not opened and are not here"
            )
        if choice["loss_seconds"]:
            found.append(
                f"{where}: a newer snapshot was damaged; {choice['loss_seconds']:,} seconds lie between"
            )
        if choice["completeness"] != "complete":
            found.append(f"{where}: the snapshot is {choice['completeness'].replace('_', ' ')}")
    found += [f"{source}: {why}" for source, why in plan["without"]]
    found += [
        f"{count:,} items: {what} could not be kept here" for what, count in differences.items()
    ]
    return found


def custody_lines(
    handling: Handling,
    snapshots: Sequence[Snapshot],
    counts: Mapping[str, tuple[int, str]],
    plan_digest: str,
    tool: str,
    operator: str,
    sealed: Mapping[str, Any] | None = None,
) -> list[str]:
    """The chain of custody, one JSON object a line in the order of time; each names the SHA-256 of the line before it.

    Args:
        counts: by source, how many items and the digest over exactly these items with exactly this content.
        operator: key id of who decrypted and delivered, empty without one.
        sealed: as in `statement`.
    """
    events: list[dict[str, Any]] = []
    for s in snapshots:
        items, digest = counts[s.source]
        of = {
            "source": s.source,
            "snapshot": s.seq,
            "commit": s.commit,
            "items": items,
            "item_set": digest,
        }
        events += [
            {
                "at": s.started_at,
                "action": "collection began",
                "by": s.signer,
                "run": s.run_id,
                **of,
            },
            {
                "at": s.ended_at,
                "action": "collected, encrypted, stored, signed",
                "by": s.signer,
                **of,
            },
        ]
    events.sort(key=lambda e: e["at"])
    asked = {"plan": plan_digest, "restore": handling.restore_id}
    events.append(
        {"at": handling.requested_at, "action": "requested", "by": handling.requested_by, **asked}
        | ({"reason": handling.reason} if handling.reason else {})
    )
    events += [
        {
            "at": when or handling.performed_at,
            "action": "approved" if when else "approval stated, not recorded here",
            "by": who,
            **asked,
        }
        for who, when in handling.approved
    ]
    to = {"recipient": sealed["to"]} if sealed else {}
    given = "sealed, opened again" if sealed else "delivered"
    for s in snapshots:
        items, digest = counts[s.source]
        of = {"source": s.source, "snapshot": s.seq, "items": items, "item_set": digest, **to}
        events.append(
            {
                "at": handling.performed_at,
                "action": f"read, {s.proof}, {given}, read back",
                "by": operator,
                **of,
            }
        )
    if handling.received_by:
        events.append(
            {
                "at": handling.performed_at,
                "action": "handed to",
                "by": handling.received_by,
                **asked,
            }
        )
    events.append(
        {
            "at": handling.certified_at,
            "action": f"hashed {'as it stands sealed' if sealed else 'where it stands'}, equal",
            "by": operator,
            **asked,
        }
    )
    lines: list[str] = []
    before = ""
    for number, event in enumerate(events, 1):
        line = json.dumps(
            {"n": number, **event, "tool": tool, "before": before},
            ensure_ascii=False,
            separators=(",", ":"),
        )
        lines.append(line)
        before = sha256_hex(line.encode())
    return lines
