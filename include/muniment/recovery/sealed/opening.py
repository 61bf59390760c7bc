"""Opening: how a sealed delivery is opened, in words for a person and for a machine."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

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

    Raises NoKey, SealError for what the key does not open or what is damaged, OSError, tarfile.FilterError.
    """
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    for part in sorted(folder.glob("*.tar.age")):
        with Plaintext(part, key) as plain:
            plain.check_end()
            with tarfile.open(fileobj=plain, mode="r|", bufsize=1 << 20) as archive:
                for member in archive:
                    archive.extract(member, into, filter=_within)
                    _to_the_nanosecond(into, member)


def _within(member: tarfile.TarInfo, into: str) -> tarfile.TarInfo:
    """As it is; what would stand elsewhere is refused. Links may lead anywhere: nothing is unpacked after them."""
    tarfile.tar_filter(member, into)
    return member


def _to_the_nanosecond(into: Path, member: tarfile.TarInfo) -> None:
    """`tarfile` takes a time for a floating-point number, which has not room for all of it."""
    seconds, _, rest = str(member.pax_headers.get("mtime", "")).partition(".")
    if rest:
        at = int(seconds) * 1_000_000_000 + int(rest.ljust(9, "0")[:9])
        os.utime(into / member.name, ns=(at, at), follow_symlinks=False)
