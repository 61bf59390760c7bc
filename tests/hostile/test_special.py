"""Sockets, pipes, devices and mounts inside a share."""

from __future__ import annotations

import os
import socket

from muniment.sources.causes import DEVICE, FIFO, OTHER_FILE_SYSTEM, SOCKET
from tests.hostile.looking import back_up_meddled, causes, same_again
from tests.support.file_trees import picture
from tests.support.practice import Practice, tree
from tests.support.privileges import mounted, needs_root, tmpfs


def test_sockets_pipes_and_devices_are_told_and_given_back_by_nobody(practice: Practice) -> None:
    expected = {FIFO: 1, SOCKET: 1}
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(practice.share / "socket"))
        os.mkfifo(practice.share / "pipe")
        if os.geteuid() == 0:
            os.mknod(practice.share / "null", 0o20666, os.makedev(1, 3))
            expected[DEVICE] = 1

        outcome = practice.back_up()

    assert outcome.completeness == "complete_with_exceptions"
    assert causes(outcome) == expected
    assert all(c["accepted"] for c in outcome.causes)
    plan, report = practice.restore(practice.folder / "back")
    assert plan.choices[0].problems == len(expected)
    assert report.whole
    assert set(tree(practice.folder / "back/files")) == {"Office", "Office/letter.txt"}


def test_a_document_that_becomes_a_pipe_is_not_waited_for(practice: Practice) -> None:
    file = practice.write("Office/report.txt", "x")

    def when(moment: str, native_id: bytes) -> None:
        if moment == "listed":
            file.unlink()
            os.mkfifo(file)

    outcome = back_up_meddled(practice, when)

    assert outcome.completeness == "incomplete"
    assert causes(outcome) == {"vanished": 1}
    following = practice.back_up()
    assert (following.completeness, causes(following)) == ("complete_with_exceptions", {FIFO: 1})


def test_another_file_system_inside_is_told_and_what_it_hides_stays(practice: Practice) -> None:
    practice.write("Office/inside/covered.txt", "what lay there before")
    before = tree(practice.share)
    assert practice.back_up().completeness == "complete"
    with tmpfs(practice.share / "Office/inside"):
        (practice.share / "Office/inside/elsewhere.txt").write_text("on another disk")

        outcome = practice.back_up()

        assert outcome.completeness == "incomplete"
        assert causes(outcome) == {OTHER_FILE_SYSTEM: 1}
        assert outcome.counts["removed"] == 0
        accepted = practice.back_up(accepted=lambda *_: True)
        assert accepted.completeness == "complete_with_exceptions"
    practice.restore(practice.folder / "back")
    assert tree(practice.folder / "back/files") == before
    assert practice.back_up().completeness == "complete"


def test_a_share_mounted_into_itself_is_backed_up_once_and_comes_back_flat(
    practice: Practice,
) -> None:
    needs_root()
    (practice.share / "Office/inside").mkdir()
    with mounted(practice.share / "Office/inside", "--bind", str(practice.share)):
        outcome = practice.back_up()
        found = picture(practice.share)
    assert outcome.completeness == "complete"
    assert outcome.counts["items"] == len(found)
    practice.restore(practice.folder / "back")
    assert picture(practice.folder / "back/files").keys() == found.keys()


def test_a_file_of_another_file_system_is_taken_as_the_file_it_is(practice: Practice) -> None:
    """A bind mount over one file (as containers do) cannot be told from a file, and need not be."""
    file = practice.write("Office/hosts", "below")
    above = practice.folder / "above"
    above.mkdir()
    with tmpfs(above):
        (above / "hosts").write_text("above")
        with mounted(file, "--bind", str(above / "hosts")):
            assert practice.back_up().completeness == "complete"
            same_again(practice)
    assert practice.back_up().counts["changed"] == 1
