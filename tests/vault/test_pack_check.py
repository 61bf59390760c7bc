from __future__ import annotations

import hashlib
import tracemalloc
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.errors import FormatError, IntegrityError, MunimentError, NoKey, SealError
from muniment.vault import names, tar
from muniment.vault import pack_check as pack_check_module
from muniment.vault.age import Identity, SealingWriter, open_sealed, seal
from muniment.vault.frames import MAX_FRAME, MAX_SEALED, FrameCompressor, decompress_into
from muniment.vault.pack_check import (
    WINDOW,
    PackContents,
    check_pack,
    check_pack_at,
    check_stored_pack,
)
from muniment.vault.store.decorators import CountingStore
from muniment.vault.store.local import LocalStore
from tests.support.fake_stores import VersionedStore
from tests.support.packs import Packs, framed, noise, prose, sha256, tar_of, write_pack

IDENTITY = Identity.generate()
CONTENTS = [b"", b"a", prose(1, 300_000), noise(2, 5_000_000), prose(3, 511), noise(4, 512)]
SMALL = tar_of([b"", b"one", b"two" * 200])


def check(plaintext: bytes) -> PackContents:
    """Of a pack that stands under its true digest, whatever is in it."""
    sealed = seal(plaintext, [IDENTITY.recipient])
    return check_pack(sealed, hashlib.sha256(sealed).hexdigest(), IDENTITY)


def sealed_with_head(plaintext: bytes) -> tuple[bytes, str]:
    """A pack and what a commit would say of how it begins."""
    file = BytesIO()
    writer = SealingWriter(file, [IDENTITY.recipient])
    writer.write(plaintext)
    writer.close()
    assert file.getvalue().startswith(writer.head)
    return file.getvalue(), hashlib.sha256(writer.head).hexdigest()


def header(digest: bytes, size: int, at: int = 0, value: bytes = b"") -> bytes:
    """A header with some bytes changed and its checksum made right again."""
    block = bytearray(tar.header(digest, size))
    block[at : at + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


# -- whole packs -----------------------------------------------------------------------------------


def test_a_whole_pack_gives_its_contents(tmp_path: Path) -> None:
    pack = write_pack(tmp_path, CONTENTS, IDENTITY)
    found = check_pack(pack.path.read_bytes(), pack.digest, IDENTITY)
    assert found.members == {sha256(c): len(c) for c in CONTENTS}
    assert found.plaintext == pack.plaintext
    assert found.size == pack.size
    assert found.frames == len({s.frame_offset for w in pack.segments.values() for s in w})


def test_somebody_who_keeps_what_the_check_looked_through_does_not_stop_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a profiler in another thread does that walks all frames and their locals.
    kept: list[object] = []

    def looked_at(frame: memoryview, room: bytearray) -> int | None:
        kept.append(frame)
        return decompress_into(frame, room)

    monkeypatch.setattr(pack_check_module, "decompress_into", looked_at)
    pack = write_pack(tmp_path, CONTENTS, IDENTITY)
    found = check_pack(pack.path.read_bytes(), pack.digest, IDENTITY)
    assert found.members == {sha256(c): len(c) for c in CONTENTS}
    assert len(kept) == found.frames


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=1500), max_size=12), st.integers(1, 4000))
def test_frames_may_be_cut_anywhere(contents: list[bytes], size: int) -> None:
    found = check(framed(tar_of(contents), size))
    assert found.members == {sha256(c): len(c) for c in contents}


def test_a_pack_by_other_programs_is_accepted() -> None:
    """`tarfile` pads an archive to a record of 10 KiB."""
    assert len(check(framed(SMALL + bytes(10_240 - len(SMALL) % 10_240))).members) == 3


def test_twenty_thousand_members_are_checked(tmp_path: Path) -> None:
    contents = [b"%d" % number for number in range(20_000)]
    pack = write_pack(tmp_path, contents, IDENTITY)
    assert len(check_pack(pack.path.read_bytes(), pack.digest, IDENTITY).members) == 20_000


