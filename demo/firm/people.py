"""People: who writes to whom, with the names and addresses that mail programs stumble over."""

from __future__ import annotations

import unicodedata
from email.headerregistry import Address
from html import escape
from random import Random

from . import words
from .matters import Matter


def _plain(text: str) -> str:
    """A name as it may stand before an @."""
    folded = unicodedata.normalize("NFKD", text.casefold()).translate({0x142: "l", 0xF8: "o"})
    letters = "".join(c if c.isascii() and c.isalnum() else "-" if c == " " else "" for c in folded)
    return letters.strip("-") or "office"


def staff(rng: Random) -> Address:
    """Somebody of the firm."""
    given, surname = rng.choice(words.STAFF)
    return Address(f"{given} {surname}", _plain(surname), words.FIRM_DOMAIN)


def outsider(rng: Random, matter: Matter | None) -> Address:
    """The client, the other side, or anybody."""
    name = f"{rng.choice(words.GIVEN)} {rng.choice(words.SURNAMES)}"
    if matter and rng.random() < 0.7:
        name = rng.choice((matter.client, matter.other))
    return Address(name, _plain(name), rng.choice(("mail", "post", "office")) + ".example")


_SHEET = "".join(
    f"p.Mso{name},li.Mso{name},div.Mso{name}{{margin:0in;font-size:{size}pt;"
    f'font-family:"Calibri",sans-serif;mso-style-priority:{place};mso-fareast-language:EN-US;}}\n'
    for place, (name, size) in enumerate(
        (("Normal", 11), ("PlainText", 10), ("Header", 9), ("Footer", 9), ("Quote", 10))
    )
)


def html_mail(text: str) -> str:
    """The same text the way an office mail program dresses it."""
    body = "\n".join(
        f'<p class="MsoNormal"><span style="font-size:11.0pt;color:#1F497D">{escape(part)}'
        "<o:p></o:p></span></p>"
        for part in text.split("\n\n")
    )
    return (
        '<html xmlns:o="urn:schemas-microsoft-com:office:office"><head>'
        f'<meta http-equiv="Content-Type" content="text/html; charset=utf-8"><style>\n{_SHEET}'
        f'</style></head><body lang="EN-US" link="#0563C1">\n{body}\n</body></html>\n'
    )
