"""WorkingKey: with which a restore opens again what it sealed, until the delivery is certified."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from muniment.errors import MunimentError, TargetNotEmpty, TargetUnusable
from muniment.recovery.certificate.place import FOLDER
from muniment.vault.age import Identity, Recipient, open_sealed, seal
from muniment.vault.vault import Vault

WORK = ".sealing"
"""Below a delivery while it is made: the working key, parts that are not whole, what was read back. All of it sealed."""
_KEY = "key.age"
ENDING = ".tar.age"
INDEX_PART = f"_index{ENDING}"
CERTIFICATE_PART = f"{FOLDER}{ENDING}"
README, SUMS = "README.txt", "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Sealing:
    """A delivery to `folder`, sealed to `recipient`; `key` opens it too until it is ended."""

    folder: Path
    recipient: Recipient
    key: Identity

    @property
    def work(self) -> Path:
        return self.folder / WORK

    @property
    def recipients(self) -> Sequence[Recipient]:
        return (self.recipient, self.key.recipient)


def begin(
    folder: Path, recipient: Recipient, vault: Vault, plan_digest: str, *, overwrite: bool = False
) -> Sealing:
    """Begins a sealed delivery of a plan, or goes on with it. Several processes may begin the same one.

    Args:
        folder: is made (0700).
        overwrite: takes the folder over from another sealed delivery, unfinished or ended.

    Raises TargetNotEmpty where that stands there, TargetUnusable.
    """
    try:
        place = folder / WORK / _KEY
        _make_way(folder, place, overwrite=overwrite)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        ours = {"plan": plan_digest, "to": str(recipient)}
        for _ in range(3):
            if not place.exists():
                _put(place, _made(ours, vault))
            found = _opened(place, vault)
            if found is not None and {k: found.get(k) for k in ours} == ours:
                return Sealing(folder, recipient, Identity.parse(found["identity"]))
            if not overwrite:
                raise TargetNotEmpty(
                    "the folder holds the unfinished sealed delivery of another plan"
                )
            place.unlink(missing_ok=True)
    except OSError as error:
        raise unusable(error) from None
    raise TargetUnusable("another restore delivers into this folder")


def ongoing(folder: Path, recipient: Recipient, vault: Vault, plan_digest: str) -> Sealing | None:
    """The sealed delivery of this plan that was begun here and is not ended; None where there is none."""
    found = _opened(folder / WORK / _KEY, vault)
    ours = {"plan": plan_digest, "to": str(recipient)}
    if found is None or {k: found.get(k) for k in ours} != ours:
        return None
    return Sealing(folder, recipient, Identity.parse(found["identity"]))


def end(sealing: Sealing) -> None:
    """Erases the working key: from now on the delivery opens for its recipient alone. Raises TargetUnusable."""
    try:
        for left in sorted(sealing.work.iterdir(), reverse=True):
            left.unlink()
        sealing.work.rmdir()
    except OSError as error:
        raise unusable(error) from None


def _make_way(folder: Path, key: Path, *, overwrite: bool) -> None:
    """What an ended delivery left; its parts go when others take their names."""
    stands = any(folder.glob(f"*{ENDING}"))
    # Looked for in this order: whoever begins this one beside us makes the key before the first part.
    if key.exists() or not stands:
        return
    if not overwrite:
        raise TargetNotEmpty("the folder holds another sealed delivery")
    for name in (INDEX_PART, CERTIFICATE_PART, README, SUMS):
        (folder / name).unlink(missing_ok=True)


def _made(ours: dict[str, str], vault: Vault) -> bytes:
    told = {**ours, "identity": str(Identity.generate())}
    holders = [Recipient.parse(each) for each in vault.trust.holders("operations", "escrow")]
    return seal(json.dumps(told).encode(), holders)


def _put(place: Path, data: bytes) -> None:
    """If nobody was faster."""
    draft = place.with_name(f"{_KEY}.{secrets.token_hex(8)}.new")
    write_private(draft, data)
    with contextlib.suppress(FileExistsError):
        os.link(draft, place)
    draft.unlink()


def _opened(place: Path, vault: Vault) -> dict[str, str] | None:
    """None where the keys at hand do not open it, or it is none."""
    try:
        told = json.loads(open_sealed(place.read_bytes(), vault.identities))
        return {str(k): str(v) for k, v in told.items()}
    except (MunimentError, ValueError, AttributeError, FileNotFoundError):
        return None


def write_private(path: Path, data: bytes) -> None:
    """A new file for its owner alone, safe from a power cut. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def unusable(error: OSError) -> TargetUnusable:
    """Without a path: it may have a name in it."""
    return TargetUnusable(f"the sealed delivery cannot be written ({error.strerror})")