# -- damaged packs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("with_head", [False, True])
def test_every_flipped_byte_of_a_small_pack_is_found(with_head: bool) -> None:
    sealed, head = sealed_with_head(framed(SMALL))
    digest = hashlib.sha256(sealed).hexdigest()
    said = head if with_head else None
    assert len(check_pack(sealed, digest, IDENTITY, said).members) == 3
    for at in range(len(sealed)):
        broken = bytearray(sealed)
        broken[at] ^= 1 << at % 8
        with pytest.raises(IntegrityError, match="digest in its name"):
            check_pack(broken, digest, IDENTITY, said)


@pytest.mark.parametrize("with_head", [False, True])
def test_every_region_of_a_large_pack_is_covered(tmp_path: Path, with_head: bool) -> None:
    pack = write_pack(tmp_path, CONTENTS, IDENTITY)
    said = pack.head if with_head else None
    sealed = bytearray(pack.path.read_bytes())
    for at in range(0, len(sealed), len(sealed) // 40):
        sealed[at] ^= 0x80
        with pytest.raises(IntegrityError):
            check_pack(sealed, pack.digest, IDENTITY, said)
        sealed[at] ^= 0x80
    check_pack(sealed, pack.digest, IDENTITY, said)


def test_the_same_content_sealed_anew_is_another_pack(tmp_path: Path) -> None:
    """The ciphertext is not hashed where the head is known: the head must tell."""
    pack = write_pack(tmp_path, CONTENTS, IDENTITY)
    plaintext = open_sealed(pack.path.read_bytes(), [IDENTITY])
    again, head = sealed_with_head(plaintext)
    assert len(again) == pack.size
    with pytest.raises(IntegrityError, match="digest in its name"):
        check_pack(again, pack.digest, IDENTITY, pack.head)
    assert check_pack(again, hashlib.sha256(again).hexdigest(), IDENTITY, head).frames


def test_a_good_pack_is_good_whatever_its_commit_says_of_its_head(tmp_path: Path) -> None:
    """Then the whole is hashed: a mistake in a commit is no damage to a pack."""
    pack = write_pack(tmp_path, CONTENTS, IDENTITY)
    found = check_pack(pack.path.read_bytes(), pack.digest, IDENTITY, "0" * 64)
    assert found.members == {sha256(c): len(c) for c in CONTENTS}


def test_with_a_head_the_ciphertext_is_not_hashed_and_without_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = write_pack(tmp_path, CONTENTS, IDENTITY)
    sealed = pack.path.read_bytes()
    hashed: list[int] = []
    whole = pack_check_module._HashedSource.finish

    def finish(source: pack_check_module._HashedSource) -> str:
        hashed.append(1)
        return whole(source)

    monkeypatch.setattr(pack_check_module._HashedSource, "finish", finish)
    check_pack(sealed, pack.digest, IDENTITY, pack.head)
    assert not hashed
    check_pack(sealed, pack.digest, IDENTITY)
    assert hashed


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_change_under_the_seal_is_found_too(data: st.DataObject) -> None:
    """Written wrongly and named rightly: what the ciphertext's digest cannot show."""
    stream = bytearray(SMALL)
    at = data.draw(st.integers(0, len(SMALL) - 1))
    stream[at] ^= data.draw(st.integers(1, 255))
    try:
        members = check(framed(bytes(stream))).members
    except (FormatError, IntegrityError):
        return
    # What may differ is how a number is written, never what is held.
    assert members == {sha256(c): len(c) for c in (b"", b"one", b"two" * 200)}


@pytest.mark.parametrize("keep", [0, 1, 100, 215, 216, 217, 300, 65_000, -1])
def test_a_torn_pack_is_found(tmp_path: Path, keep: int) -> None:
    pack = write_pack(tmp_path, [noise(1, 200_000)], IDENTITY)
    with pytest.raises(IntegrityError):
        check_pack(pack.path.read_bytes()[:keep], pack.digest, IDENTITY)


def test_a_pack_with_something_behind_it_is_found(tmp_path: Path) -> None:
    pack = write_pack(tmp_path, [b"x"], IDENTITY)
    with pytest.raises(IntegrityError):
        check_pack(pack.path.read_bytes() + b"\0", pack.digest, IDENTITY)


@pytest.mark.parametrize("end", [-1, -512, -513, -1024, -1025, 600, 512, 1, 0])
def test_a_tar_without_its_end_is_found(end: int) -> None:
    with pytest.raises(FormatError, match="no end"):
        check(framed(SMALL[:end]))


def test_damage_is_said_to_be_damage_also_where_it_looks_like_a_wrong_key() -> None:
    sealed = bytearray(seal(framed(SMALL), [IDENTITY.recipient]))
    digest = hashlib.sha256(sealed).hexdigest()
    at = sealed.index(b"X25519 ") + 10
    sealed[at] = ord("A") if sealed[at] != ord("A") else ord("B")
    with pytest.raises(IntegrityError):
        check_pack(sealed, digest, IDENTITY)


@pytest.mark.parametrize("bit", range(8))
def test_a_pack_laid_in_place_of_another_is_told_whatever_its_first_frame_says(bit: int) -> None:
    """Whoever can write to the store can seal to the key as well, and the frames are looked at before the digest is known."""
    good, head = sealed_with_head(framed(SMALL))
    frames = bytearray(framed(SMALL))
    frames[4] ^= 1 << bit
    laid, _ = sealed_with_head(bytes(frames))
    for said in (None, head):
        with pytest.raises(IntegrityError, match="digest in its name"):
            check_pack(laid, hashlib.sha256(good).hexdigest(), IDENTITY, said)


def test_an_intact_pack_under_another_key_is_not_taken_for_a_missing_key() -> None:
    sealed = seal(framed(SMALL), [Identity.generate().recipient])
    with pytest.raises(SealError, match="not sealed to the key") as caught:
        check_pack(sealed, hashlib.sha256(sealed).hexdigest(), IDENTITY)
    assert not isinstance(caught.value, NoKey)


def test_errors_name_the_pack() -> None:
    for damage in (lambda d: d[:-1], lambda d: d):
        sealed = seal(framed(SMALL[:-512]), [IDENTITY.recipient])
        digest = hashlib.sha256(sealed).hexdigest()
        with pytest.raises(MunimentError) as caught:
            check_pack(damage(sealed), digest, IDENTITY)
        assert caught.value.to == names.pack(digest)


# -- packs that are not what they must be ----------------------------------------------------------

NOT_ITS_NAME = tar.header(sha256(b"other"), 3) + b"one" + bytes(509) + tar.END


@pytest.mark.parametrize(
    ("stream", "error", "why"),
    [
        (NOT_ITS_NAME, IntegrityError, "not the content that its name promises"),
        (tar.header(sha256(b"x"), 0) + tar.END, IntegrityError, "not the content"),
        (SMALL + SMALL, FormatError, "after the end"),
        (SMALL[:-512] + SMALL, FormatError, "after the end"),
        (SMALL + b"\x01" + bytes(511), FormatError, "after the end"),
        (SMALL[:1027] + b"!" + SMALL[1028:], FormatError, "between its members"),
        (header(sha256(b""), 0, 156, b"5") + tar.END, FormatError, "not a regular file"),
        (header(sha256(b""), 0, 156, b"2") + tar.END, FormatError, "not a regular file"),
        (header(sha256(b""), 0, 156, b"x") + tar.END, FormatError, "not a regular file"),
        (header(sha256(b""), 0, 0, b"/etc/") + tar.END, FormatError, "not named by a SHA-256"),
        (header(sha256(b""), 0, 64, b".sh") + tar.END, FormatError, "not named by a SHA-256"),
        (header(sha256(b""), 0, 345, b"../..") + tar.END, FormatError, "another form"),
        (header(sha256(b""), 0, 100, b"0004755\0") + tar.END, FormatError, "rights"),
        (tar.header(sha256(b""), tar.MAX_CONTENT) + tar.END, FormatError, "no end"),
        (b"\xff" * 2048, FormatError, "not named"),
        (b"", FormatError, "no end"),
    ],
)
def test_what_a_pack_may_not_hold_is_refused(
    stream: bytes, error: type[MunimentError], why: str
) -> None:
    with pytest.raises(error, match=why):
        check(framed(stream))


def test_a_wrong_checksum_of_a_header_is_refused() -> None:
    stream = bytearray(SMALL)
    stream[150] = ord("7") if stream[150] != ord("7") else ord("6")
    with pytest.raises(FormatError, match="checksum"):
        check(framed(bytes(stream)))


@pytest.mark.parametrize(
    "plaintext",
    [
        SMALL,  # not compressed at all
        framed(SMALL) + b"what is left over",
        framed(SMALL) + framed(SMALL)[:30],
        framed(SMALL)[:-1],
        framed(SMALL) + b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip",
    ],
)
def test_what_is_not_whole_frames_is_refused(plaintext: bytes) -> None:
    with pytest.raises(FormatError):
        check(plaintext)


def test_an_empty_age_file_is_no_pack() -> None:
    with pytest.raises(FormatError, match="no end"):
        check(b"")


# -- packs that want our memory --------------------------------------------------------------------


def zeros(size: int) -> bytes:
    return FrameCompressor(1).compress(bytes(size))


def test_a_pack_of_more_than_256_mib_is_refused_without_holding_it() -> None:
    block = zeros(64 << 20)
    start = tar.header(bytes(32), 7 << 30)
    plaintext = FrameCompressor().compress(start) + block * 128
    assert len(plaintext) < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match="more than a pack may hold"):
            check(plaintext)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * MAX_FRAME + 2 * WINDOW


