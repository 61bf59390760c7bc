"""State: what was put comes back, merged as a dictionary would, also from what versions 1 and 2 wrote."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.errors import FormatError
from muniment.model.item import Fingerprint, Part, Segment
from muniment.vault.state import State, StateDelta, StateEntry

OLD = Path(__file__).parent / "data/state-1.parquet"
OLD_2 = Path(__file__).parent / "data/state-2"
"""Written by version 1, and by version 2, from `REMEMBERED`, `VANISHED` and `FACTS`."""

FACTS = {"identity": "there", "matter:M-7F3K2QXA": "0011"}


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def entry(
    n: int, kind: str = "file", parts: int = 1, *, tag: str = "", matter: str = "",
    parent: bytes = digest("folder")[:16],
) -> StateEntry:  # fmt: skip
    return StateEntry(
        digest(f"item {n}")[:16],
        kind,
        Fingerprint(50 * parts, 10**18 - n, -n, (1 << 64) - 1 - n, 0, tag),
        matter,
        digest(f"content {n}") if kind == "file" else b"",
        tuple(
            Part(
                digest(f"member {n} {i}"),
                digest(f"pack {n % 3}"),
                "matter-7f3k2qxa" if n % 2 else "epoch-recovery_points-1",
                tuple(Segment(100 + s, 4000, n + s, 50) for s in range(1 + i % 2)),
            )
            for i in range(parts)
        ),
        parent,
    )


REMEMBERED = [
    entry(0, "dir", 0, parent=b""), entry(1), entry(2, parts=3, matter="M-7F3K2QXA"),
    entry(3, tag='"etag"', matter="M-7F3K2QXA"), entry(4, "symlink", 0), entry(5, parts=0),
]  # fmt: skip
VANISHED = [digest("gone 1")[:16], digest("gone 2")[:16]]


def by_id(entries: list[StateEntry]) -> list[StateEntry]:
    return sorted(entries, key=lambda e: e.item_id)


# -- one delta -------------------------------------------------------------------------------------

ids = st.binary(min_size=16, max_size=16)
few_ids = st.integers(0, 20).map(lambda n: digest(str(n))[:16])
digests = st.binary(min_size=32, max_size=32).filter(any)
counts = st.integers(0, 2**62)
times = st.integers(-(2**63), 2**63 - 1)
segments = st.builds(Segment, counts, counts, counts, counts)
packs = st.integers(0, 4).map(lambda n: digest(f"pack {n}"))
keys = st.sampled_from(["epoch-1", "matter-7f3k2qxa"])
parts = st.builds(Part, digests, packs, keys, st.lists(segments, max_size=3).map(tuple))
prints = st.builds(
    Fingerprint, counts, times, times, st.integers(0, 2**64 - 1), st.just(0), st.text(max_size=3)
)


@st.composite
def whole(draw: st.DrawFn, ids: st.SearchStrategy[bytes] = few_ids) -> StateEntry:
    """An item of one member in one piece, as nearly all are."""
    content, print_ = draw(digests), draw(prints)
    segment = Segment(draw(counts), draw(counts), draw(counts), print_.size)
    part = Part(content, draw(packs), draw(keys), (segment,))
    return StateEntry(draw(ids), "file", print_, draw(matters), content, (part,), draw(parents))


matters = st.sampled_from(["", "M-7F3K2QXA", "M-2QXA7F3K"])
parents = st.one_of(st.just(b""), few_ids)
any_entry = st.builds(
    StateEntry, few_ids, st.sampled_from(["file", "dir", "message"]), prints, matters,
    st.one_of(st.just(b""), digests), st.lists(parts, max_size=3).map(tuple), parents,
)  # fmt: skip
entries = st.lists(st.one_of(whole(), any_entry), max_size=12, unique_by=lambda e: e.item_id)
facts = st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3)


@given(entries, facts)
def test_what_is_written_comes_back(remembered: list[StateEntry], facts: dict[str, str]) -> None:
    delta = StateDelta.from_bytes(StateDelta.of(remembered, [], facts).to_bytes())
    state = State().after(delta)
    assert list(state) == by_id(remembered)
    assert state.facts == facts
    for e in remembered:
        assert state.find(e.item_id) == e


@pytest.mark.parametrize("cut", [1, 7, 100, 5000])
def test_it_may_come_in_any_pieces(cut: int) -> None:
    own = StateDelta.of(REMEMBERED, VANISHED, FACTS).to_bytes()
    for data in (own, OLD.read_bytes(), OLD_2.read_bytes()):
        pieces = [data[at : at + cut] for at in range(0, len(data), cut)]
        assert list(State().after(StateDelta.read(pieces))) == by_id(REMEMBERED)


@given(st.lists(ids, max_size=200, unique=True), st.lists(ids, max_size=20))
def test_an_id_is_found_and_another_is_not(known: list[bytes], strange: list[bytes]) -> None:
    """Also ids that no HMAC would make: alike, and one's end the other's beginning."""
    shifted = [a[8:] + b[:8] for a, b in pairwise(known)]
    blank = Fingerprint(0, 0)
    state = State().after(
        StateDelta.of([StateEntry(i, "file", blank, "", b"", ()) for i in known], [], {})
    )
    for item in [*known, *strange, *shifted]:
        assert (state.row(item) >= 0) == (item in known)
    for row in range(len(state)):
        assert state.row(state.id(row)) == row


# -- many deltas -----------------------------------------------------------------------------------

changes = st.tuples(entries, st.lists(few_ids, max_size=10), facts)


@given(st.lists(changes, max_size=4))
def test_deltas_add_up_as_in_a_dictionary(
    all_changes: list[tuple[list[StateEntry], list[bytes], dict[str, str]]],
) -> None:
    expected: dict[bytes, StateEntry] = {}
    expected_facts: dict[str, str] = {}
    deltas = []
    one_by_one = State()
    for changed, gone, facts in all_changes:
        expected |= {e.item_id: e for e in changed}
        for item in gone:
            expected.pop(item, None)
        expected_facts |= facts
        deltas.append(StateDelta.of(changed, gone, facts).to_bytes())
        one_by_one = one_by_one.after(StateDelta.from_bytes(deltas[-1]))
    at_once = State.after_all(map(StateDelta.from_bytes, deltas))
    again = State().after(StateDelta.from_bytes(at_once.as_base().to_bytes()))
    for state in (one_by_one, at_once, again):
        assert list(state) == by_id(list(expected.values()))
        assert state.facts == expected_facts
        assert state.unassigned() == sum(1 for e in expected.values() if e.digest and not e.matter)
        assert set(state.matters_in_packs()) == {
            (e.matter, (p.key_id, p.pack)) for e in expected.values() for p in e.parts
        }
        for row, e in enumerate(state):
            assert set(state.places(row)) == {(p.key_id, p.pack) for p in e.parts}


@given(st.lists(changes, max_size=4), st.integers(0, 60))
def test_room_for_fewer_or_more_rows_makes_no_difference(
    all_changes: list[tuple[list[StateEntry], list[bytes], dict[str, str]]], about: int
) -> None:
    deltas = [StateDelta.of(*change) for change in all_changes]
    assert StateDelta.joined(deltas, about).to_bytes() == StateDelta.joined(deltas).to_bytes()


@given(st.lists(changes, max_size=4))
def test_a_state_that_is_taken_apart_comes_to_the_same(
    all_changes: list[tuple[list[StateEntry], list[bytes], dict[str, str]]],
) -> None:
    kept, apart = State(), State()
    for changed, gone, facts in all_changes:
        data = StateDelta.of(changed, gone, facts).to_bytes()
        kept = kept.after(StateDelta.from_bytes(data))
        apart = apart.turned_into(StateDelta.from_bytes(data))
        assert list(apart) == list(kept)
        assert apart.facts == kept.facts
        assert apart.as_base().to_bytes() == kept.as_base().to_bytes()


def test_marks_that_repeat_are_kept_once() -> None:
    several = [entry(n, tag=f"version {n % 3}") for n in range(30)]
    assert StateDelta.of(several, [], {}).to_bytes().count(b"version ") == 3
    many = [entry(n, tag=f"version {n}") for n in range(6000)]
    state = State().after(StateDelta.from_bytes(StateDelta.of(many, [], {}).to_bytes()))
    assert {e.fingerprint.tag for e in state} == {e.fingerprint.tag for e in many}


@given(entries, digests)
def test_every_part_is_found_by_its_digest(remembered: list[StateEntry], other: bytes) -> None:
    state = State().after(StateDelta.of(remembered, [], {}))
    expected: dict[bytes, set[tuple[str, bytes]]] = {other: set()}
    for e in remembered:
        for part in e.parts:
            expected.setdefault(part.digest, set()).add((part.key_id, part.pack))
    for digest_, places in expected.items():
        found = list(state.members.find(digest_))
        assert {part.digest for part in found} <= {digest_}
        assert {(part.key_id, part.pack) for part in found} == places


def test_a_base_names_only_what_it_needs() -> None:
    state = State().after(StateDelta.of(REMEMBERED, VANISHED, {}))
    state = state.after(StateDelta.of([], [e.item_id for e in REMEMBERED[1:]], {}))
    base = state.as_base().to_bytes()
    assert b"etag" not in base
    assert digest("pack 1").hex().encode() not in base
    assert list(State().after(StateDelta.from_bytes(base))) == REMEMBERED[:1]


# -- files that are older, newer or damaged --------------------------------------------------------


@pytest.mark.parametrize("old", [OLD, OLD_2])
def test_what_an_earlier_version_wrote_is_read(old: Path) -> None:
    delta = StateDelta.from_bytes(old.read_bytes())
    state = State().after(StateDelta.of([], [], {})).after(delta)
    assert list(state) == by_id(REMEMBERED)
    assert state.facts == FACTS
    before = State().after(StateDelta.of([entry(9)], [], {}))
    gone = StateEntry(VANISHED[0], "file", Fingerprint(1, 1), "", b"", ())
    before = before.after(StateDelta.of([gone], [], {}))
    assert list(before.after(delta)) == by_id([*REMEMBERED, entry(9)])


def test_what_this_version_writes_is_the_same_to_the_last_byte_tomorrow() -> None:
    """State is named by its digest, and a run that is repeated should name the same object."""
    first, second = (StateDelta.of(REMEMBERED, VANISHED, FACTS).to_bytes() for _ in range(2))
    assert first == second
    assert first.startswith(b"muniment-state 3\n")


@given(st.data())
def test_a_damaged_file_is_refused_or_is_a_state(data: st.DataObject) -> None:
    good = StateDelta.of(REMEMBERED, VANISHED, FACTS).to_bytes()
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + data.draw(st.binary(max_size=3)) + good[at + data.draw(st.integers(0, 3)) :]
    try:
        state = State().after(StateDelta.from_bytes(bad))
    except FormatError:
        return
    assert len(list(state)) <= len(REMEMBERED)


def test_a_byte_that_is_no_text_anywhere_is_refused_when_the_file_is_read() -> None:
    good = StateDelta.of(REMEMBERED, VANISHED, FACTS).to_bytes()
    for at in range(len(good)):
        try:
            delta = StateDelta.from_bytes(good[:at] + b"\x80" + good[at + 1 :])
        except FormatError:
            continue
        assert len(list(State().after(delta))) <= len(REMEMBERED)


@pytest.mark.parametrize("length", [0, 4, 16, 17, 30, -1])
def test_a_file_that_ends_early_is_refused(length: int) -> None:
    own = StateDelta.of(REMEMBERED, VANISHED, FACTS).to_bytes()
    for good in (own, OLD.read_bytes(), OLD_2.read_bytes()):
        with pytest.raises(FormatError):
            StateDelta.from_bytes(good[:length])


def test_a_newer_version_is_told_apart_from_damage() -> None:
    with pytest.raises(FormatError, match="version"):
        StateDelta.from_bytes(b"muniment-state 4\n{}\n")


@pytest.mark.parametrize("version", [2, 3])
def test_a_number_that_is_too_large_takes_no_memory(version: int) -> None:
    head = b'{"rows":%d,"parents":0,"several":0,"tags":[1,0]}' % 2**60
    with pytest.raises(FormatError, match="damaged"):
        StateDelta.from_bytes(b"muniment-state %d\n%s\n" % (version, head))


def test_nothing_heavy_is_loaded_for_it() -> None:
    """Half a second and 80 MB of every backup, once."""
    code = (
        "import sys\n"
        "from muniment.vault.state import State, StateDelta\n"
        "State().after(StateDelta.from_bytes(StateDelta.of([], [], {'a': 'b'}).to_bytes()))\n"
        "sys.exit(' '.join({'pyarrow', 'numpy', 'pandas'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# -- a million questions ---------------------------------------------------------------------------


@given(entries, st.lists(few_ids, max_size=4))
def test_what_is_found_quickly_is_what_is_found(
    remembered: list[StateEntry], others: list[bytes]
) -> None:
    state = State().after(StateDelta.of(remembered, [], {}))
    find = state.finder()
    for item_id in [*(e.item_id for e in remembered), *others]:
        assert find(item_id) == state.row(item_id)


@given(
    entries, prints, st.booleans(), st.sampled_from(["size", "mtime_ns", "ctime_ns", "inode", "tag"])
)  # fmt: skip
def test_records_say_of_what_has_no_tag_what_the_columns_say(
    remembered: list[StateEntry], other: Fingerprint, inodes: bool, changed: str
) -> None:
    state = State().after(StateDelta.of(remembered, [], {}))
    records, numbers = state.records(inodes=inodes), state.matter_numbers()
    for e in remembered:
        row = state.row(e.item_id)
        for print_ in (
            e.fingerprint, other, e.fingerprint._replace(**{changed: getattr(other, changed)}),
            e.fingerprint._replace(tag=""), e.fingerprint._replace(device=7),
        ):  # fmt: skip
            for matter in ("", e.matter, "M-2QXA7F3K"):
                told = matter in numbers and records.says(row, print_, numbers[matter])
                expected = state.says(row, print_, inodes=inodes) and matter == e.matter
                assert told == (expected and not print_.tag)


def test_records_do_not_tell_of_times_that_no_state_can_hold() -> None:
    state = State().after(StateDelta.of([entry(1)], [], {}))
    records = state.records(inodes=True)
    old = entry(1).fingerprint
    row = state.row(entry(1).item_id)
    assert records.says(row, old, 0)
    assert not records.says(row, old._replace(mtime_ns=old.mtime_ns + (1 << 64)), 0)
    assert not records.says(row, old._replace(inode=-1), 0)
