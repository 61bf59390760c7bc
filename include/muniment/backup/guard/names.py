"""Names: what the names of new items say - notes that demand a ransom, and endings nobody uses here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

LONGEST_EXTENSION = 16
"""Bytes. What is longer is part of a name and no extension."""

MOST_SUFFIXES = 4
"""How many endings are taken off a name: `a.docx.id-1F.mail@x.cc.locked` has three too many."""

USUAL = frozenset(
    b"doc docx docm dot dotx xls xlsx xlsm xlsb csv ppt pptx pptm vsd vsdx odt ods odp rtf txt md log tex wpd wps "
    b"pdf xps tif tiff jpg jpeg png gif bmp heic webp svg eps ai psd dwg dxf html htm mht mhtml xml json yaml yml "
    b"eml msg pst ost mbox ics vcf mp3 mp4 m4a mov avi wav wma wmv mpg mpeg mkv ogg flac zip 7z rar gz tgz tar bz2 "
    b"xz zst iso db sqlite mdb accdb sql bak dat bin exe dll msi lnk url ini cfg tmp old orig p7m p7s sig asc gpg "
    b"pgp p12 pfx cer crt key one onetoc2 pub mpp qbw qbb ptx lef opt dii e01 ufdr cub load dcm".split()
)
"""Extensions of an office, discovery load files included: in mass they are no sign of anything."""

HARMLESS_SUFFIXES = frozenset(
    b"bak old orig tmp temp copy backup zip gz 7z tar zst pdf txt p7m p7s sig asc gpg pgp sha256 md5 lnk url "
    b"ocr json xml html part crdownload download processed done".split()
)
"""Endings that programs and people put behind a whole name."""


def file_name(native_id: bytes) -> bytes:
    return native_id.rpartition(b"/")[2]


def extension_of(native_id: bytes) -> bytes:
    """Lower case, without the dot; empty where there is none."""
    stem, dot, extension = file_name(native_id).rpartition(b".")
    if not dot or not stem or len(extension) > LONGEST_EXTENSION:
        return b""
    return extension.lower()


def without_suffixes(native_id: bytes) -> Iterator[bytes]:
    """The native id without its last ending, without its last two, and so on, as long as a name is left."""
    folder, slash, name = native_id.rpartition(b"/")
    for _ in range(MOST_SUFFIXES):
        name, dot, _ = name.rpartition(b".")
        if not dot or not name:
            return
        yield folder + slash + name


@dataclass(frozen=True, slots=True)
class Notes:
    """Patterns of names of ransom notes; `notes.toml` says what they are and where they come from."""

    extensions: frozenset[bytes]
    surely: re.Pattern[bytes]
    perhaps: re.Pattern[bytes]

    def about(self, native_id: bytes, extension: bytes) -> str:
        """`surely`, `perhaps` or empty. `extension` is that of the name."""
        if extension not in self.extensions:
            return ""
        name = file_name(native_id)
        stem = name[: len(name) - len(extension) - 1] if extension else name
        plain = _OTHER.sub(b" ", stem.lower()).strip()
        if self.surely.fullmatch(plain):
            return "surely"
        return "perhaps" if self.perhaps.fullmatch(plain) else ""


_OTHER = re.compile(rb"[^a-z0-9]+")


@cache
def known_notes() -> Notes:
    # Loaded where something is new: most nights nothing is.
    import tomllib
    from importlib import resources

    text = resources.files(__package__).joinpath("notes.toml").read_text(encoding="utf-8")
    found = tomllib.loads(text)
    surely, perhaps = (
        re.compile("|".join(f"(?:{p})" for p in found[k]).encode()) for k in ("surely", "perhaps")
    )
    return Notes(frozenset(e.encode() for e in found["extensions"]), surely, perhaps)
