"""What lies in a cabinet that has been in use for years and that a client may stumble over."""

from __future__ import annotations

from tests.simulators.clio.store import Ref
from tests.simulators.netdocuments import ids
from tests.simulators.netdocuments.founding import Founding, document, folder, version

# Names the vendor allows (platform.yaml: limits) and a file system may not like.
AWKWARD = (
    "Übergabe – 合同 📎", "  leading and trailing. ", "NUL", "same", "same", "Same", "long " * 39 + "long",
    "נספח א", "..", "e\u0301 and é", "with; semicolon=and {braces}", "%2F percent %", "#1 & co.pdf",
)  # fmt: skip


def add(firm: Founding) -> None:
    world, users = firm.world, firm.users
    home = firm.workspaces[0]
    profile = dict(world.row(home)["attributes"])
    cabinet = firm.firm
    opened = firm.moment(home)

    def paper(name: str, filed: list[Ref], extension: str = "docx") -> Ref:
        return document(
            firm, cabinet, filed, profile, firm.after(opened), name=name, extension=extension
        )

    odd = folder(firm, home, "Odd names", firm.after(opened, 2))
    for name in AWKWARD:
        paper(name, [odd], "txt")
    folder(firm, odd, "empty folder", firm.after(opened, 2))

    # Filed nowhere and without a profile; filed twice; linked to each other.
    document(firm, cabinet, [], {}, firm.after(opened), name="Filed nowhere")
    twice = paper("Filed in two folders", [home, odd])
    other = paper("Linked to another", [odd])
    world.change(other, "linked", users[0], firm.after(opened), touch=False, links=[twice])
    world.change(twice, "linked", users[0], firm.after(opened), touch=False, links=[other])

    # Versions: one deleted for good in the middle, the official one not the last, one locked, one of no bytes.
    gaps = paper("Versions with a gap", [odd])
    for _ in range(4):
        version(firm, gaps, firm.after(opened))
    held = world.version(gaps, 3)
    assert held is not None
    world.remove(held[0], "version.deleted", users[1], firm.after(opened))
    world.change(gaps, "official version set", users[1], firm.after(opened), official=2)
    locked = world.version(gaps, 1)
    assert locked is not None
    world.change(locked[0], "version.locked", users[1], firm.after(opened), locked=True)
    document(
        firm, cabinet, [odd], profile, firm.after(opened), name="Nothing in it", extension="txt", size=0
    )  # fmt: skip

    message = paper("Filed message", [odd], "msg")
    for number in (1, 2):
        body = world.files.paper(f"annex {number}.pdf", firm.rng)
        world.add_attachment(
            message, users[2], number, 900 * number if body is None else body, firm.after(opened), name=f"annex {number}", extension="pdf",
            description="",
        )  # fmt: skip
    out = paper("Checked out", [odd])
    world.change(
        out, "checked out", users[2], firm.after(opened), touch=False, checked_out={"user": users[2], "comment": "at home"}
    )  # fmt: skip
    signed = paper("Signed and approved", [odd], "pdf")
    marks = [{"version": 1, "user": users[3], "date": ids.stamp(firm.after(opened))}]
    world.change(signed, "approved", users[3], firm.after(opened), touch=False, approvals=marks, signatures=marks)  # fmt: skip

    for name, kind in (("Deadlines", ids.SAVED_SEARCH), ("Only letters", ids.FILTER), ("Shared with the client", ids.COLLABSPACE)):  # fmt: skip
        extra = {} if kind == ids.COLLABSPACE else {"criteria": "=11(docx)"}
        world.create_item(
            name, kind, cabinet, users[0], firm.after(opened), attributes=profile, acl=firm.default_acl(cabinet),
            filed=[home], **extra,
        )  # fmt: skip
    for name in ("Thrown away", "Thrown away too"):
        gone = paper(name, [home])
        world.soft_delete(gone, users[1], firm.after(opened))
