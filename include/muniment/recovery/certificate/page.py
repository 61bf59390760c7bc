"""Page: the certificate for people, with a declaration that a person fills in and signs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from muniment.recovery.matter_file.html import facts, line, page, table

_DECLARATION = (
    "I am the person named below. My position and what I know of this from are as stated. I am familiar with how the systems named "
    "above are operated and with how their data are collected, stored and given back, as described under “How it was done”."
)
_COPY = (
    "Under Federal Rule of Evidence 902(14): the files marked 902(14) in items.jsonl were copied from the sources named above. That the "
    "copies are identical to what was collected was shown by a process of digital identification, SHA-256, computed at collection "
    "and again over each file where it stands."
)
_SYSTEM = (
    "Under Federal Rule of Evidence 902(13): the files marked 902(13) in items.jsonl are records that the systems named above generated "
    "when they were asked through their interfaces. The process of collection produces an accurate record of what those systems "
    "answered; that nothing changed since is shown by SHA-256, computed at collection and again over each file where it stands."
)
_OATH = (
    "I declare under penalty of perjury under the laws of the United States of America that the foregoing is true and correct "
    "(28 U.S.C. § 1746)."
)
_CHECK = (
    "python3 _certificate/verify_delivery.py, from the folder that was delivered, hashes every file again, checks the chain of custody and, "
    "with the program openssl, every signature. With --root-key and the root key from the firm's printed key card it also shows "
    "that the signer was entitled. Files alone: sha256sum -c _certificate/SHA256SUMS (names with unusual characters "
    "are written as %XX there)."
)


def certificate_page(said: Mapping[str, Any], digest: str) -> str:
    return page("Certificate of a delivery", _body(said, digest))


def _body(said: Mapping[str, Any], digest: str) -> Iterator[str]:
    yield f'<p class="warn">{line(said["not_legal_advice"])}</p>'
    asked = said["asked_for"]
    yield "<h2>What was delivered</h2>"
    yield facts(
        [
            ("Occasion", said["occasion"]),
            ("Restore", said["restore_id"]),
            ("Asked for", f"{asked['scope']} {asked['value']}".strip()),
            ("All ids of the matter", ", ".join(asked["matter_ids"])),
            ("As of", said["as_of"]),
            ("Files", f"{said['files']:,}, {said['bytes']:,} bytes"),
            ("Without content", _counted(said["without_content"])),
            ("Requested", _who(said["requested_at"], said["requested_by"])),
            ("Approved", "; ".join(_who(a["at"], a["by"]) for a in said["approved"])),
            ("Handed to", said["received_by"]),
            ("Sealed to", said["sealed"]["to"] if "sealed" in said else ""),
            ("Reason", said["reason"]),
            ("Delivered", said["performed_at"]),
            ("Hashed where it stands", said["certified_at"]),
            ("Plan", said["plan_digest"]),
            ("SHA-256 of the statement", digest),
            ("Signed by key", said["signer"] or "nobody: no signing key was at hand"),
        ]
    )
    yield "<h2>Where it comes from</h2>"
    yield table(
        ("source", "system", "snapshot", "collected, UTC", "completeness", "commit", "signed by key"),
        [
            (
                line(s["source"]), line(s["system"]), str(s["seq"]),
                line(f"{s['started_at']} to {s['ended_at']}"), line(s["completeness"].replace("_", " ")),
                line(s["commit"]), line(s["signer"]),
            )
            for s in said["snapshots"]
        ],
    )  # fmt: skip
    if "sealed" in said:
        yield "<h2>The sealed files</h2>"
        yield table(
            ("file", ">bytes", "SHA-256"),
            [
                (line(p["name"]), f"{p['size']:,}", line(p["sha256"]))
                for p in said["sealed"]["parts"]
            ],
        )
    yield "<h2>Which rule</h2>"
    yield table(("rule", "files"), [(line(r), f"{n:,}") for r, n in said["files_by_rule"].items()])
    yield table(("kind", "files"), [(line(k), f"{n:,}") for k, n in said["files_by_kind"].items()])
    for remark in said["remarks"]:
        yield f"<p>{line(remark)}</p>"
    yield "<h2>Exceptions</h2>"
    if said["exceptions"]:
        yield "<ul>" + "".join(f"<li>{line(e)}</li>" for e in said["exceptions"]) + "</ul>"
    else:
        yield "<p>None.</p>"
    yield "<h2>How it was done</h2>"
    yield f"<p>{line(said['process'])}</p>"
    yield facts([(name, version) for name, version in said["tools"].items()])
    yield "<h2>How to check it</h2>"
    yield f"<p>{line(_CHECK)}</p>"
    yield "<h2>Declaration</h2>"
    yield '<p class="quiet">To be read, completed and signed by a qualified person, or not at all.</p>'
    yield f"<p>{line(_DECLARATION)}</p>"
    if "902(14)" in said["files_by_rule"]:
        yield f"<p>{line(_COPY)}</p>"
    if "902(13)" in said["files_by_rule"]:
        yield f"<p>{line(_SYSTEM)}</p>"
    yield f"<p>{line(_OATH)}</p>"
    yield facts(
        [
            (what, "_" * 40)
            for what in ("Name", "Position", "Basis of knowledge", "Date", "Signature")
        ]
    )


def _who(when: str, who: str) -> str:
    return ", by ".join(part for part in (when or "time not recorded", who) if part)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
