"""Production: page images with Bates numbers and their load file, as one side gives the other."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from .chance import stream
from .documents import Brief, Composer, Make
from .matters import Matter
from .prose import Register
from .share import Share

FOLDER = b"Discovery/Production 001"


def write(share: Share, composer: Composer, seed: int, matter: Matter, pages: int) -> None:
    """`pages` TIFF files and one Concordance load file (fields in thorns, as the format wants)."""
    at = datetime.combine(matter.opened, time(15), UTC) + timedelta(days=200)
    folder = matter.folder + b"/" + FOLDER
    rows = ["\u00feBEGBATES\u00fe\x14\u00feIMAGE\u00fe"]
    for number in range(1, pages + 1):
        bates = f"NGL{number:06d}"
        brief = Brief(Make.PAGE_IMAGE, Register.LETTER, bates, matter, at, bates)
        content = composer.compose(brief, stream(seed, "production", number))
        path = folder + f"/IMAGES/{number // 500 + 1:04d}/{bates}.tif".encode()
        share.put(path, content, "tif", at + timedelta(seconds=number), matter=matter.number)
        rows.append(
            f"\u00fe{bates}\u00fe\x14\u00feIMAGES\\{number // 500 + 1:04d}\\{bates}.tif\u00fe"
        )
    text = "\r\n".join(rows) + "\r\n"
    share.put(folder + b"/NGL.dat", text.encode(), "txt", at, matter=matter.number)