def test_a_frame_above_its_limit_is_refused() -> None:
    with pytest.raises(FormatError, match="larger than a frame may be"):
        check(zeros(MAX_FRAME + 1))


def test_a_pack_that_claims_to_be_too_large_is_not_even_opened() -> None:
    def never(start: int, length: int) -> bytes:
        raise AssertionError

    with pytest.raises(FormatError, match="larger"):
        check_pack_at(never, MAX_SEALED + 1, "0" * 64, IDENTITY)


# -- in a store ------------------------------------------------------------------------------------


def test_a_stored_pack_is_read_once_in_windows(tmp_path: Path) -> None:
    store = CountingStore(LocalStore.create(tmp_path / "store"))
    packs = Packs(store, tmp_path / "staging")
    packs.add([noise(seed, 1 << 20) for seed in range(14)])
    (pack,) = packs.listed.values()
    keyring = packs.keyring()
    keyring.identity(pack.key_id)
    store.requests.clear()
    store.received_bytes = 0
    assert len(check_stored_pack(store, pack, keyring).members) == 14
    assert store.requests["get"] <= 2 + pack.size // WINDOW + 1
    assert store.received_bytes <= pack.size + 8192


def test_what_lies_on_top_does_not_hide_the_true_version(tmp_path: Path) -> None:
    store = VersionedStore()
    packs = Packs(store, tmp_path)
    packs.add([b"true"])
    (pack,) = packs.listed.values()
    store.put_on_top(names.pack(pack.pack), noise(1, pack.size))
    store.leave_delete_marker(names.pack(pack.pack))
    assert check_stored_pack(store, pack, packs.keyring()).members == {sha256(b"true"): 4}


