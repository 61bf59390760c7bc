"""What is at hand while a firm is made, or does a day of work: its size, its dice, and who and what there is so far."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.simulators.clio import names
from tests.simulators.clio.store import Ref
from tests.simulators.netdocuments import ids
from tests.simulators.netdocuments.values import checked_name
from tests.simulators.netdocuments.world import World, entry

AGE = timedelta(days=900)
NOWHERE = Ref("", 0)
# The numbers of the attributes; matters are a child table of clients (resources.yaml: cabinets.note).
CLIENT, MATTER, DEPARTMENT, KIND, AUTHOR, DATED = 1, 2, 3, 4, 5, 6
TYPES = ("pdf", "docx", "docx", "docx", "xlsx", "eml", "msg", "txt", "tif")
# A key may hold what a path may not. platform.yaml: formats.attribute_encoding
KINDS = (
    ("LTR", "Letter"), ("PL/MO", "Pleading or motion"), ("CORR", "Correspondence"), ("50%+", "Majority consent"),
    ("EVID", "Evidence"), ("AGMT", "Agreement"),
)  # fmt: skip
DEPARTMENTS = (("FIN", "Finance"), ("HR", "People"), ("IT", "Systems"))
FOLDERS = ("Pleadings", "Correspondence", "Evidence", "Drafts", "Billing")


@dataclass(frozen=True)
class Size:
    """`matters` is at least 1. `matter_numbers` are those of the first matters, in their order; the others are numbered on.
    `short_documents` are more documents yet, of one version of a few hundred bytes each: for loads in which their
    number counts. `empty` is a new repository, for a restore to fill: people, cabinets and lookup tables without
    clients."""

    matters: int = 60
    documents_per_matter: int = 4
    short_documents: int = 0
    large_documents: int = 1
    matter_numbers: tuple[str, ...] = ()
    empty: bool = False


@dataclass
class Founding:
    world: World
    size: Size
    rng: random.Random
    now: datetime
    users: list[str] = field(default_factory=list)
    firm: Ref = NOWHERE
    office: Ref = NOWHERE
    precedents: Ref = NOWHERE
    groups: dict[str, str] = field(default_factory=dict)
    matters: list[tuple[str, str]] = field(default_factory=list)  # client and matter
    workspaces: list[Ref] = field(default_factory=list)

    def when(self, place: int, of: int) -> datetime:
        """A working moment; the `place`-th of `of` rows that follow each other in time."""
        share = (place + self.rng.random()) / max(of, 1)
        return (self.now - AGE * (1 - share * 0.99)).replace(microsecond=0)

    def after(self, moment: datetime, days: float = 60) -> datetime:
        """Some time after, and not after now."""
        later = moment + timedelta(days=self.rng.random() * days, seconds=1)
        return min(later, self.now - timedelta(hours=1)).replace(microsecond=0)

    def moment(self, ref: Ref) -> datetime:
        return ids.parsed(self.world.row(ref)["created"])

    def someone(self) -> str:
        return self.rng.choice(self.users)

    def default_acl(self, cabinet: Ref) -> list[dict[str, Any]]:
        return [entry(str(self.world.row(cabinet)["id"]), cabDefault=True)]


def folder(firm: Founding, above: Ref, name: str, at: datetime) -> Ref:
    row = firm.world.row(above)
    return firm.world.create_item(
        name, ids.FOLDER, row["cabinet"], firm.someone(), at, attributes=row["attributes"], acl=row["acl"], filed=[above]
    )  # fmt: skip


def document(
    firm: Founding, cabinet: Ref, filed: Iterable[Ref], attributes: dict[int, str], at: datetime, *, name: str = "",
    extension: str = "", size: int | None = None, acl: list[dict[str, Any]] | None = None,
) -> Ref:  # fmt: skip
    """A document with its first version."""
    rng = firm.rng
    extension = extension or rng.choice(TYPES)
    title = name or f"{rng.choice(names.PAPERS)} {rng.randrange(1, 100)}"
    profile = dict(attributes)
    if rng.random() < 0.7:
        profile[KIND] = rng.choice(KINDS)[0]
    if rng.random() < 0.3:
        profile[AUTHOR] = names.sentence(rng)[:60]
    if rng.random() < 0.2:
        profile[DATED] = ids.stamp(at)[:10]
    by = firm.someone()
    made = firm.world.create_item(
        checked_name(title, True), extension, cabinet, by, at, attributes=profile, filed=filed,
        acl=firm.default_acl(cabinet) if acl is None else acl,
    )  # fmt: skip
    firm.world.add_version(made, by, contents(firm, title, extension, size), at)
    return made


def contents(firm: Founding, title: str, extension: str, size: int | None = None) -> bytes | int:
    paper = firm.world.files.paper(f"{title}.{extension}", firm.rng)
    if paper is not None and size != 0:
        return paper
    return firm.rng.randrange(1, 40_000) if size is None else size


def version(firm: Founding, item: Ref, at: datetime) -> int:
    row, rng = firm.world.row(item), firm.rng
    return firm.world.add_version(
        item, firm.someone(), contents(firm, row["name"], row["extension"]), at,
        description=rng.choice(("", "", "final", "client's comments; § 4")), official=rng.random() < 0.85,
    )  # fmt: skip
