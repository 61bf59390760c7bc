"""Opening: how a sealed delivery is opened, in words for a person and for a machine."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

from muniment.errors import SealError
from muniment.recovery.sealed.archive import Plaintext
from muniment.vault.age import Identity

UNIX = 'mkdir opened && for part in *.tar.age; do age -d -i my-key.txt "$part" | tar -xpf - -C opened; done'
"""Run in the folder of the delivery; docs/SEALED_DELIVERIES.md has the same."""
WINDOWS = (
    "mkdir opened; foreach ($part in Get-ChildItem *.tar.age) "
    "{ age -d -i my-key.txt -o part.tar $part.Name; tar -xf part.tar -C opened; Remove-Item part.tar }"
)
CHECK = "python3 opened/_certificate/verify_delivery.py"


def readme(recipient: str, plan_digest: str, *, whole: bool, certified: bool) -> str:
    """Without a name: it stands in the clear."""
    check = f"Then check that all of it is there and as it was in the backup:\n\n    {CHECK}\n"
    if not certified:
        check = "There is no certificate.\n"
    if not whole:
        check = "NOT WHOLE: not all that was planned is in it, and there is no certificate.\n"
    return f"""\
A sealed delivery. It opens with the key of the person for whom it was made, and with no other.

    sealed to   {recipient}
    plan        {plan_digest}

You need three things: the file with your key (it begins with AGE-SECRET-KEY-1; here it is called
my-key.txt), the program age (https://age-encryption.org), and tar, which Windows, macOS and Linux have.

Linux, macOS: in this folder

    {UNIX}

Windows: in this folder, in PowerShell

    {WINDOWS}

What comes out stands in the folder `opened`, in the clear: keep it where such files may lie, and
remove it when you are done. {check}
That these files came whole over a line or a disk: sha256sum -c SHA256SUMS
"""


def open_delivery(folder: Path, key: Identity, into: Path) -> None:
    """What these commands do, without the two programs: for a machine that has neither.

    Raises NoKey, SealError for what the key does not open, what is damaged or would stand elsewhere, OSError.
    """
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    for part in sorted(folder.glob("*.tar.age")):
        with Plaintext(part, key) as plain:
            plain.check_end()
            with tarfile.open(fileobj=plain, mode="r|", bufsize=1 << 20) as archive:
                for member in archive:
                    _unpack(archive, member, into)
                    _to_the_nanosecond(into, member)


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> None:
    """As it is; what would stand elsewhere is refused. Links may lead anywhere: nothing is unpacked after them."""
    there, folder = os.path.realpath(into / member.name), os.path.realpath(into)
    if os.path.isabs(member.name) or os.path.commonpath([there, folder]) != folder:
        raise SealError(
            "a sealed delivery holds a file that would stand outside of the folder",
            safe="Nothing was written outside of it.",
            todo="Somebody changed the delivery after it was made: ask for another one.",
        )
    if hasattr(tarfile, "fully_trusted_filter"):
        archive.extract(member, into, filter="fully_trusted")
    else:
        # Python before 3.11.4, as in Debian 12, has no filters.
        archive.extract(member, into)


def _to_the_nanosecond(into: Path, member: tarfile.TarInfo) -> None:
    """`tarfile` takes a time for a floating-point number, which has not room for all of it."""
    seconds, _, rest = str(member.pax_headers.get("mtime", "")).partition(".")
    if rest:
        at = int(seconds) * 1_000_000_000 + int(rest.ljust(9, "0")[:9])
        os.utime(into / member.name, ns=(at, at), follow_symlinks=False)
