"""The firm's Microsoft 365 tenant and its NetDocuments repository in the demonstration, and what of a matter lies there.

Both are simulators of tests/simulators. The matter of the story is in both: by the number in the subject of its mails,
and by the attributes of its documents.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from muniment.sources.causes import LOCKED, MALWARE, NOT_REACHED

from .vendors import Vendor, VendorServer

TENANT_SEED = 9
NETDOCS_SEED = 5
MAILS = 6
"""Of the story's matter, at most."""
GAPS = (NOT_REACHED, MALWARE, LOCKED)
"""What nobody can read of this tenant: archive mailboxes, a file held back as malware, a closed site."""


@dataclass(frozen=True, slots=True)
class Kept:
    """SHA-256 of each thing that a vendor has of a matter."""

    digests: frozenset[str]

    def found_in(self, folder: Path) -> int:
        """How many of them lie in a folder to which the matter was given back."""
        if not folder.is_dir():
            return 0
        there = {sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}
        return len(self.digests & there)


class Tenant(Vendor):
    """A Microsoft 365 tenant: a few mailboxes with mail, calendars and contacts, drives and sites."""

    def of_matter(self, number: str) -> Kept:
        """Its mails, as MIME."""
        told = self.control("truth", parts=["messages"])["messages"].values()
        mails = [one for one in told if f"[{number}]" in (one["subject"] or "")]
        return Kept(frozenset(one["mime"]["sha256"] for one in mails))


class Repository(Vendor):
    """A NetDocuments repository: cabinets with workspaces, folders, documents and their versions."""

    def of_matter(self, number: str) -> Kept:
        """Every version of its documents."""
        documents = self.control("truth")["documents"]
        mine = {
            id_
            for id_, one in documents.items()
            if one["attributes"].get("2") == number and not one["deleted"]
        }
        files = self.control("files").items()
        return Kept(frozenset(f["sha256"] for name, f in files if name.partition("/")[0] in mine))


def tenant_server(folder: Path, checkout: Path) -> VendorServer:
    return VendorServer("graph", folder, checkout)


def netdocs_server(folder: Path, checkout: Path) -> VendorServer:
    return VendorServer("netdocuments", folder, checkout)


def start_tenant(folder: Path, checkout: Path, number: str, papers: Path) -> Tenant:
    """Starts it; the mails that lie among `papers` arrive there too, with the number of the matter in the subject."""
    sizes = ("--users=1", "--messages=10", "--events=4", "--files=6")
    server = tenant_server(folder, checkout)
    tenant = Tenant(server.start([f"--seed={TENANT_SEED}", *sizes, f"--papers={papers}"]))
    # Exchange makes the MIME of a message anew each time; to be held against the truth it stays as it is.
    tenant.control("settings", stable_mime=True)
    tenant.control("limits", off=True)
    user = tenant.told["users"]["member"]
    for mail in marked(sorted(papers.rglob("*.eml"))[:MAILS], number):
        tenant.control("deliver", user=user, mime=base64.b64encode(mail).decode())
    return tenant


def start_netdocs(folder: Path, checkout: Path, numbers: Iterable[str], papers: Path) -> Repository:
    """Starts it, with a workspace for each of `numbers`, whose documents hold what lies below `papers`."""
    numbers = list(numbers)
    arguments = [f"--seed={NETDOCS_SEED}", "--rate=0", f"--matters={len(numbers)}"]
    arguments += ["--documents-per-matter=2", f"--papers={papers}"]
    arguments += [f"--matter-number={number}" for number in numbers]
    return Repository(netdocs_server(folder, checkout).start(arguments))


def marked(files: Iterable[Path], number: str) -> Iterable[bytes]:
    """The mails, as a lawyer sends them who writes the matter's number into the subject."""
    for file in files:
        before, name, rest = file.read_bytes().partition(b"Subject: ")
        yield before + name + f"[{number}] ".encode() + rest
