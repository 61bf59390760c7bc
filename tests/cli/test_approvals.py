"""The command line is the breaking of the glass where a restore needs an approval, and says so."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from muniment.config.load import load_firm
from muniment.vault.evidence import load_stream
from muniment.wiring import Wiring
from tests.cli.conftest import Office, Terminal

APPROVALS = (
    "\napprovals: {deputies: [], break_glass: [office-manager, technician], review_within: 2d}\n"
)


@pytest.fixture
def careful(office: Office) -> Office:
    """A firm whose restores need an approval."""
    path = office.firm / "firm.yaml"
    known = path.read_text().replace(
        "  managing-partner:\n", "  managing-partner:\n    login: partner\n", 1
    )
    path.write_text(known + APPROVALS)
    assert load_firm(office.firm).issues == ()
    return office


def asked(to: Path) -> list[str | Path]:
    return ["restore", "--source", "files", "--to", to, "--yes"]


def by(*people: str) -> list[str]:
    return [word for who in people for word in ("--approved-by", who)]


def events(office: Office, terminal: Terminal, stream: str) -> list[tuple[str, dict[str, object]]]:
    vault = Wiring(load_firm(office.firm), clock=terminal.clock).vault("operations")
    return [
        (e.event, dict(e.facts)) for e in load_stream(vault.store, vault.trust, stream).events()
    ]


RELEASES = "operations-releases-2026"


@pytest.mark.parametrize(
    ("people", "code"),
    [
        ((), "M588"),
        (("office-manager",), "M588"),
        (("office-manager", "office-manager"), "M588"),
        (("office-manager", "somebody"), "M588"),
    ],
)
def test_without_two_who_are_named_nothing_is_delivered(
    careful: Office, terminal: Terminal, tmp_path: Path, people: tuple[str, ...], code: str
) -> None:
    answer = terminal(*asked(tmp_path / "back"), *by(*people), code=9)
    assert "BREAKS THE GLASS" in answer.out + answer.err
    assert code in answer.err
    assert not (tmp_path / "back").exists()
    assert events(careful, terminal, RELEASES) == []


def test_who_is_said_to_have_asked_is_none_of_the_two(
    careful: Office, terminal: Terminal, tmp_path: Path
) -> None:
    both = by("office-manager", "technician")
    asked_by = ("--requested-by", "technician")
    answer = terminal(*asked(tmp_path / "back"), *both, *asked_by, code=9)
    assert "M582" in answer.err
    assert not (tmp_path / "back").exists()


def test_two_let_it_go_and_it_stays_in_the_evidence_until_it_is_reviewed(
    careful: Office, terminal: Terminal, tmp_path: Path
) -> None:
    both = by("office-manager", "technician")
    report = terminal.json(*asked(tmp_path / "back"), *both)

    assert report["approval"] == {
        "asked_for": True, "needs": ["whole_source"], "recorded": True,
        "approved_by": ["office-manager", "technician"], "custodians": [],
    }  # fmt: skip
    told = events(careful, terminal, RELEASES)
    assert [event for event, _ in told] == [
        "release.asked", "release.issued", "release.used", "release.spent",
    ]  # fmt: skip
    issued = told[1][1]
    assert (issued["way"], issued["door"]) == ("break_glass", "cli")
    assert str(issued["requester"]).startswith("terminal:")
    assert issued["plan_digest"] == report["plan_digest"]

    [waits] = terminal.json("approvals", "list")["reviews"]
    assert waits["people"] == ["office-manager", "technician"]
    terminal.clock.advance(timedelta(days=2, minutes=1))
    assert "OVERDUE" in terminal("approvals", "list", code=11).out
    review = ["approvals", "review", waits["run"], "--verdict", "right", "--by"]
    assert "M583" in terminal(*review, "office-manager", code=9).err
    terminal(*review, "managing-partner", "--remarks", "I was on a plane")
    assert terminal.json("approvals", "list")["reviews"] == []
    assert events(careful, terminal, RELEASES)[-1][1]["reviewer"] == "managing-partner"


def test_a_seal_is_not_broken_past_its_custodian_here_either(
    careful: Office, terminal: Terminal, tmp_path: Path
) -> None:
    number = careful.truths[-1].matters[0][0]
    path = careful.firm / "firm.yaml"
    seal = f'\nmatters: [{{matter: "{number}", sealed: true, custodian: managing-partner}}]\n'
    path.write_text(path.read_text() + seal)
    assert load_firm(careful.firm).issues == ()
    matter = ["restore", "--matter", number, "--to", tmp_path / "back", "--yes"]
    for ask in (
        matter,
        asked(tmp_path / "back"),
        ["export", "files", *asked(tmp_path / "back")[3:]],
    ):
        answer = terminal(*ask, *by("office-manager", "technician"), code=9)
        assert "M592" in answer.err
        assert "managing-partner must be among them" in " ".join((answer.out + answer.err).split())
        assert not (tmp_path / "back").exists()
    assert events(careful, terminal, RELEASES) == []
    report = terminal.json(*matter, *by("managing-partner", "office-manager"))
    assert report["approval"]["custodians"] == ["managing-partner"]
    assert "sealed" in report["approval"]["needs"]


def test_an_export_waits_as_every_whole_source_does(
    careful: Office, terminal: Terminal, tmp_path: Path
) -> None:
    export = ["export", "files", "--to", tmp_path / "bag", "--yes"]
    assert "M588" in terminal(*export, code=9).err
    assert not (tmp_path / "bag").exists()
    told = terminal.json(*export, *by("office-manager", "technician"))
    assert (told["approval"]["needs"], told["approval"]["recorded"]) == (["whole_source"], True)
    assert events(careful, terminal, RELEASES)[-1][0] == "release.spent"


def test_with_an_identity_from_the_safe_alone_it_goes_and_says_that_it_is_not_recorded(
    careful: Office, terminal: Terminal, tmp_path: Path
) -> None:
    for name in ("operations.age-identity", "operations.pem"):
        (careful.keys / name).unlink()
    safe = [
        "--identity",
        careful.keys / "escrow-2.age",
        "--passphrase-file",
        careful.word_file("escrow-2"),
    ]
    answer = terminal(*asked(tmp_path / "back"), *by("office-manager", "technician"), *safe)
    assert "let this restore go is not recorded" in answer.out + answer.err
    assert (tmp_path / "back" / "files").is_dir()


def test_the_plan_says_whether_it_needs_one(office: Office, terminal: Terminal) -> None:
    plan = ["restore", "--source", "files", "--plan-only"]
    assert "asks for no approval" in (answer := terminal(*plan)).out + answer.err
    assert terminal.json(*plan)["approval"]["needs"] == []


def test_doctor_finds_who_is_missing(office: Office, terminal: Terminal) -> None:
    def approvals() -> tuple[str, str]:
        [found] = [s for s in terminal.json("doctor")["symptoms"] if s["about"] == "approvals"]
        return found["state"], found["what"]

    assert approvals()[0] == "warning"
    path = office.firm / "firm.yaml"
    before = path.read_text().replace(
        "  managing-partner:\n", "  managing-partner:\n    login: p\n", 1
    )
    path.write_text(before + "\napprovals:\n")
    assert approvals() == ("warning", "nobody may let a restore go when no approver can be reached")
    path.write_text(before + APPROVALS)
    assert approvals()[0] == "good"
