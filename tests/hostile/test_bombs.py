"""Bombs: small objects under true names that would fill memory or a disk. They cost their snapshot,
which is said, and never the machine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from muniment.assurance.check import check
from muniment.assurance.rotation import EVERYTHING
from muniment.assurance.verify import verify
from muniment.errors import MunimentError
from muniment.model.item import Part
from muniment.recovery.plan import RestorePlan
from muniment.vault import names, tar
from muniment.vault.frames import MAX_FRAME, FrameCompressor
from tests.hostile.forging import Thief, in_place_of, same_bytes, with_peak
from tests.support.packs import framed, sha256, tar_of
from tests.support.practice import Practice, tree

GIB = 1 << 30
BOUND = 300
"""MiB. A frame may hold 72, and four threads work."""


def one_frame(thief: Thief, *, declared: bool) -> Part:
    """A frame of 4 GiB of zeros, of which a row wants ten bytes."""
    bomb = same_bytes(4 * GIB, declared=declared)
    return thief.part(thief.pack(bomb), sha256(bytes(10)), (0, len(bomb), 0, 10))


def many_frames(thief: Thief) -> Part:
    """A pack of 4 GiB in frames that are each as large as one may be."""
    frame = FrameCompressor().compress(bytes(MAX_FRAME))
    pack = thief.pack(frame * (4 * GIB // MAX_FRAME))
    segments = [(n * len(frame), len(frame), 0, MAX_FRAME) for n in range(4 * GIB // MAX_FRAME)]
    return thief.part(pack, sha256(b""), *segments)


def lying_header(thief: Thief) -> Part:
    """A tar whose one member says that it has 8 GiB less a byte, the most that ustar can say."""
    head = bytearray(tar.header(sha256(b"x"), 1))
    head[124:136] = b"77777777777\0"
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    frame = framed(bytes(head) + b"x" * 512 + tar.END)
    return thief.part(thief.pack(frame), sha256(b"x" * 10), (0, len(frame), 512, 8 * GIB - 1))


PACKS: dict[str, Callable[[Thief], Part]] = {
    "a frame that says how large it is": lambda thief: one_frame(thief, declared=True),
    "a frame that does not say": lambda thief: one_frame(thief, declared=False),
    "a pack of many frames": many_frames,
    "a member that lies about its size": lying_header,
}


@pytest.fixture
def practice(practice: Practice) -> Practice:
    practice.back_up()
    return practice


def restored(practice: Practice) -> RestorePlan:
    plan, report = practice.restore(practice.folder / "back")
    assert report.whole
    return plan


@pytest.mark.parametrize("bomb", PACKS.values(), ids=list(PACKS))
def test_a_bomb_that_a_stolen_worker_signs_costs_its_snapshot_and_no_memory(
    practice: Practice, bomb: Callable[[Thief], Part]
) -> None:
    thief = Thief(practice)
    part = bomb(thief)
    thief.commit([thief.row(b"Office/bomb.txt", part, size=part.size)])

    def look() -> tuple[RestorePlan, list[str]]:
        report = verify(practice.vault(), EVERYTHING)
        return restored(practice), [f.what for f in report.findings]

    (plan, findings), grown = with_peak(look)

    assert grown < BOUND
    assert findings
    choice = plan.choices[0]
    assert choice.seq == 1
    assert [seq for seq, _ in choice.passed_over] == [2]
    assert tree(practice.folder / "back/files") == tree(practice.share)


def test_a_row_that_names_one_member_for_ever_fills_no_disk(practice: Practice) -> None:
    """It says ten bytes, and names four megabytes two thousand times."""
    thief = Thief(practice)
    content = bytes(4 << 20)
    frame = FrameCompressor().compress(tar_of([content]))
    part = thief.part(thief.pack(frame), sha256(content), (0, len(frame), tar.BLOCK, len(content)))
    thief.commit([thief.row(b"Office/bomb.txt", *[part] * 2_000, size=10)])

    (plan, report), grown = with_peak(lambda: practice.restore(practice.folder / "back"))

    assert plan.choices[0].seq == 2
    assert [why[:4] for _, why in report.failures] == ["M320"]
    assert grown < BOUND
    assert tree(practice.folder / "back/files") == tree(practice.share)


@pytest.mark.parametrize("declared", [True, False])
def test_a_bomb_that_nobody_signed_is_never_opened(practice: Practice, declared: bool) -> None:
    """In the place of a true pack, of rows and of state; and under its own true name beside them."""
    bomb = same_bytes(4 * GIB, declared=declared)
    thief = Thief(practice)
    beside = thief.pack(bomb)
    commit = practice.vault().history("files").at(1).commit
    sealed = practice.store.get(names.pack(beside.pack))
    practice.write("Office/second.txt", "x")
    practice.back_up()
    second = practice.vault().history("files").at(2).commit
    in_place_of(practice, names.pack(next(p.pack for p in second.packs if p.new)), sealed)
    in_place_of(practice, names.snapshot("files", second.snapshots[0].snapshot), sealed)

    def look() -> tuple[RestorePlan, list[str]]:
        report = check(practice.vault(), read_back=EVERYTHING)
        return restored(practice), [f.what for f in report.findings]

    (plan, findings), grown = with_peak(look)

    assert grown < BOUND
    assert findings
    assert plan.choices[0].seq == 1 and plan.choices[0].commit
    assert commit.seq == 1


def test_a_state_that_was_exchanged_for_a_bomb_stops_the_next_run_and_harms_nothing(
    practice: Practice,
) -> None:
    state = practice.vault().history("files").at(1).commit.state.objects[0]
    in_place_of(practice, names.state("files", state.state), same_bytes(4 * GIB, declared=False))

    def run() -> str:
        try:
            practice.back_up()
        except MunimentError as error:
            return error.code
        return ""

    code, grown = with_peak(run)

    assert code.startswith("M3")
    assert grown < BOUND
    restored(practice)
    assert tree(practice.folder / "back/files") == tree(practice.share)
