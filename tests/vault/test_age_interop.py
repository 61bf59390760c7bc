"""Our age files and those of others: `pyrage` (Rust) and the `age` program (Go), both ways."""

from __future__ import annotations

import io
import os
import pty
import random
import select
import subprocess
import sys
from pathlib import Path

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.errors import KeyFileError, NoKey, SealError
from muniment.vault.age import (
    Identity,
    Recipient,
    SealedReader,
    SealingWriter,
    is_under_passphrase,
    open_sealed,
    open_with_passphrase,
    parse_identities,
    seal,
    seal_with_passphrase,
)
from tests.support.needs import REPOSITORY, needs_program

CHUNK = 65536
SIZES = [0, 1, 47, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 16 * CHUNK, 16 * CHUNK + 1, 5_000_011]

IDENTITY = Identity.generate()
THEIRS = pyrage.x25519.Identity.from_str(str(IDENTITY))


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def sealed_in_pieces(data: bytes, piece: int) -> bytes:
    out = io.BytesIO()
    writer = SealingWriter(out, [IDENTITY.recipient])
    for start in range(0, len(data), piece):
        writer.write(data[start : start + piece])
    writer.close()
    return out.getvalue()


def test_keys_have_the_same_text_on_both_sides() -> None:
    theirs = pyrage.x25519.Identity.generate()
    ours = Identity.parse(str(theirs))
    assert str(ours) == str(theirs)
    assert str(ours.recipient) == str(theirs.to_public())
    assert str(THEIRS.to_public()) == str(IDENTITY.recipient)
    assert Recipient.parse(str(theirs.to_public())) == ours.recipient


@pytest.mark.parametrize("size", SIZES)
def test_pyrage_opens_what_we_seal(size: int) -> None:
    data = content(size)
    assert pyrage.decrypt(seal(data, [IDENTITY.recipient]), [THEIRS]) == data


@pytest.mark.parametrize("size", SIZES)
def test_we_open_what_pyrage_seals(size: int) -> None:
    data = content(size)
    assert open_sealed(pyrage.encrypt(data, [THEIRS.to_public()]), [IDENTITY]) == data


@settings(max_examples=60, deadline=None)
@given(size=st.integers(0, 5 * CHUNK), piece=st.integers(500, 3 * CHUNK))
def test_pyrage_opens_what_was_written_in_pieces(size: int, piece: int) -> None:
    data = content(size)
    assert pyrage.decrypt(sealed_in_pieces(data, piece), [THEIRS]) == data


