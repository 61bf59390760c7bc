"""Names and paths that a share may hold and a careless program loses."""

from __future__ import annotations

import os

import pytest

from muniment.errors import SourceSuspect
from muniment.recovery.selection import Scope, Selection, select_matter
from tests.hostile.looking import same_again
from tests.support.file_trees import make_deep, picture
from tests.support.practice import Practice

ODD = {
    "not UTF-8": [b"\xff\xfe", b"caf\xe9.txt", b"\x80" * 200],
    "newlines and other control characters": [b"two\nlines", b"\n", b"\r\n", b"\x1b[2J", b"\x7f"],
    "255 bytes": [b"n" * 255, "ä".encode() * 127 + b"x", b"\xff" * 255],
    "differing only in case": [b"Brief.txt", b"BRIEF.TXT", b"brief.txt"],
    "differing only in Unicode form": ["é".encode(), "e\u0301".encode(), "\u212b".encode(), "Å".encode()],
    "like something else": [b"%41", b"-rf", b" ", b"...", b"~", b"a\\b", b"C:", b"{x}", b"*", b"\xe2\x80\xae"],
}  # fmt: skip


@pytest.mark.parametrize("names", ODD.values(), ids=list(ODD))
def test_names_of_every_kind_come_back_as_the_bytes_they_were(
    practice: Practice, names: list[bytes]
) -> None:
    """As files, as folders and as links, each with content of its own."""
    root = os.fsencode(practice.share)
    for place in (b"files", b"folders", b"links"):
        os.mkdir(root + b"/" + place)
    for number, name in enumerate(names):
        with open(root + b"/files/" + name, "wb") as file:
            file.write(b"%d" % number)
        os.mkdir(root + b"/folders/" + name)
        with open(root + b"/folders/" + name + b"/below", "wb") as file:
            file.write(b"below %d" % number)
        os.symlink(name, root + b"/links/" + name)

    outcome = practice.back_up()

    assert outcome.completeness == "complete"
    same_again(practice)
    assert practice.back_up().counts["read_bytes"] == 0


def test_a_matter_with_an_odd_title_comes_back_by_its_number(practice: Practice) -> None:
    title = b"Matters/2024-0113 caf\xe9\nand sons"
    place = os.fsencode(practice.share) + b"/" + title
    os.makedirs(place)
    with open(place + b"/\xff.txt", "wb") as file:
        file.write(b"x")
    assert practice.back_up().completeness == "complete"

    _, report = practice.restore(
        practice.folder / "back", select_matter(practice.vault(), "2024-0113")
    )

    assert report.whole
    given = os.fsencode(practice.folder / "back/files") + b"/" + title + b"/\xff.txt"
    with open(given, "rb") as file:
        assert file.read() == b"x"


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([b"n" * 255] * 40 + [b"bottom"], id="a path of 10,246 bytes"),
        pytest.param([b"level"] * 1_500 + [b"bottom"], id="1,500 levels"),
    ],
)
def test_long_paths_and_deep_trees_come_back(practice: Practice, names: list[bytes]) -> None:
    make_deep(practice.share, names, b"found")
    assert len(b"/".join(names)) > 4096

    assert practice.back_up().completeness == "complete"
    same_again(practice)
    assert practice.back_up().counts["read_bytes"] == 0


def test_the_bottom_of_a_deep_tree_is_moved_changed_and_given_back_alone(
    practice: Practice,
) -> None:
    make_deep(practice.share, [b"level"] * 1_000 + [b"bottom"], b"found")
    practice.back_up()
    (practice.share / "level").rename(practice.share / "moved")

    # Nearly all names are others now, which is asked about before it is believed.
    with pytest.raises(SourceSuspect):
        practice.back_up()
    outcome = practice.back_up(accept_mass_deletion=True)

    assert (outcome.counts["renamed"], outcome.counts["read_bytes"]) == (1, 0)
    practice.restore(practice.folder / "back", Selection(Scope.PATH, "moved/**/bottom"))
    found = picture(practice.folder / "back/files")
    assert max(found, key=len) == b"moved/" + b"level/" * 999 + b"bottom"


def test_links_in_circles_come_back_as_links(practice: Practice) -> None:
    share = practice.share
    (share / "self").symlink_to("self")
    (share / "up").symlink_to("..")
    (share / "there").symlink_to("back-again")
    (share / "back-again").symlink_to("there")
    (share / "a/b").mkdir(parents=True)
    (share / "a/b/top").symlink_to("../../a")
    (share / "out").symlink_to("/etc")
    os.symlink(b"\xff" * 4000, os.fsencode(share) + b"/nowhere")

    assert practice.back_up().completeness == "complete"
    same_again(practice)
    assert practice.back_up().counts["added"] == 0
