"""Proof: is the chosen snapshot whole, for what is asked, before the first write?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import partial

from muniment.errors import IntegrityError, ObjectMissing
from muniment.model.item import Part, Row
from muniment.vault import names
from muniment.vault.documents import PackObject
from muniment.vault.pack_reader import PartReader
from muniment.vault.resolve import content_version, side_by_side
from muniment.vault.vault import Vault

READ_LIMIT = 4 << 30
"""Up to this much is read, decrypted and hashed before the first write; above it, presence, size
and the store's checksum are proven first and every byte while it is written."""


class Proof(StrEnum):
    """Words for what was shown, used everywhere (docs/GLOSSARY.md)."""

    PRESENT = "present"
    READ = "decrypted"


def prove(
    vault: Vault,
    known: dict[str, PackObject],
    reader: PartReader,
    rows: Sequence[Row],
    wanted: Proof,
) -> tuple[Proof, int, int]:
    """Returns what was shown, how many packs hold the rows, and the bytes to read of them. `known` are the packs of the
    snapshot, `reader` reads them.

    Raises IntegrityError, SealError or FormatError at the first thing that is not whole.
    """
    parts = {part.digest + part.pack: part for row in rows for part in row.parts}
    packs = _packs(known, parts.values())
    side_by_side([partial(_present, vault, pack) for pack in packs])
    size = sum(
        {
            (p.pack, s.frame_offset): s.frame_length for p in parts.values() for s in p.segments
        }.values()
    )
    if wanted is Proof.PRESENT or size > READ_LIMIT:
        return Proof.PRESENT, len(packs), size
    reader.prove(parts.values())
    return Proof.READ, len(packs), size


def _packs(known: dict[str, PackObject], parts: Iterable[Part]) -> list[PackObject]:
    found = {}
    for part in parts:
        name = part.pack.hex()
        if name not in known:
            raise IntegrityError(
                "a row names a pack that no commit of this snapshot lists", to=names.pack(name)
            )
        found[name] = known[name]
    return list(found.values())


def _present(vault: Vault, pack: PackObject) -> None:
    try:
        content_version(vault.store, names.pack(pack.pack), pack.size)
    except ObjectMissing as error:
        raise IntegrityError("a pack is not in the store", to=error.to) from None
