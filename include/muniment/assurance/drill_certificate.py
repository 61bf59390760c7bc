"""DrillCertificate: the certificate of a drill. It outlives what was restored, so it is kept in the evidence.

What stands in the sandbox gets `_certificate/` like any delivery, and can be checked there for as long as it stands. What stays
is the signed statement and the chain of custody, sealed in the drill's entry of evidence; the lists of files, which have
their names, go with the files.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from muniment.assurance.drill_draw import Drawn, Place, destination_of
from muniment.errors import CertificateRefused, FormatError, NothingToRestore
from muniment.evidence.drills import DrillFinished
from muniment.evidence.events import DRILLS, CertificateMade, write
from muniment.model.item import Row
from muniment.recovery.certificate.certify import (
    Certificate,
    certify,
    commits,
    vault_document,
    verifier,
)
from muniment.recovery.certificate.page import certificate_page
from muniment.recovery.certificate.place import FOLDER, VERIFIER, OpenFolder
from muniment.recovery.certificate.statement import Handling
from muniment.recovery.certificate.witness import Seen, seen_of
from muniment.recovery.plan import RestorePlan
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import open_detail
from muniment.vault.vault import Vault

STATEMENT, SIGNED, CUSTODY = "certificate.json", "certificate.signed.json", "custody.jsonl"
_KEPT = (STATEMENT, SIGNED, CUSTODY)


@dataclass
class DrillWitness:
    """Everything that was found equal, by source. Give `saw` to `look`."""

    seen: dict[str, list[Seen]] = field(default_factory=dict)

    def saw(self, source: str, row: Row, path: bytes | None) -> None:
        self.seen.setdefault(source, []).append(seen_of(row, path))


@dataclass(frozen=True, slots=True)
class DrillFacts:
    """What is said of a drill besides what was restored. `differences`: plan key -> what could not be kept of how many."""

    requested_at: str
    now: str
    requested_by: str = ""
    differences: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def certify_drill(
    places: Mapping[str, Place],
    plans: Mapping[str, RestorePlan],
    drawn: Drawn,
    folder: Path,
    seen: Mapping[str, Sequence[Seen]],
    finished: DrillFinished,
    facts: DrillFacts,
    home: Vault,
) -> list[Certificate]:
    """Certifies what a whole drill restored into `folder`, one certificate a plan, and records each in the drill's evidence.

    Args:
        home: operations' vault, whose evidence it is and whose key signs.

    Raises CertificateRefused on the first thing that is not as it was verified, SignatureError, and what writing raises.
    """
    made = []
    for number, (key, plan) in enumerate(plans.items(), 1):
        place = places[destination_of(key)]
        handling = Handling(
            "drill", finished.drill_id, facts.requested_at, facts.now, facts.now, facts.requested_by,
            reason="drill", phases=finished.phases,
        )  # fmt: skip
        own = FOLDER if number == 1 else f"{FOLDER}-{number}"
        one = certify(
            place.vault, plan, drawn.wanted(place)[key], folder, seen, handling,
            differences=facts.differences.get(key, {}), systems=place.systems, signer=home.signer,
            place=OpenFolder(folder, own),
        )  # fmt: skip
        event = CertificateMade(finished.drill_id, one.digest, plan.digest, one.files)
        write(home, DRILLS, event, {name: one.parts[name].decode() for name in _KEPT})
        made.append(one)
    return made


# -- afterwards --------------------------------------------------------------------------------------


def certificates_of(
    entries: Sequence[EvidenceEntry], drill_id: str, vault: Vault
) -> list[dict[str, bytes]]:
    """The certificates of a drill as they are in its evidence, oldest first: file name -> content, with a page and the program
    that checks them. Needs an identity.

    Raises NothingToRestore where the drill has none, FormatError, NoKey.
    """
    mine = [e for e in entries if e.event == CertificateMade.event and e.subject == drill_id]
    if not mine:
        raise NothingToRestore(
            "this drill has no certificate", to=f"drill {drill_id}", todo="See `muniment drills`."
        )
    return [_of(entry, vault) for entry in mine]


def _of(entry: EvidenceEntry, vault: Vault) -> dict[str, bytes]:
    detail = open_detail(vault, entry)
    try:
        found = {name: str(detail[name]).encode() for name in _KEPT}
        said: dict[str, Any] = json.loads(found[STATEMENT])
    except (KeyError, ValueError):
        raise FormatError(
            "the evidence of a certificate does not have it", to=f"{entry.stream}/{entry.seq}"
        ) from None
    page = certificate_page(said, str(entry.facts.get("certificate") or ""))
    found |= {"certificate.html": page.encode(), VERIFIER: verifier()}
    found["vault_document.json"] = vault_document(vault)
    for one in said["snapshots"]:
        # A snapshot may lie in another store of the firm, or be forgotten by now: the program says what it lacks.
        with contextlib.suppress(CertificateRefused):
            found |= dict(commits(vault, [(one["source"], one["seq"], one["commit"])]))
    return found