@settings(max_examples=200, deadline=None)
@given(
    size=st.sampled_from([1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 20 * CHUNK + 17]),
    fractions=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_a_range_of_what_pyrage_sealed_is_that_range(
    size: int, fractions: tuple[float, float]
) -> None:
    data = content(size)
    sealed = sealed_by_pyrage(size)
    reader = SealedReader(lambda at, length: sealed[at : at + length], len(sealed), [IDENTITY])
    start, end = sorted(round(fraction * size) for fraction in fractions)
    assert reader.plaintext_size == size
    assert reader.read(start, end - start) == data[start:end]


_SEALED: dict[int, bytes] = {}


def sealed_by_pyrage(size: int) -> bytes:
    if size not in _SEALED:
        _SEALED[size] = pyrage.encrypt(content(size), [THEIRS.to_public()])
    return _SEALED[size]


def test_each_of_two_recipients_opens_alone_on_both_sides() -> None:
    others = Identity.generate()
    sealed = seal(b"evidence", [IDENTITY.recipient, others.recipient])
    theirs = pyrage.encrypt(
        b"evidence",
        [THEIRS.to_public(), pyrage.x25519.Recipient.from_str(str(others.recipient))],
    )
    for identity in (IDENTITY, others):
        assert open_sealed(sealed, [identity]) == b"evidence"
        assert open_sealed(theirs, [Identity.generate(), identity]) == b"evidence"
        pyrage_identity = pyrage.x25519.Identity.from_str(str(identity))
        assert pyrage.decrypt(sealed, [pyrage_identity]) == b"evidence"


# -- the age program -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def age() -> str:
    return needs_program("age")


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "identity.txt"
    path.touch(mode=0o600)
    path.write_text(f"# public key: {IDENTITY.recipient}\n{IDENTITY!s}\n")
    return path


@pytest.mark.parametrize("size", SIZES)
def test_the_age_program_opens_what_we_seal(age: str, key_file: Path, size: int) -> None:
    data = content(size)
    found = subprocess.run(
        [age, "-d", "-i", str(key_file)],
        input=seal(data, [IDENTITY.recipient]),
        capture_output=True,
        check=True,
    )
    assert found.stdout == data


@pytest.mark.parametrize("size", SIZES)
def test_we_open_what_the_age_program_seals(age: str, size: int) -> None:
    data = content(size)
    sealed = subprocess.run(
        [age, "-r", str(IDENTITY.recipient), "-r", str(Identity.generate().recipient)],
        input=data,
        capture_output=True,
        check=True,
    )
    assert open_sealed(sealed.stdout, [IDENTITY]) == data


def test_we_read_the_key_file_that_age_keygen_writes(tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    subprocess.run([needs_program("age-keygen"), "-o", str(path)], check=True, capture_output=True)
    text = path.read_text()
    (identity,) = parse_identities(text)
    assert f"# public key: {identity.recipient}\n" in text


def at_a_terminal(command: list[str], answers: list[str]) -> bytes:
    """Runs a program that asks its questions at the terminal; returns what it printed there."""
    pid, terminal = pty.fork()
    if pid == 0:  # the child: never returns into pytest
        try:
            os.execvp(command[0], command)
        finally:
            os._exit(127)
    shown = b""
    asked = 0
    try:
        while select.select([terminal], [], [], 60)[0]:
            try:
                data = os.read(terminal, 4096)
            except OSError:  # Linux: the other side is gone
                break
            if not data:
                break
            shown += data
            if asked < len(answers) and shown.count(b"passphrase") > asked and b": " in data:
                os.write(terminal, answers[asked].encode() + b"\n")
                asked += 1
    finally:
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, shown
    return shown


def test_the_age_program_opens_our_file_under_a_passphrase(age: str, tmp_path: Path) -> None:
    """As docs/FORMAT.md section 0 says: `age -d -o escrow.txt escrow-1.age`."""
    sealed, opened = tmp_path / "escrow-1.age", tmp_path / "escrow.txt"
    sealed.write_bytes(seal_with_passphrase(b"# escrow\n", "correct horse", work_factor=12))
    at_a_terminal([age, "-d", "-o", str(opened), str(sealed)], ["correct horse"])
    assert opened.read_bytes() == b"# escrow\n"


@pytest.mark.parametrize("armor", [[], ["-a"]], ids=["binary", "armored"])
def test_we_open_what_the_age_program_puts_under_a_passphrase(
    age: str, tmp_path: Path, armor: list[str]
) -> None:
    plain, sealed = tmp_path / "escrow.txt", tmp_path / "escrow-1.age"
    plain.write_bytes(b"# escrow\n")
    at_a_terminal(
        [age, "-p", *armor, "-o", str(sealed), str(plain)], ["correct horse", "correct horse"]
    )
    data = sealed.read_bytes()
    assert is_under_passphrase(data)
    assert open_with_passphrase(data, "correct horse") == b"# escrow\n"


# -- passphrases -----------------------------------------------------------------------------------


@pytest.mark.parametrize("passphrase", ["correct horse", "pässwörter und 鍵", " "])
def test_pyrage_opens_our_file_under_a_passphrase(passphrase: str) -> None:
    ours = seal_with_passphrase(b"text", passphrase, work_factor=10)
    assert pyrage.passphrase.decrypt(ours, passphrase) == b"text"
    assert open_with_passphrase(ours, passphrase) == b"text"


def test_we_open_what_pyrage_puts_under_a_passphrase() -> None:
    """Once only: pyrage chooses a work factor that takes this machine a second or more."""
    theirs = pyrage.passphrase.encrypt(b"text", "pässwörter und 鍵")
    assert open_with_passphrase(theirs, "pässwörter und 鍵") == b"text"


def test_a_wrong_passphrase_is_no_key_and_stays_out_of_the_error() -> None:
    sealed = seal_with_passphrase(b"text", "correct horse", work_factor=10)
    with pytest.raises(NoKey) as caught:
        open_with_passphrase(sealed, "battery staple")
    assert "staple" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_file_that_asks_for_too_much_work_is_refused_before_it_is_done() -> None:
    sealed = seal_with_passphrase(b"text", "correct horse", work_factor=11)
    with pytest.raises(SealError, match="work factor of 11"):
        open_with_passphrase(sealed, "correct horse", max_work_factor=10)


def test_an_empty_passphrase_and_a_foolish_work_factor_are_refused() -> None:
    with pytest.raises(KeyFileError, match="empty passphrase"):
        seal_with_passphrase(b"text", "", work_factor=10)
    for factor in (0, 23):
        with pytest.raises(KeyFileError, match="work factor"):
            seal_with_passphrase(b"text", "correct horse", work_factor=factor)


def test_a_passphrase_that_has_no_text_is_refused_without_being_quoted() -> None:
    with pytest.raises(KeyFileError) as caught:
        seal_with_passphrase(b"text", "secret\ud800", work_factor=1)
    assert "secret" not in str(caught.value)


def test_passphrase_and_keys_are_not_mistaken_for_each_other() -> None:
    under_passphrase = seal_with_passphrase(b"text", "correct horse", work_factor=10)
    to_key = seal(b"text", [IDENTITY.recipient])
    assert is_under_passphrase(under_passphrase)
    assert not is_under_passphrase(to_key)
    assert not is_under_passphrase(b"AGE-SECRET-KEY-1...")
    with pytest.raises(NoKey, match="under a passphrase"):
        open_sealed(under_passphrase, [IDENTITY])
    with pytest.raises(NoKey):
        open_with_passphrase(to_key, "correct horse")


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not enforce RLIMIT_AS")
def test_too_little_memory_for_a_passphrase_is_said_so() -> None:
    """A file from a larger machine: 2^20 takes 1 GiB, of which this process may have none."""
    program = (
        "import resource\n"
        "from muniment.errors import KeyFileError\n"
        "from muniment.vault.age import seal_with_passphrase\n"
        "resource.setrlimit(resource.RLIMIT_AS, (700 << 20, 700 << 20))\n"
        "try:\n"
        "    seal_with_passphrase(b'text', 'correct horse', work_factor=20)\n"
        "except KeyFileError as error:\n"
        "    print(error.what, error.todo)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "include")}
    found = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert "too little memory" in found.stdout
    assert "1024 MiB" in found.stdout
