"""What is true of a matter in the Clio account at a moment, held against what a restore gave.

The truth comes from the vendor's side, by the number of a change; what belongs to the matter is read from it
here, apart from the product. Rows are compared byte for byte in one form of JSON, files by their SHA-256.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from muniment.sources.clio.table import Resource, table
from muniment.sources.web.exact import canonical, parse

from .clio_account import Account

VERSIONS, MESSAGES = "documents/versions", "conversation_messages"
_THEIRS = {VERSIONS: "document_versions"}
"""Where the vendor's truth has another name for a collection."""
_UNTOLD = ("reports", "court_rules/jurisdictions/triggers")
"""Of no matter, and looking at the account adds to the first."""
_MARK = re.compile(r"\[(\d+) v(\d+)\]")
"""In a delivered file's name: which document, which version."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compared:
    """`wrong` are the names of what is missing, of what differs, and of what is too many."""

    rows: int
    files: int
    size: int
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Balance:
    """What is held in trust for a matter, in cents: `told` by the vendor's ledger, `found` by adding up the
    transactions that came back."""

    told: int
    found: int
    transactions: int


class ClioTruth:
    """The account as it was right after change `at`."""

    def __init__(self, account: Account, at: int) -> None:
        self._account = account
        self._at = at
        wanted = {name: one for name, one in table().items() if name not in _UNTOLD}
        fields = {_THEIRS.get(name, name): ",".join(one.fields) for name, one in wanted.items()}
        told = account.control("truth", at=at, resources=list(fields), fields=fields)["resources"]
        self._rows = {name: told[_THEIRS.get(name, name)] for name in wanted}
        self._table = wanted
        self.counts = {name: len(rows) for name, rows in self._rows.items()}

    def matter(self, number: str) -> int:
        """The vendor's id of the matter whose display number begins so."""
        rows = self._rows["matters"]
        return next(int(r["id"]) for r in rows if r["display_number"].startswith(f"{number}-"))

    def compare(self, matter: int, folder: Path) -> Compared:
        """Holds what was delivered for one matter against the truth."""
        every = {f"{n}.json": (r, body) for n, r, body in self._named()}
        wanted = {name for name, (row, _) in every.items() if self._belongs(name, row, matter)}
        found = {str(p.relative_to(folder)): p for p in folder.rglob("*.json")}
        found = {name: path for name, path in found.items() if not name.startswith("files/")}
        wrong = [*wanted - found.keys(), *found.keys() - wanted]
        wrong += [n for n in wanted & found.keys() if found[n].read_bytes() != every[n][1]]
        sizes, wrong_files = self._files(self._documents(matter), folder)
        return Compared(len(wanted), len(sizes), sum(sizes), tuple(sorted([*wrong, *wrong_files])))

    def balance(self, matter: int, folder: Path) -> Balance:
        """Adds up what was delivered of the trust books, account by account. Money is in cents."""
        accounts = self._account.control("trust", at=self._at)["accounts"]
        found: Counter[str] = Counter()
        rows = [parse(p.read_bytes()) for p in (folder / "bank_transactions").glob("*.json")]
        for row in rows:
            cents = (Decimal(row["funds_in"] or 0) - Decimal(row["funds_out"] or 0)) * 100
            found[str(row["bank_account"]["id"])] += int(cents)
        held = {one["id"] for one in self._rows["bank_accounts"] if one["type"] == "Trust"}
        told = {id_: book["owed"].get(f"matter/{matter}", 0) for id_, book in accounts.items()}
        trust = [id_ for id_ in told if int(id_) in held]
        if any(told[id_] != found[id_] for id_ in trust):
            # Two accounts that are wrong must not make up for each other.
            return Balance(sum(told[i] for i in trust), -1, len(rows))
        return Balance(sum(told[i] for i in trust), sum(found[i] for i in trust), len(rows))

    # -- parts -------------------------------------------------------------------------------------

    def _named(self) -> Iterator[tuple[str, Row, bytes]]:
        for name, resource in self._table.items():
            for row in self._rows[name]:
                yield _native(resource, row), row, canonical(row)

    def _belongs(self, name: str, row: Row, matter: int) -> bool:
        if name.startswith("matters/"):
            return bool(row["id"] == matter)
        if name.startswith(f"{VERSIONS}/"):
            return row["document_id"] in self._documents(matter)
        if name.startswith(f"{MESSAGES}/"):
            return row["conversation"]["id"] in self._conversations(matter)
        of = row.get("matter") or next(iter(row.get("matters") or ()), None)
        return isinstance(of, Mapping) and of.get("id") == matter

    def _documents(self, matter: int) -> set[int]:
        return self._of("documents", matter)

    def _conversations(self, matter: int) -> set[int]:
        return self._of("conversations", matter)

    def _of(self, name: str, matter: int) -> set[int]:
        return {r["id"] for r in self._rows[name] if (r["matter"] or {}).get("id") == matter}

    def _files(self, documents: set[int], folder: Path) -> tuple[list[int], list[str]]:
        """The sizes of all versions of these documents, and which of them did not come back as they were."""
        numbers = {str(row["id"]): row["version_number"] for row in self._rows[VERSIONS]}
        found = {m.groups(): p for p in folder.rglob("files/**/*") if (m := _MARK.search(p.name))}
        sizes, wrong = [], []
        told = self._account.control("files", at=self._at)["versions"]
        for version, file in told.items():
            if file["document"] not in documents:
                continue
            sizes.append(int(file["size"]))
            path = found.get((str(file["document"]), str(numbers[version])))
            if path is None or sha256(path.read_bytes()).hexdigest() != file["sha256"]:
                wrong.append(f"document {file['document']}, version {version}")
        return sizes, wrong


def _native(resource: Resource, row: Row) -> str:
    """Under which name a row lies."""
    if resource.single:
        return resource.name
    if resource.name == VERSIONS:
        return f"{resource.name}/{row['document_id']}/{row['id']}"
    if resource.name == MESSAGES:
        return f"{resource.name}/{row['conversation']['id']}/{row['id']}"
    return f"{resource.name}/{row['id']}"
