"""Recipients and identities: their text, and where a secret may not appear."""

from __future__ import annotations

import ast
import copy
import inspect
import io
import pickle
import random
import traceback
from pathlib import Path

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.errors import KeyFileError, MunimentError, NoKey
from muniment.vault import _age_bech32 as bech32
from muniment.vault import age
from muniment.vault.age import Identity, Recipient, open_sealed, parse_identities, seal

PACKAGE = Path(inspect.getfile(age)).parents[1]

# -- text ------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_every_identity_reads_back_from_its_text(secret: bytes) -> None:
    text = bech32.encode("age-secret-key-", secret).upper()
    identity = Identity.parse(text)
    assert str(identity) == text
    assert Recipient.parse(str(identity.recipient)) == identity.recipient
    assert str(pyrage.x25519.Identity.from_str(text).to_public()) == str(identity.recipient)


# The valid ones of BIP 173. Their data are five-bit groups, which are not always whole bytes.
@pytest.mark.parametrize(
    ("text", "prefix", "length"),
    [
        ("A12UEL5L", "A", 0),
        ("a12uel5l", "a", 0),
        (
            "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
            "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio",
            0,
        ),
        ("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "abcdef", 20),
        (
            "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
            "split",
            30,
        ),
        ("?1ezyfcl", "?", 0),
    ],
)
def test_valid_text_of_bip_173_is_taken(text: str, prefix: str, length: int) -> None:
    found, data = bech32.decode(text)
    assert (found, len(data)) == (prefix, length)
    assert bech32.encode(prefix.lower(), data) == text.lower()


def test_groups_that_are_not_whole_bytes_are_refused() -> None:
    assert bech32.decode(from_groups("a", [0] * 82)) == ("a", bytes(51))  # and two spare zeros
    for groups in ([0], [0] * 83, [0, 0, 0], [31, 31]):
        with pytest.raises(ValueError, match="spare bits"):
            bech32.decode(from_groups("a", groups))


def from_groups(prefix: str, groups: list[int]) -> str:
    """Bech32 text with a valid checksum over any five-bit groups."""
    check = bech32._polymod([*bech32._expand(prefix), *groups, *[0] * 6]) ^ 1
    values = [*groups, *(check >> 5 * (5 - i) & 31 for i in range(6))]
    return f"{prefix}1" + "".join(bech32._ALPHABET[value] for value in values)


@pytest.mark.parametrize(
    "text",
    ["", "1", "pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v", "li1dgmt3", "A1G7SGD8", "10a06t8",
     "1qzzfhee", "a12UEL5L", "de1lg7wt\xff", "\x801eym55h"],
)  # fmt: skip
def test_invalid_text_of_bip_173_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        bech32.decode(text)


@settings(max_examples=300, deadline=None)
@given(position=st.integers(4, 61), replacement=st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l"))
def test_one_mistyped_letter_is_always_found(position: int, replacement: str) -> None:
    text = list(str(IDENTITY.recipient))
    if text[position] != replacement:
        text[position] = replacement
        with pytest.raises(KeyFileError):
            Recipient.parse("".join(text))


IDENTITY = Identity.parse(
    "AGE-SECRET-KEY-16ZTDFU4NMMLE3CCG974K9C7NLNGN5KRLZZWQD96JKT2CNM8M79UQKS86D4"
)
"""Always the same: names of tests hold it, and two processes must collect the same tests."""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "age1",
        str(IDENTITY),
        str(IDENTITY.recipient).upper(),
        str(IDENTITY.recipient)[:-1],
        str(IDENTITY.recipient) + "q",
        bech32.encode("age", bytes(31)),
        bech32.encode("age", bytes(33)),
        bech32.encode("agf", bytes(32)),
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN",
    ],
)
def test_what_is_no_recipient_is_refused(text: str) -> None:
    with pytest.raises(KeyFileError):
        Recipient.parse(text)


def test_padding_bits_that_are_not_zero_are_refused() -> None:
    values = bech32._regroup(IDENTITY.recipient.public, 8, 5, pad=True)
    values[-1] |= 1  # the last group carries one bit of data and four of padding
    text = from_groups("age", values)
    with pytest.raises(KeyFileError, match="spare bits"):
        Recipient.parse(text)


@pytest.mark.parametrize(
    "point",
    [
        bytes(32),
        (1).to_bytes(32, "little"),
        bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ],
)
def test_a_recipient_of_low_order_is_refused(point: bytes) -> None:
    """What is sealed to one of these points (RFC 7748, section 6.1) could be read by anybody."""
    with pytest.raises(KeyFileError, match="no identity belongs to"):
        Recipient.parse(bech32.encode("age", point))
    with pytest.raises(KeyFileError, match="no identity belongs to"):
        seal(b"text", [Recipient(point)])


# -- identity files --------------------------------------------------------------------------------


