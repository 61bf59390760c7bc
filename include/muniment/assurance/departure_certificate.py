"""DepartureCertificate: what lets an office manager deactivate an account - written, signed, kept in the evidence, checked.

It says what the account had by the vendor's own lists, in which snapshot all of it stands, that it came back and was compared,
who confirmed legal hold, delegates and forwarding, and what no backup of this kind has. It names the account, so it is sealed.

Invariant: it is refused where anything lacks, differs, or is a gap that nobody accepted; a refusal is no certificate with a
remark.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from muniment.assurance.departure import Compared, Restored, commit_of
from muniment.clock import to_text
from muniment.errors import CertificateRefused, FormatError, NothingToRestore, SignatureError
from muniment.evidence.departures import (
    DEPARTURES,
    Departure,
    DepartureCertified,
    DepartureConfirmed,
    departures_in,
)
from muniment.evidence.events import write
from muniment.ids import sha256_hex
from muniment.model.value import Value
from muniment.recovery.certificate.certify import tool_versions
from muniment.sources.m365.account import Account
from muniment.sources.m365.coverage import NOT_COVERED
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import open_detail
from muniment.vault.signing import verified
from muniment.vault.vault import Vault

KIND = "departure"
"""The type under which the statement is signed."""
STATEMENT, SIGNED, PAGE = "certificate.json", "certificate.signed.json", "certificate.html"
SAYS = (
    "Everything that this account has in its mailbox, its calendars, its contacts and its OneDrive{gaps} was read whole and"
    " fetched anew, stands in the snapshot that is named here, was restored from the store alone, and is equal. As far as this"
    " backup reaches, the account is safe to deactivate. Nothing was deactivated."
)
BUT_FOR_GAPS = ", but for the gaps that somebody accepted and that are named here,"
_WORDS = {
    "message_mime": "messages", "event_ics": "events", "event_attachment": "attachments of events", "contact_vcf": "contacts",
    "drive_file": "files", "drive_version": "older versions of files",
}  # fmt: skip
"""What has bytes of its own, for people; the rest is rows of the vendor about these."""


class Asked(Value, frozen=True):
    """Which departure it is, and when it was asked for."""

    departure_id: str
    firm: str
    source: str
    user: str
    requested_at: str
    requested_by: str
    inventoried_at: str


def refusals(account: Account, compared: Compared, restored: Restored) -> list[str]:
    """Why there can be no certificate; empty where there can. Counts and causes only."""
    found = []
    if compared.lacking_count:
        found.append(f"the vendor lists {compared.lacking_count:,} items that the snapshot lacks")
    if not restored.whole:
        found.append(
            f"of {restored.items:,} items {restored.equal:,} came back equal, with {restored.extra:,} besides"
        )
    open_gaps = {
        cause: count - restored.accepted.get(cause, 0) for cause, count in restored.gaps.items()
    }
    found += [f"{n:,} items: {cause}" for cause, n in open_gaps.items() if n]
    # Rows under a matter's own key open nowhere but with its custodian: by count it shows whether any are theirs.
    short = sum(max(0, n - restored.kinds.get(kind, 0)) for kind, n in compared.found.items())
    if short:
        closed = f"; rows under {restored.sealed_away} keys stay closed here" * bool(restored.sealed_away)  # fmt: skip
        found.append(f"{short:,} items of the snapshot did not come back{closed}")
    had = account.counts.get("message", 0)
    if had and not compared.found.get("message") and not compared.later:
        found.append(f"the mailbox had {had:,} messages when it was counted, and lists none now")
    return found


def statement(
    vault: Vault,
    asked: Asked,
    account: Account,
    confirmed: DepartureConfirmed,
    compared: Compared,
    restored: Restored,
) -> dict[str, Any]:
    """What is certified, as plain data. Raises CertificateRefused, StoreError."""
    wrong = refusals(account, compared, restored)
    if wrong:
        raise CertificateRefused(
            "the account cannot be certified: " + "; ".join(wrong),
            to=f"departure {asked.departure_id}, source {asked.source}",
            safe="The account and all backups are as they were. Do not deactivate it yet.",
            todo="Mend it at the vendor, or have a gap accepted for a time (`exceptions` of firm.yaml); then clear"
            " `full_backup` with what follows.",
        )
    commit, signer = commit_of(vault, asked.source, restored.seq)
    return {
        "type": "muniment certificate of a departure",
        "format": 1,
        "says": SAYS.format(gaps=BUT_FOR_GAPS if restored.accepted else ""),
        "vault_id": vault.vault_id,
        "firm": asked.firm,
        "departure_id": asked.departure_id,
        "source": asked.source,
        "account": {
            "id": account.id,
            "opaque_id": asked.user,
            "name": account.name,
            "addresses": list(account.addresses),
            "enabled_when_counted": account.enabled,
            "purpose": account.purpose,
        },
        "requested_at": asked.requested_at,
        "requested_by": asked.requested_by,
        "counted_at": asked.inventoried_at,
        "counted": account.told(),
        "not_listed_by_the_vendor": list(account.unasked),
        "confirmed": {
            "by": confirmed.confirmed_by,
            "legal_hold": confirmed.hold,
            "delegates": confirmed.delegates,
            "forwarding": confirmed.forwarding,
        },
        "snapshot": {
            "seq": restored.seq,
            "commit": restored.commit,
            "signer": signer,
            "run_id": commit.run_id,
            "started_at": to_text(commit.started_at),
            "ended_at": to_text(commit.ended_at),
            "completeness": commit.completeness.value,
            "read": "whole, without a delta; every item fetched anew",
        },
        "listed_after_the_backup_and_there": dict(compared.found),
        "made_after_the_backup_began": compared.later,
        "restored": {
            "items": restored.items,
            "bytes": restored.bytes,
            "equal": restored.equal,
            "documents": restored.documents,
            "documents_that_open": restored.opened,
            "by_kind": dict(restored.kinds),
            "item_set": restored.digest,
            "plan_digest": restored.plan_digest,
        },
        "accepted_gaps": dict(restored.accepted),
        "not_covered": list(NOT_COVERED),
        "certified_at": to_text(vault.clock.now()),
        "tools": tool_versions(),
        "signer": vault.signer.keyid,
        "root_public": vault.pin.root_public.hex(),
    }


def certify_departure(vault: Vault, asked: Asked, said: Mapping[str, Any]) -> DepartureCertified:
    """Signs the statement and keeps both in the evidence, sealed. Raises SignatureError, StoreError."""
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    event = DepartureCertified(
        asked.departure_id, asked.source, asked.user, sha256_hex(body.encode()),
        said["snapshot"]["seq"], said["snapshot"]["commit"], said["restored"]["items"],
    )  # fmt: skip
    detail = {STATEMENT: body, SIGNED: vault.signer.sign(KIND, said).decode()}
    write(vault, DEPARTURES, event, detail)
    return event


# -- afterwards --------------------------------------------------------------------------------------


class Checked(Value, frozen=True):
    """A certificate that holds: who signed it, and what it says."""

    departure: Departure
    signer: str
    said: Mapping[str, Any]
    parts: Mapping[str, bytes]


def check_certificate(entries: Sequence[EvidenceEntry], departure_id: str, vault: Vault) -> Checked:
    """Verifies the newest certificate of a departure. Needs an identity that opens evidence.

    Raises NothingToRestore where it has none, SignatureError where it is not operations' signature or not over this
    statement, FormatError, NoKey.
    """
    mine = [e for e in entries if e.event == DepartureCertified.event and e.subject == departure_id]
    found = [d for d in departures_in(entries) if d.departure_id == departure_id]
    if not mine or not found:
        raise NothingToRestore(
            "this departure has no certificate",
            to=f"departure {departure_id}",
            todo="See `muniment departures list`.",
        )
    detail = open_detail(vault, mine[-1])
    try:
        body, signed = str(detail[STATEMENT]).encode(), str(detail[SIGNED]).encode()
        said: dict[str, Any] = json.loads(body)
    except (KeyError, ValueError):
        where = f"{mine[-1].stream}/{mine[-1].seq}"
        raise FormatError("the evidence of a certificate does not have it", to=where) from None
    payload, keyid = verified(signed, KIND, vault.trust.publics("operations"))
    if payload != said or sha256_hex(body) != mine[-1].facts.get("certificate"):
        raise SignatureError(
            "the certificate is not the one that was signed", to=f"departure {departure_id}"
        )
    parts = {
        STATEMENT: json.dumps(said, ensure_ascii=False, indent=2).encode() + b"\n",
        SIGNED: signed,
        PAGE: page(said, sha256_hex(body)).encode(),
    }
    return Checked(found[-1], keyid, said, parts)


def lines(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The statement for people: what, and what of it."""
    restored, snapshot, confirmed = said["restored"], said["snapshot"], said["confirmed"]
    by_kind = dict(restored["by_kind"])
    named = [f"{by_kind.pop(kind):,} {words}" for kind, words in _WORDS.items() if kind in by_kind]
    kinds = ", ".join([*named, f"{sum(by_kind.values()):,} rows about them"])
    gaps = ", ".join(f"{n:,}: {cause}" for cause, n in said["accepted_gaps"].items())
    return [
        ("Departure", said["departure_id"]),
        ("Snapshot", f"{said['source']}/{snapshot['seq']}, {snapshot['ended_at']}, {snapshot['read']}"),
        ("Came back", f"{restored['equal']:,} of {restored['items']:,} items, {restored['bytes']:,} bytes: {kinds}"),
        ("Documents that open", f"{restored['documents_that_open']:,} of {restored['documents']:,}; the bytes of all are the vendor's"),
        ("Made after the backup began", f"{said['made_after_the_backup_began']:,} items; not in it"),
        ("Legal hold", f"{confirmed['legal_hold']}, said by {confirmed['by']}"),
        ("Delegates", f"{confirmed['delegates']}, said by {confirmed['by']}"),
        ("Forwarding", f"{confirmed['forwarding']}, said by {confirmed['by']}"),
        ("Accepted gaps", gaps or "none"),
        ("Never in such a backup", ", ".join(said["not_covered"])),
        ("Certified", f"{said['certified_at']}, signed by {said['signer']}"),
    ]  # fmt: skip


def page(said: Mapping[str, Any], digest: str) -> str:
    """The certificate to read and to print."""
    rows = [("Account", said["account"]["name"]), *lines(said), ("Statement, SHA-256", digest)]
    cells = "".join(
        f"<tr><th>{html.escape(what)}</th><td>{html.escape(str(value))}</td></tr>" for what, value in rows
    )  # fmt: skip
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Certificate of a departure</title>"
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        "<style>body{font:15px/1.5 system-ui;max-width:50em;margin:3em auto;padding:0 1em}"
        "th{text-align:left;vertical-align:top;padding:.3em 1.5em .3em 0;white-space:nowrap}td{padding:.3em 0}"
        "p{border-left:4px solid #2a7;padding-left:1em}</style></head>"
        f"<body><h1>Safe to deactivate</h1><p>{html.escape(str(said['says']))}</p><table>{cells}</table></body></html>\n"
    )