@pytest.mark.parametrize("versions", [True, False])
def test_a_lost_or_rotten_pack_is_an_integrity_error(tmp_path: Path, versions: bool) -> None:
    local = LocalStore.create(tmp_path / "store")
    fake = VersionedStore()
    packs = Packs(fake if versions else local, tmp_path / "staging")
    packs.add([b"content"])
    (pack,) = packs.listed.values()
    name = names.pack(pack.pack)
    file = local.root / name
    if versions:
        fake.corrupt(name, lambda data: data[:-1] + bytes([data[-1] ^ 1]))
    else:
        data = file.read_bytes()
        file.chmod(0o600)
        file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(IntegrityError) as rotten:
        check_stored_pack(packs.store, pack, packs.keyring())
    assert rotten.value.to == name
    if versions:
        fake.lose(name)
    else:
        file.unlink()
    with pytest.raises(IntegrityError, match="not in the store") as lost:
        check_stored_pack(packs.store, pack, packs.keyring())
    assert lost.value.to == name


def test_without_the_key_it_says_so_and_nothing_is_called_damaged(tmp_path: Path) -> None:
    packs = Packs(VersionedStore(), tmp_path)
    packs.add([b"content"])
    (pack,) = packs.listed.values()
    with pytest.raises(NoKey):
        check_stored_pack(packs.store, pack, packs.keyring(Identity.generate()))