def test_an_identity_file_may_have_comments_empty_lines_and_windows_line_ends() -> None:
    a, b = Identity.generate(), Identity.generate()
    text = f"# created: today\r\n# public key: {a.recipient}\r\n\r\n{a!s}\r\n  {b!s}  \n"
    assert parse_identities(text) == [a, b]


@pytest.mark.parametrize("text", ["", "\n", "# nothing but a comment\n"])
def test_an_identity_file_without_identity_is_refused(text: str) -> None:
    with pytest.raises(KeyFileError, match="holds no identity"):
        parse_identities(text)


@pytest.mark.parametrize(
    "text", ["age-encryption.org/v1\n", "-----BEGIN AGE ENCRYPTED FILE-----\n"]
)
def test_an_identity_file_that_is_itself_sealed_is_named_as_such(text: str) -> None:
    with pytest.raises(KeyFileError, match="itself sealed"):
        parse_identities(text)


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        str(IDENTITY.recipient),
        str(IDENTITY).lower(),
        str(IDENTITY)[:-1],
        str(IDENTITY).replace("K", "k", 1),
        "AGE-PLUGIN-YUBIKEY-1QQQQQQQQQQQQ",
        "MUNIMENT-ID-KEY-" + "0" * 64,
    ],
)
def test_a_bad_line_of_an_identity_file_is_named_by_its_number_only(line: str) -> None:
    with pytest.raises(KeyFileError, match="line 2 of an identity file") as caught:
        parse_identities(f"{Identity.generate()!s}\n{line}\n")
    assert line[-20:] not in shown(caught.value)


# -- secrets ---------------------------------------------------------------------------------------


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error)


def secret_of(identity: Identity) -> str:
    return str(identity).removeprefix("AGE-SECRET-KEY-1")


def test_the_repr_of_an_identity_shows_its_recipient_only() -> None:
    for text in (repr(IDENTITY), repr([IDENTITY]), f"{IDENTITY!r}", f"{[IDENTITY]}"):
        assert str(IDENTITY.recipient) in text
        assert secret_of(IDENTITY) not in text.upper()


def test_an_identity_is_not_pickled_or_copied() -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="hand on the key file"):
            pickle.dumps(IDENTITY, protocol)
    with pytest.raises(TypeError, match="hand on the key file"):
        copy.deepcopy([IDENTITY])
    assert pickle.loads(pickle.dumps(IDENTITY.recipient)) == IDENTITY.recipient


def test_readers_and_writers_are_not_pickled() -> None:
    sealed = seal(b"text", [IDENTITY.recipient])
    reader = age.SealedReader(BytesAt(sealed), len(sealed), [IDENTITY])
    for thing in (reader, age.SealingWriter(io.BytesIO(), [IDENTITY.recipient])):
        with pytest.raises(TypeError):
            pickle.dumps(thing)


class BytesAt:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def __call__(self, start: int, length: int) -> bytes:
        return self.data[start : start + length]


def test_errors_survive_pickling_and_carry_no_secret() -> None:
    with pytest.raises(NoKey) as caught:
        open_sealed(seal(b"text", [Identity.generate().recipient]), [IDENTITY])
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is NoKey and str(again) == str(caught.value)
    assert secret_of(IDENTITY) not in shown(caught.value).upper()
    mistyped = str(IDENTITY)[:-1] + "B"
    with pytest.raises(MunimentError) as refused:
        Identity.parse(mistyped)
    assert secret_of(IDENTITY)[:12] not in shown(refused.value).upper()


def test_identities_are_equal_when_their_recipients_are() -> None:
    same = Identity.parse(str(IDENTITY))
    assert same == IDENTITY and hash(same) == hash(IDENTITY)
    assert Identity.generate() != IDENTITY
    assert str(IDENTITY) != IDENTITY


# -- what callers can reach ------------------------------------------------------------------------


def test_no_public_function_takes_a_nonce_or_a_file_key() -> None:
    for name in age.__all__:
        thing = getattr(age, name)
        members = [thing] if inspect.isfunction(thing) else []
        if inspect.isclass(thing):
            members = [m for n, m in vars(thing).items() if callable(m) and not n.startswith("_")]
            members.append(thing.__init__)
        for member in members:
            named = " ".join(inspect.signature(member).parameters)
            assert not any(word in named for word in ("nonce", "key", "salt", "counter")), member


def test_nothing_but_age_reaches_the_modules_behind_it() -> None:
    offenders = [
        path.name
        for path in PACKAGE.rglob("*.py")
        if not (
            path.parent.name == "vault" and (path.stem == "age" or path.stem.startswith("_age"))
        )
        and any("_age_" in imported for imported in imports_of(path))
    ]
    assert offenders == []


def imports_of(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return found


def test_generated_identities_differ() -> None:
    assert len({str(Identity.generate()) for _ in range(50)}) == 50
    state = random.getstate()
    a = Identity.generate()
    random.setstate(state)
    assert Identity.generate() != a
