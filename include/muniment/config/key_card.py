"""The key card: one printed page from which a firm knows its own vault again.

Text only, from given values. It holds no secret: whoever finds it learns which vault is the firm's
and can open nothing. What it gives is trust: a store that does not agree with it is not believed.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

WIDTH = 78


@dataclass(frozen=True, slots=True)
class EscrowEntry:
    """One escrow identity: who keeps it and where, and its public half."""

    name: str
    recipient: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class KeyCard:
    """`root_public` is 64 hex characters; `tools` the SHA-256 (hex) of RECOVER.txt and recover.py
    by name; `destinations` addresses without credentials."""

    firm_name: str
    vault_id: str
    root_public: str
    escrows: Sequence[EscrowEntry]
    destinations: Sequence[str]
    created_at: datetime
    tools: Mapping[str, str] = field(default_factory=dict)


def root_fingerprint(root_public: str) -> str:
    """The first 32 hex characters of the SHA-256 of the raw key: FORMAT's `keyid`."""
    return sha256(bytes.fromhex(root_public)).hexdigest()[:32]


def render_key_card(card: KeyCard) -> str:
    """A page of plain text, 78 columns."""
    rule = "=" * WIDTH
    parts = [
        rule,
        *textwrap.wrap(f"KEY CARD - {card.firm_name}", WIDTH),
        f"Made on {card.created_at:%Y-%m-%d}. Print it twice: for the managing partner and the safe.",
        rule,
        "",
        "VAULT ID",
        *_groups(card.vault_id),
        "",
        "ROOT KEY (public half; whoever signs for this vault is named under it)",
        *_groups(card.root_public),
        f"  fingerprint {' '.join(_four(root_fingerprint(card.root_public)))}",
        "",
        "WHERE THE COPIES ARE",
        *(f"  {where}" for where in card.destinations),
        "",
        "ESCROW IDENTITIES - each opens everything, alone, without the provider",
    ]
    for number, escrow in enumerate(card.escrows, start=1):
        parts += [
            f"  {number}. {escrow.name}",
            f"     public half {escrow.recipient[:34]}",
            f"                 {escrow.recipient[34:]}",
            f"     kept        {escrow.place or '_' * 40}",
        ]
    parts += ["", *_paragraph(_ESCROW), "", "TO GET FILES BACK WITHOUT THE PROVIDER"]
    parts += _steps(_STEPS)
    if card.tools:
        parts += ["", "SHA-256 OF THE RECOVERY TOOLS (compare before you run them)"]
        for name, digest in card.tools.items():
            parts += [f"  {name}", *_groups(digest)]
    parts += ["", "MARKS - proof that nothing was cut off the vault", *_paragraph(_MARK)]
    parts += [f"  date ____________  mark {'_' * 32}" for _ in range(4)]
    return "\n".join([*parts, rule, ""])


_ESCROW = (
    "An escrow identity is a small file under a passphrase. Keep file and passphrase in different"
    " places, and two identities with different people. Never put one on a server or give it to"
    " the provider. Try each once a year: a passphrase that nobody tried is a guess. Who has left"
    " the firm is taken out with `muniment keys`; the data need not be written again."
)
_STEPS = (
    "Copy the store (see above) to a folder on a computer that you trust.",
    "Install `age` and `zstd`, and have `python3`.",
    "Take RECOVER.txt and recover.py from the recovery kit, or compare their SHA-256 with this"
    " card: what lies in the store may have been changed by whoever took it over.",
    "python3 recover.py STORE --identity ESCROW-FILE --vault-id (above) --root-key (above) OUT",
    "If it says `trust not proven`, the numbers of this card were not given or do not agree.",
)
_MARK = (
    "Every daily checkpoint has a mark of 32 characters. Write one here now and then. A vault in"
    " which the newest mark known outside cannot be found was cut or set back."
)


def _four(text: str) -> list[str]:
    return [text[n : n + 4] for n in range(0, len(text), 4)]


def _groups(text: str) -> list[str]:
    """Groups of four, eight to a line: what a person can read aloud and compare."""
    groups = _four(text)
    return [f"  {' '.join(groups[n : n + 8])}" for n in range(0, len(groups), 8)]


def _paragraph(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ")


def _steps(texts: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for number, text in enumerate(texts, start=1):
        lines += textwrap.wrap(
            text,
            WIDTH,
            initial_indent=f"  {number}. ",
            subsequent_indent="     ",
            break_on_hyphens=False,
        )
    return lines
