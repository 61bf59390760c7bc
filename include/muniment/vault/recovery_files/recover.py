#!/usr/bin/env python3
"""recover.py - gets every file back out of a Muniment vault (format 1), without Muniment.

    python3 recover.py STORE --identity FILE OUT

STORE     a folder that holds a copy of the vault (it contains vault/, keys/, packs/, snapshots/, commits/).
FILE      an identity that opens the vault's keys: the escrow identity from the safe, or the operations
          identity. If it is kept under a passphrase, age asks you for it, once.
OUT       a folder that does not exist yet, or is empty. The files go there.

It needs Python 3.8 or newer, nothing else from Python, and two programs on the PATH:
`age` (https://age-encryption.org) and `zstd` (https://facebook.github.io/zstd).

Give --root-key and --vault-id from the key card, and every file is proven to be what the firm's own machine
saved. Without them the files come back just as well, but an intruder could have written the vault's
history: then the report says "trust not proven".

What it does NOT do: it reads plain copies of a store, one version of each object. If your bucket keeps
versions and somebody overwrote objects, export the OLDEST version of each name first (see FORMAT.md, section 2).

Exit status: 0 all restored; 1 something could not be restored (it is listed); 2 could not begin.

How this file is laid out: 1 words and numbers, 2 signatures, 3 age and zstd, 4 signed objects and trust,
5 choosing a snapshot, 6 rows, 7 restoring, 8 the command line. "Section" in comments means a section of
docs/FORMAT.md, the page that describes the vault.
"""

from __future__ import annotations

import argparse
import base64
import errno
import hashlib
import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from typing import Any, BinaryIO, Dict, IO, Iterator, List, NamedTuple, Optional, Set, Tuple, cast

CHUNK = 1 << 20
PACK_LIMIT = 256 << 20  # section 3: no pack decompresses to more
Json = Dict[str, Any]


class Refused(Exception):
    """One object, row or file cannot be used; the rest goes on."""


class CannotBegin(Exception):
    """Nothing (more) can be done at all; the text says why."""


# What a damaged or hostile JSON document can make the code below raise.
BAD = (Refused, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)


def reason(problem: BaseException, name: str) -> str:
    return str(problem) if isinstance(problem, Refused) else "%s is malformed" % name


def say(text: str = "") -> None:
    print(text, file=sys.stderr, flush=True)


# -- 1. Words and numbers ------------------------------------------------------------------------------


def unpercent(text: Any) -> bytes:
    """Section 1, percent text: every %XX is a byte, every other character its UTF-8 bytes."""
    if not isinstance(text, str) or re.search("%(?![0-9A-F]{2})", text):
        raise Refused("a name is not percent text")
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError:
        raise Refused("a name is not percent text") from None
    return re.sub(rb"%([0-9A-F]{2})", lambda found: bytes([int(found.group(1), 16)]), raw)


def safe_path(text: Any) -> bytes:
    """Section 14: a path that stays below the folder we restore to, or Refused. The root folder is `.`."""
    path = unpercent(text)
    if path != b"." and (not path or b"\0" in path or {b"", b".", b".."} & set(path.split(b"/"))):
        raise Refused("its path is not one that may be restored (absolute, empty, or leaves the folder)")
    return path


def moment(text: Any) -> Tuple[str, str]:
    """A time as something that compares correctly: (to the second, digits of the fraction)."""
    found = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?Z", str(text))
    if not found:
        raise Refused("%r is not a time such as 2026-11-24T02:00:00Z" % (text,))
    return found.group(1), (found.group(2) or "").rstrip("0")


def file_digest(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(CHUNK), b""):
            digest.update(block)
    return digest.hexdigest()


def is_hex(text: Any, length: int) -> bool:
    return isinstance(text, str) and re.fullmatch("[0-9a-f]{%d}" % length, text) is not None


# -- 2. Signatures: Ed25519 as RFC 8032, section 5.1 has it, verification only -----------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
Point = Tuple[int, int, int, int]  # X, Y, Z, T with x = X/Z, y = Y/Z, x*y = T/Z


def point_add(a: Point, b: Point) -> Point:
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    w, x, y, z = f - e, h - g, h + g, f + e
    return w * x % P, y * z % P, x * y % P, w * z % P


def point_decode(data: bytes) -> Optional[Point]:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def point_encode(a: Point) -> bytes:
    inverse = pow(a[2], P - 2, P)
    x, y = a[0] * inverse % P, a[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE_POINT = cast(Point, point_decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")))


def signature_is_valid(public: bytes, message: bytes, signature: bytes) -> bool:
    """True if `signature` is that of `message` by the owner of `public`."""
    key = point_decode(public) if len(public) == 32 and len(signature) == 64 else None
    s = int.from_bytes(signature[32:], "little")
    if key is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    # R must be s*B - k*A. Both products are made in one pass over the bits.
    minus_key = (P - key[0], key[1], 1, P - key[3])
    table = {(1, 0): BASE_POINT, (0, 1): minus_key, (1, 1): point_add(BASE_POINT, minus_key)}
    total: Point = (0, 1, 1, 0)
    for bit in range(253, -1, -1):
        total = point_add(total, total)
        pick = (s >> bit & 1, k >> bit & 1)
        if pick in table:
            total = point_add(total, table[pick])
    return point_encode(total) == signature[:32]


# -- 3. age and zstd -----------------------------------------------------------------------------------------


def programs() -> Tuple[str, str]:
    found = []
    for name, where in (("age", "https://age-encryption.org"), ("zstd", "https://facebook.github.io/zstd")):
        program = shutil.which(name)
        if program is None:
            raise CannotBegin(
                "The program `%s` is not on the PATH. Most systems have it as a package of that name; or see %s"
                % (name, where)
            )
        found.append(program)
    return found[0], found[1]


def age_message(errors: IO[bytes]) -> str:
    """The first line that age or zstd complained with."""
    errors.seek(0)
    lines = errors.read(2000).decode("utf-8", "replace").strip().splitlines()
    return lines[0] if lines else "no message"


def is_identity(text: bytes) -> bool:
    """Whether the checksum in an identity is right (Bech32). One bad identity among many would make age refuse them all."""
    digits = [b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L".find(text[at : at + 1]) for at in range(16, len(text))]
    prefix = b"AGE-SECRET-KEY-".lower()
    check = 1
    for digit in [one >> 5 for one in prefix] + [0] + [one & 31 for one in prefix] + digits:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ digit
        for bit, constant in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= constant if top >> bit & 1 else 0
    return check == 1 and min(digits) >= 0 and len(digits) == 58


class Keys:
    """The identities we hold, and the two programs that use them."""

    def __init__(self, identity_file: str) -> None:
        self.age, self.zstd = programs()
        self.opened: Set[str] = set()  # key ids, for messages
        try:
            with open(identity_file, "rb") as file:
                text = file.read(CHUNK)
        except OSError as problem:
            raise CannotBegin("The identity file cannot be read: %s" % problem.strerror) from None
        if text.startswith((b"age-encryption.org/", b"-----BEGIN AGE")):
            # Kept under a passphrase: age itself asks for it on the terminal. The open text stays in memory.
            done = subprocess.run([self.age, "-d", os.path.abspath(identity_file)], stdout=subprocess.PIPE)
            if done.returncode:
                raise CannotBegin("The identity file was not opened: wrong passphrase?")
            text = done.stdout
        self.identities = text.rstrip() + b"\n"
        if not re.search(rb"^AGE-SECRET-KEY-1", text, re.M):
            raise CannotBegin("The identity file holds no line that begins with AGE-SECRET-KEY-1")

    def decrypt(self, path: str) -> bytes:
        """A small sealed object, whole."""
        # age reads the identities from its standard input ("-i -"), so that no secret is written to the disk.
        command = [self.age, "-d", "-i", "-", os.path.abspath(path)]
        done = subprocess.run(command, input=self.identities, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode:
            raise Refused("no identity opens it, or it is damaged")
        return done.stdout

    def open_vault_keys(self, stores: List[str]) -> None:
        """Section 9: every key object that our identity opens adds the identity in it."""
        found: List[bytes] = []
        for store in stores:
            folder = os.path.join(store, "keys")
            for key_id in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
                for name in sorted(os.listdir(os.path.join(folder, key_id))):
                    try:
                        text = self.decrypt(os.path.join(folder, key_id, name)) if name.endswith(".age") else b""
                    except Refused:
                        continue
                    secrets = [one for one in re.findall(rb"^AGE-SECRET-KEY-1\S+", text, re.M) if is_identity(one)]
                    found += [line + b"\n" for line in secrets]
                    self.opened.update([key_id] if secrets else [])
        # Our own identity stays in: it may be an epoch's or a matter's itself.
        self.identities += b"".join(sorted(set(found)))

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """The content of a sealed and compressed object, as a stream. Raises Refused at the end if it was not whole."""
        with tempfile.TemporaryFile() as errors:
            age = subprocess.Popen(
                [self.age, "-d", "-i", "-", os.path.abspath(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
            zstd = subprocess.Popen(
                [self.zstd, "-d", "-c", "-q"], stdin=age.stdout, stdout=subprocess.PIPE, stderr=errors
            )
            assert age.stdin and age.stdout and zstd.stdout
            age.stdout.close()
            content = cast(BinaryIO, zstd.stdout)
            try:
                try:
                    age.stdin.write(self.identities)
                    age.stdin.close()
                except BrokenPipeError:
                    pass  # age gave up before it read them; its exit status says so below
                yield content
                rest = 0  # to the end, or the programs cannot say whether all was well
                for block in iter(lambda: content.read(CHUNK), b""):
                    rest += len(block)
                    if rest > PACK_LIMIT:
                        raise Refused("it goes on and on")
                if age.wait() or zstd.wait():
                    raise Refused("it cannot be opened (%s)" % age_message(errors))
            finally:
                for process in (age, zstd):
                    process.kill()
                    process.wait()
                content.close()


# -- 4. Signed objects and trust (sections 5 and 8) --------------------------------------------------------------


class Signed(NamedTuple):
    """A signed object that has been read. `signers` are the keyids whose signatures are valid."""

    name: str
    digest: str
    payload: Json
    signers: Set[str]


class Trust(NamedTuple):
    """Who may sign what. Without a root key `signers` is None and nothing is verified."""

    vault_id: str
    signers: Optional[List[Json]]
    document: int  # number of the vault document in force


def read_signed(store: str, name: str, kind: str, vault_id: Optional[str], publics: Dict[str, str]) -> Signed:
    """One DSSE envelope: checked against its type and vault, and its signatures by `publics` (keyid -> hex) verified."""
    try:
        with open(os.path.join(store, name), "rb") as file:
            data = file.read()
        envelope = json.loads(data.decode("utf-8"))
        payload_type = envelope["payloadType"]
        body = base64.b64decode(envelope["payload"], validate=True)
        payload = json.loads(body.decode("utf-8"))
        signatures = [
            (str(one["keyid"]), base64.b64decode(one["sig"], validate=True)) for one in envelope["signatures"]
        ]
        if not isinstance(payload, dict):
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise Refused("%s is not a signed object, or is damaged" % name) from None
    if payload.get("format") != 1 or isinstance(payload.get("format"), bool):
        raise Refused("%s has format %r; this program knows format 1 only" % (name, payload.get("format")))
    if payload_type != "application/vnd.muniment.%s+json" % kind or payload.get("type") != kind:
        raise Refused("%s is not a %s object" % (name, kind))
    if vault_id is not None and payload.get("vault_id") != vault_id:
        raise Refused("%s belongs to another vault" % name)
    head = payload_type.encode()
    message = b"DSSEv1 %d %s %d %s" % (len(head), head, len(body), body)
    valid = {
        keyid
        for keyid, sig in signatures
        if keyid in publics and signature_is_valid(bytes.fromhex(publics[keyid]), message, sig)
    }
    return Signed(name, hashlib.sha256(data).hexdigest(), payload, valid)


def keyid_of(public_hex: str) -> str:
    return hashlib.sha256(bytes.fromhex(public_hex)).hexdigest()[:32]


def objects_in(store: str, folder: str, pattern: str) -> List[str]:
    path = os.path.join(store, folder)
    names = os.listdir(path) if os.path.isdir(path) else []
    return sorted(folder + "/" + name for name in names if re.fullmatch(pattern, name))


def establish_trust(store: str, root_key: Optional[str], vault_id: Optional[str], warnings: List[str]) -> Trust:
    """Section 8: the vault documents, each signed by root; the last one is in force."""
    names = objects_in(store, "vault", r"[0-9]{8}\.json")
    if root_key is None:
        for name in names:
            try:
                return Trust(str(read_signed(store, name, "vault", vault_id, {}).payload["vault_id"]), None, 0)
            except BAD:
                continue
        return Trust(vault_id or "", None, 0)
    publics, parent, document, number = {keyid_of(root_key): root_key}, None, None, 0
    for name in names:
        try:
            found = read_signed(store, name, "vault", vault_id, publics)
            if not found.signers:
                raise Refused("%s is not signed by the root key" % name)
            if name != "vault/%08d.json" % found.payload["number"]:
                raise Refused("%s lies under another document's name" % name)
            # Numbers may be passed over, because a stranger can take them. A document that is lost takes nothing away
            # from a later one, which says everything: to go back to an older one would believe revoked signers again.
            if found.payload.get("parent") != parent:
                warnings.append("%s does not follow the document before it: one is missing" % name)
        except BAD as problem:
            warnings.append("%s; it is not used" % reason(problem, name))
            continue
        parent, document, number = found.digest, found.payload, found.payload["number"]
    if document is None:
        raise CannotBegin(
            "No vault document is signed by this root key for this vault id. Check both against the key card, or leave out "
            "--root-key and --vault-id to restore without proof. (%s)" % "; ".join(warnings)
        )
    signers = [
        one
        for one in document.get("signers", [])
        if isinstance(one, dict) and is_hex(one.get("public"), 64) and one.get("keyid") == keyid_of(one["public"])
    ]
    return Trust(cast(str, vault_id), signers, number)


def read_as(
    store: str, name: str, kind: str, trust: Trust, role: str, source: Optional[str] = None
) -> Tuple[Signed, List[Json]]:
    """A signed object and the entitled signers that signed it. With no root key there is no verification and no signer."""
    entitled = [
        one
        for one in trust.signers or []
        if one.get("role") == role and (role != "worker" or {"*", source} & set(one.get("sources", [])))
    ]
    publics = {one["keyid"]: one["public"] for one in entitled}
    found = read_signed(store, name, kind, trust.vault_id or None, publics)
    by = [one for one in entitled if one["keyid"] in found.signers]
    if trust.signers is not None and not by:
        raise Refused("%s is not signed by anybody entitled to it" % name)
    return found, by


class Recorded(NamedTuple):
    """What trusted checkpoints say: [(time, digests they record)], and the newest of them."""

    at: List[Tuple[Tuple[str, str], Set[str]]]
    newest: Optional[Json]
    marks: Set[str]


def stands(found: Signed, by: List[Json], recorded: Recorded, also: Tuple[Tuple[str, str], ...] = ()) -> bool:
    """Section 8, `revoked`, for signers other than workers: what they signed stands if a trusted record from before says so.

    `also` are times of further records of this object."""
    if not by or any(not signer.get("revoked") for signer in by):
        return True  # not by: there is no root key, so nothing is judged
    times = list(also) + [at for at, digests in recorded.at if found.digest in digests]
    return any(at < moment(signer["revoked"]["at"]) for signer in by for at in times)


def read_checkpoints(store: str, trust: Trust, warnings: List[str]) -> Recorded:
    """Section 10, newest first: a revoked signer's checkpoint counts only if a trusted one records it."""
    recorded = Recorded([], None, set())
    for name in reversed(objects_in(store, "checkpoints", r"[0-9]{8}T[0-9]{6}Z\.json")):
        try:
            found, by = read_as(store, name, "checkpoint", trust, "operations")
            at = moment(found.payload.get("at"))
            if re.sub("[-:]", "", at[0]) + "Z.json" != name.split("/")[1]:
                raise Refused("%s has another time than its name says" % name)
            if not stands(found, by, recorded):
                raise Refused("%s is by a revoked signer" % name)
        except BAD as problem:
            warnings.append(reason(problem, name))
            continue
        digests = {str(found.payload.get("parent")), str((found.payload.get("retention") or {}).get("digest"))}
        for bases in (found.payload.get("bases") or {}).values():
            digests.update(str(base)[-64:] for base in bases)
        recorded.at.append((at, digests))
        recorded.marks.add(found.digest[:32])
        recorded = recorded._replace(newest=recorded.newest or found.payload)
    return recorded


# -- 5. Choosing a snapshot (sections 6, 7, 11, 13) ------------------------------------------------------------


class Commit(NamedTuple):
    seq: int
    digest: str
    payload: Json
    after_gap: bool  # commits before it are lost; it is trusted because a base covers it


def read_bases(store: str, source: str, trust: Trust, recorded: Recorded, warnings: List[str]) -> List[Signed]:
    """Section 7: the valid bases of a source, newest first."""
    bases = []
    for name in reversed(objects_in(store, "bases/" + source, r"[0-9]{8}-[0-9a-f]{64}\.json")):
        try:
            found, by = read_as(store, name, "base", trust, "operations")
            covers = found.payload["covers"]
            if (
                name != "bases/%s/%08d-%s.json" % (source, covers["seq"], found.digest)
                or found.payload.get("source") != source
            ):
                raise Refused("%s is not what its name says" % name)
            if not stands(found, by, recorded):
                raise Refused("%s is by a revoked signer" % name)
            bases.append(found)
        except BAD as problem:
            warnings.append(reason(problem, name))
    return bases


def read_commits(store: str, source: str, trust: Trust, bases: List[Signed], warnings: List[str]) -> List[Commit]:
    """Section 13, 2: the trusted commits in order. With no root key: every commit that can be read."""
    covered = {base.payload["covers"].get("digest") for base in bases}
    kept: List[Commit] = []
    for name in objects_in(store, "commits/" + source, r"[0-9]{8}\.json"):
        seq = int(name[-13:-5])
        try:
            found, by = read_as(store, name, "commit", trust, "worker", source)
            if found.payload.get("source") != source or found.payload.get("seq") != seq:
                raise Refused("%s says another source or number than its name" % name)
            follows = found.payload.get("parent") == (kept[-1].digest if kept else None)
            if trust.signers is not None:
                if not follows and found.digest not in covered:
                    raise Refused("%s does not follow the last trusted commit" % name)
                if not any(worker_may(signer, source, seq, found.digest) for signer in by):
                    raise Refused("%s is by a revoked signer" % name)
            moment(found.payload.get("ended_at"))
        except BAD as problem:
            warnings.append(reason(problem, name))
            continue
        if trust.document and int((found.payload.get("vault_document") or {}).get("number") or 0) > trust.document:
            warnings.append("%s knows a newer vault document than this copy has" % name)
        kept.append(Commit(seq, found.digest, found.payload, not follows))
    return kept


def worker_may(signer: Json, source: str, seq: int, digest: str) -> bool:
    revoked = signer.get("revoked")
    if not revoked:
        return True
    last = (revoked.get("trusted") or {}).get(source) or {"seq": 0, "digest": None}
    return bool(seq < last["seq"] or (seq == last["seq"] and digest == last["digest"]))


def chain_to(commits: List[Commit], wanted: Commit, trust: Trust) -> Tuple[List[Commit], Optional[Commit]]:
    """The commits up to the wanted one, oldest first, and where that chain is broken: the commit whose parent is lost.

    With a root key these are the trusted ones. With none: those that the wanted one descends from, and before a break all
    there are, for that is better than nothing."""
    before = [one for one in commits if one.seq <= wanted.seq]
    if trust.signers is not None:
        return before, next((one for one in reversed(before) if one.after_gap), None)
    chain = [wanted]
    for one in reversed(before[:-1]):
        if one.digest == chain[-1].payload.get("parent"):
            chain.append(one)
    broken = chain[-1] if chain[-1].payload.get("parent") is not None else None
    if broken:
        chain += [one for one in reversed(before) if one.seq < broken.seq]
    return chain[::-1], broken


def forgotten(store: str, trust: Trust, recorded: Recorded, warnings: List[str]) -> Set[Tuple[str, int, str]]:
    """Section 11: (source, seq, digest) of commits that are no longer restore points."""
    log: List[Tuple[Signed, List[Json], Tuple[str, str]]] = []
    for name in objects_in(store, "retention", r"[0-9]{8}\.json"):
        try:
            found, by = read_as(store, name, "retention", trust, "retention")
            number, parent = found.payload.get("number"), found.payload.get("parent")
            if name != "retention/%08d.json" % (number or 0) or parent != (log[-1][0].digest if log else None):
                raise Refused("%s does not follow the entry before it" % name)
            log.append((found, by, moment(found.payload.get("at"))))
        except BAD as problem:
            warnings.append("%s; it is not used" % reason(problem, name))
    gone: Set[Tuple[str, int, str]] = set()
    later: Tuple[Tuple[str, str], ...] = ()  # times of entries that stand and, through `parent`, record those before
    for found, by, at in reversed(log):
        try:
            if not stands(found, by, recorded, later):
                warnings.append("%s is by a revoked signer" % found.name)
                continue
            own = [when for when, digests in recorded.at if found.digest in digests]
            later += tuple(own) if by and all(signer.get("revoked") for signer in by) else (at, *own)
            if found.payload.get("action") == "forget":
                gone.update(
                    (str(one["source"]), int(one["seq"]), str(one["digest"])) for one in found.payload["commits"]
                )
        except BAD as problem:
            warnings.append(reason(problem, found.name))
    return gone


def find_base(
    store: str, source: str, chain: List[Commit], bases: List[Signed], warnings: List[str]
) -> Optional[Signed]:
    """The newest base that covers a commit of the chain and whose rows are there, undamaged."""
    known = {one.digest for one in chain} | {one.payload.get("parent") for one in chain}
    for base in bases:
        if base.payload["covers"]["seq"] <= chain[-1].seq and base.payload["covers"].get("digest") in known:
            names = [
                os.path.join(store, "snapshots", source, str(one["snapshot"])) for one in base.payload["snapshots"]
            ]
            if all(os.path.isfile(name) and file_digest(name) == name[-64:] for name in names):
                return base
            warnings.append("%s names rows that are missing or damaged; older rows are read instead" % base.name)
    return None


def absent_rows(store: str, source: str, payloads: List[Json]) -> List[str]:
    """Names of the snapshot objects that these commits and bases need and the store has not."""
    names = ["snapshots/%s/%s" % (source, one["snapshot"]) for payload in payloads for one in payload["snapshots"]]
    return sorted({name for name in names if not os.path.isfile(os.path.join(store, name))})


class Snapshot(NamedTuple):
    commit: Commit
    payloads: List[Json]  # the base, if any, and the commits after it, oldest first
    failures: List[str]  # why it is not whole
    heads: Dict[int, str]  # digests of all trusted commits of the source


def choose(
    store: str,
    source: str,
    seq: Optional[int],
    as_of: Optional[str],
    trust: Trust,
    recorded: Recorded,
    warnings: List[str],
) -> Snapshot:
    """Section 13, 3 and 4: the newest commit, not forgotten, at or before the wanted time, whose rows are all there.

    Missing packs do not make us go back in time: what they held is reported, the rest is restored."""
    bases = read_bases(store, source, trust, recorded, warnings)
    commits = read_commits(store, source, trust, bases, warnings)
    forgot = forgotten(store, trust, recorded, warnings)
    until = moment(as_of) if as_of else None
    if seq is not None:
        candidates = [one for one in commits if one.seq == seq]
    else:
        candidates = [
            one
            for one in reversed(commits)
            if (source, one.seq, one.digest) not in forgot
            and (until is None or moment(one.payload["ended_at"]) <= until)
        ]
    first: Optional[Snapshot] = None
    for wanted in candidates[:50]:
        chain, broken = chain_to(commits, wanted, trust)
        base = find_base(store, source, chain, bases, warnings)
        covers: Json = base.payload["covers"] if base else {"seq": 0, "digest": None}
        payloads = ([base.payload] if base else []) + [one.payload for one in chain if one.seq > covers["seq"]]
        failures = ["%s is missing" % name for name in absent_rows(store, source, payloads)]
        if broken and covers["seq"] < broken.seq and covers["digest"] != broken.payload.get("parent"):
            failures.append(
                "commits before number %d are lost; some files may come back in an older state, or not at all"
                % broken.seq
            )
        found = Snapshot(wanted, payloads, failures, {one.seq: one.digest for one in commits})
        if not failures:
            if first:
                warnings.append(
                    "snapshot %d is not whole (%s); snapshot %d is the newest one that is. --seq %d restores what is left of %d"
                    % (first.commit.seq, first.failures[0], wanted.seq, first.commit.seq, first.commit.seq)
                )
            return found
        first = first or found
    if first is None:
        raise CannotBegin(
            "No %ssnapshot of the source %r fits. Try --snapshots.%s"
            % ("trusted " if trust.signers is not None else "", source, "".join("\n  " + text for text in warnings))
        )
    return first


# -- 6. Rows (section 4) ---------------------------------------------------------------------------------------


class Report:
    """What went wrong, for the screen and for a file beside OUT. Names are percent text: safe on any terminal."""

    def __init__(self) -> None:
        self.failures: List[str] = []
        self.notes: Dict[str, int] = {}

    def fail(self, text: str) -> None:
        self.failures.append(text)

    def note(self, text: str) -> None:
        self.notes[text] = self.notes.get(text, 0) + 1


class Rows:
    """All rows of one snapshot, the newest of each item, in a temporary database: there may be millions."""

    def __init__(self, folder: str) -> None:
        self.db = sqlite3.connect(os.path.join(folder, "rows.sqlite"))
        self.db.execute("PRAGMA synchronous = OFF")
        self.db.execute("CREATE TABLE item (id TEXT PRIMARY KEY, row BLOB)")
        self.matters: Dict[str, Json] = {}  # matter id -> its row
        self.problems: List[Json] = []  # of the wanted snapshot itself

    def load(self, store: str, source: str, vault_id: str, snapshot: Snapshot, keys: Keys, report: Report) -> None:
        todo = [(payload, one) for payload in snapshot.payloads for one in payload["snapshots"]]
        for number, (payload, one) in enumerate(todo, 1):
            name = "snapshots/%s/%s" % (source, one["snapshot"])
            path = os.path.join(store, name)
            try:
                if not is_hex(one["snapshot"], 64) or file_digest(path) != one["snapshot"]:
                    raise Refused("its bytes do not have the digest in its name")
                with self.db, keys.open(path) as stream:  # `self.db`: all rows of the object, or none
                    self._apply(stream, vault_id, source, payload is snapshot.payloads[-1])
            except OSError as problem:
                report.fail("%s: %s" % (name, problem.strerror))
            except BAD as problem:
                missing = (
                    ""
                    if one.get("key_id") in keys.opened
                    else " (sealed to %s, whose key your identity does not open)" % one.get("key_id")
                )
                report.fail("%s: rows not read: %s%s" % (name, reason(problem, "a row"), missing))
            progress("rows: object %d of %d" % (number, len(todo)))

    def _apply(self, stream: BinaryIO, vault_id: str, source: str, is_last: bool) -> None:
        header = json.loads(stream.readline())
        if (
            header.get("t") != "snapshot"
            or header.get("format") != 1
            or header.get("source") != source
            or header.get("vault_id") != vault_id
        ):
            raise Refused("it is not a snapshot object of this vault and source, format 1")
        for line in stream:
            row = json.loads(line)
            if row["t"] == "item":
                self.db.execute("INSERT OR REPLACE INTO item VALUES (?, ?)", (str(row["id"]), line))
            elif row["t"] == "gone":
                self.db.execute("DELETE FROM item WHERE id = ?", (str(row["id"]),))
            elif row["t"] == "matter":
                self.matters[str(row["matter"])] = row
            elif row["t"] == "problem" and is_last:
                self.problems.append(row)

    def selected(self, matter: Optional[str], prefix: Optional[str]) -> Iterator[Json]:
        """The rows that the options ask for. `prefix` may be given as bytes on the command line or as percent text."""
        wanted = {one for one, row in self.matters.items() if row.get("number") == matter} | {matter}
        prefixes = []
        if prefix is not None:
            prefixes.append(os.fsencode(prefix).strip(b"/"))
            try:
                prefixes.append(unpercent(prefix).strip(b"/"))
            except Refused:
                pass
        for (line,) in self.db.execute("SELECT row FROM item ORDER BY id"):
            row: Json = json.loads(line)
            if matter is not None and row.get("matter") not in wanted:
                continue
            if prefix is not None:
                try:
                    path = unpercent(row.get("path"))
                except Refused:
                    path = b""
                if not any(one in (b"", b".", path) or path.startswith(one + b"/") for one in prefixes):
                    continue
            yield row


# -- 7. Restoring ------------------------------------------------------------------------------------------------

_last_progress = [0.0]


def progress(text: str, now: bool = False) -> None:
    wait = 0.2 if sys.stderr.isatty() else 10
    if now or time.monotonic() - _last_progress[0] > wait:
        _last_progress[0] = time.monotonic()
        sys.stderr.write(("\r%-79s" + ("\n" if now else "")) % text if sys.stderr.isatty() else text + "\n")
        sys.stderr.flush()


def tar_members(stream: BinaryIO) -> Iterator[Tuple[str, int, Iterator[bytes]]]:
    """Section 3: (name, size, content) of each member of the ustar archive in a pack; strict about everything."""

    total = unread = 0

    def read(size: int) -> bytes:
        nonlocal total
        total += size
        if total > PACK_LIMIT:
            raise Refused("it is larger than a pack may be")
        data = stream.read(size)
        if len(data) != size:
            raise Refused("it ends too early")
        return data

    def content() -> Iterator[bytes]:
        nonlocal unread
        while unread:
            block = read(min(unread, CHUNK))
            unread -= len(block)
            yield block

    while True:
        head = read(512)
        if head == bytes(512):
            return
        try:
            name, size = head[:100].rstrip(b"\0").decode("ascii"), int(head[124:136].strip(b" \0"), 8)
            checksum = int(head[148:156].strip(b" \0"), 8)
        except ValueError:
            raise Refused("a tar header in it is damaged") from None
        if checksum != sum(head[:148]) + 8 * 32 + sum(head[156:]) or head[257:262] != b"ustar":
            raise Refused("a tar header in it is damaged")
        if head[156:157] not in (b"0", b"\0") or not is_hex(name, 64) or head[345:500].strip(b"\0") or size < 0:
            raise Refused("a member in it is not a regular file named by its digest")
        unread = size
        yield name, size, content()
        for _ in content():  # what the caller left
            pass
        if read(-size % 512).strip(b"\0"):
            raise Refused("a tar member in it is not padded with zeros")


class Restore:
    """Brings the selected rows to a folder.

    Folders first, then the content of files, pack by pack, then hard links, then symbolic links, and last the attributes
    of folders. OUT was empty and symbolic links come last, so nothing is ever written through one. A file is built under
    a number in a working folder, and moved to its name when its digest is right: OUT holds no half files.
    """

    def __init__(self, store: str, out: str, work: str, rows: Rows, keys: Keys, report: Report) -> None:
        self.store, self.out, self.work, self.keys, self.report = store, os.fsencode(out), work, keys, report
        self.db, self.folders, self.done, self.total, self.bytes = rows.db, {b""}, 0, 0, 0
        self.root: Optional[Json] = None  # the row of the root folder
        self.is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        # job: one item. piece: a part of it that is still wanted, with its place in the file.
        self.db.executescript("""
            CREATE TABLE job (n INTEGER PRIMARY KEY, path BLOB UNIQUE, kind TEXT, row BLOB, todo INTEGER, link INTEGER, sparse INTEGER, state TEXT);
            CREATE TABLE piece (pack TEXT, member TEXT, n INTEGER, at INTEGER, size INTEGER, key TEXT);
        """)

    def plan(self, rows: Iterator[Json]) -> None:
        """Notes every item and every part of it that is wanted; refuses what may not be restored."""
        leaders: Dict[Tuple[str, str], int] = {}  # hard links: the first file of each set
        for n, row in enumerate(rows, 1):
            try:
                path, meta, pieces, link, at = safe_path(row.get("path")), row.get("meta") or {}, [], None, 0
                kind = row["kind"] if row["kind"] in ("dir", "symlink") else "file"
                if path == b"." and kind != "dir":
                    raise Refused("only a folder can be the root")
                if kind == "file":
                    for part in row["parts"]:
                        size = sum(int(segment[3]) for segment in part["s"])
                        if not is_hex(part["m"], 64) or not is_hex(part["p"], 64) or size < 0:
                            raise Refused("its row is malformed")
                        if size or part["m"] != hashlib.sha256().hexdigest():  # an empty part needs no bytes
                            pieces.append((part["p"], part["m"], n, at, size, str(part["k"])))
                        at += size
                    if kind != row["kind"] and not row["parts"]:
                        raise Refused("it is of a kind that this program does not know")
                    if at != row["size"] or not is_hex(row["sha256"], 64):
                        raise Refused("its parts do not add up to its size")
                    if meta.get("hardlink"):
                        link = leaders.get((str(meta["hardlink"]), row["sha256"]))
                job = (n, path, kind, json.dumps(row), 0 if link else len(pieces), link, bool(meta.get("sparse")))
                self.db.execute("INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, ?, '')", job)
                if not link:
                    self.db.executemany("INSERT INTO piece VALUES (?, ?, ?, ?, ?, ?)", pieces)
                    if meta.get("hardlink"):
                        leaders[str(meta["hardlink"]), row["sha256"]] = n
                self.total += 1
            except sqlite3.IntegrityError:
                self.report.fail("%s: another item has the same path" % row.get("path"))
            except BAD as problem:
                self.report.fail("%s: %s" % (row.get("path"), reason(problem, "its row")))
        self.db.execute("CREATE INDEX by_pack ON piece (pack)")
        self.db.commit()

    def run(self) -> None:
        for n, path, _ in self.jobs("dir"):
            self.guard(n, self.make_folder, path)
        for n, _, row in self.jobs("file", "todo = 0 AND link IS NULL"):
            self.guard(n, self.finish_file, n)
        packs = [pack for (pack,) in self.db.execute("SELECT DISTINCT pack FROM piece ORDER BY pack")]
        for number, pack in enumerate(packs, 1):
            self.read_pack(pack)
            self.db.commit()
            progress(
                "packs %d of %d, items %d of %d, %d MB" % (number, len(packs), self.done, self.total, self.bytes >> 20)
            )
        for n, path, row in self.jobs("file", "link IS NOT NULL"):
            self.guard(n, self.make_link, n, path, row)
        for n, path, row in self.jobs("symlink"):
            self.guard(n, self.make_symlink, n, path, row)
        for n, path, row in self.jobs("dir", "state = ''", backwards=True):  # the innermost first
            self.guard(n, self.finish_folder, n, path, row)

    def jobs(self, kind: str, only: str = "1", backwards: bool = False) -> Iterator[Tuple[int, bytes, Json]]:
        """(number, path, row) of the items of a kind in order of path; a page at a time, for the table changes meanwhile."""
        sign, order, last = ("<", "DESC", None) if backwards else (">", "ASC", None)
        query = (
            "SELECT n, path, row FROM job WHERE kind = ? AND (? IS NULL OR path %s ?) AND %s ORDER BY path %s LIMIT 500"
        )
        while True:
            page = self.db.execute(query % (sign, only, order), (kind, last, last)).fetchall()
            for n, path, row in page:
                yield n, path, json.loads(row)
            if not page:
                return
            last = page[-1][1]

    # Success and failure of one item
    def guard(self, n: int, action: Any, *arguments: Any) -> None:
        """Does one thing for item n; if it goes wrong that is reported, and the rest goes on."""
        try:
            action(*arguments)
        except OSError as problem:
            if problem.errno in (errno.ENOSPC, errno.EDQUOT):
                raise CannotBegin(
                    "The disk is full. What is restored so far stays; nothing in OUT is half a file."
                ) from None
            self.failed(n, problem.strerror or "it cannot be written")
        except BAD as problem:
            self.failed(n, reason(problem, "its row"))

    def failed(self, n: int, why: str) -> None:
        path, state, row = self.db.execute("SELECT path, state, row FROM job WHERE n = ?", (n,)).fetchone()
        if state == "":
            self.db.execute("UPDATE job SET state = 'failed' WHERE n = ?", (n,))
            self.report.fail("%s: %s" % (json.loads(row)["path"], why))
        if os.path.exists(self.partial(n)):
            os.unlink(self.partial(n))

    def succeeded(self, n: int) -> None:
        self.db.execute("UPDATE job SET state = 'done' WHERE n = ?", (n,))
        self.done += 1

    # Content
    def partial(self, n: int) -> bytes:
        return os.fsencode(os.path.join(self.work, "partial", str(n // 1000), str(n)))

    def read_pack(self, pack: str) -> None:
        """Takes from one pack every part that is wanted from it."""
        query = "SELECT member, n, at, size, sparse, key FROM piece JOIN job USING (n) WHERE pack = ? AND state = ''"
        wanted: Dict[str, List[Tuple[int, int, int, int]]] = {}
        why, key_id, path = "it does not hold them", "", os.path.join(self.store, "packs", pack[:2], pack)
        for member, n, at, size, sparse, key_id in self.db.execute(query, (pack,)):
            wanted.setdefault(member, []).append((n, at, size, sparse))
        try:
            with self.keys.open(path) as stream:
                for member, size, content in tar_members(stream):
                    if member in wanted and self.place(member, size, content, wanted[member]):
                        del wanted[member]
        except Refused as problem:
            why = str(problem)
        if wanted:
            # Find out why, in the order in which a person would ask.
            if not os.path.isfile(path):
                why = "it is missing"
            elif file_digest(path) != pack:
                why = "it is damaged: its bytes do not have the digest in its name"
            elif key_id not in self.keys.opened:
                why += ", or it is sealed to %s, whose key your identity does not open" % key_id
        for places in wanted.values():
            for n, _, _, _ in places:
                self.failed(n, "bytes of it are in pack %s: %s" % (pack, why))

    def place(self, member: str, size: int, content: Iterator[bytes], places: List[Tuple[int, int, int, int]]) -> bool:
        """Checks a part against its digest, and writes it into every file that wants it. False: the part is not what its name says."""
        digest = hashlib.sha256()
        with tempfile.SpooledTemporaryFile(max_size=16 << 20, dir=self.work) as part:
            for block in content:
                digest.update(block)
                part.write(block)
            if digest.hexdigest() != member:
                return False
            for n, at, expected, sparse in places:
                part.seek(0)
                self.guard(n, self.write_part, n, at, size == expected, sparse, part)
        return True

    def write_part(self, n: int, at: int, fits: bool, sparse: int, part: IO[bytes]) -> None:
        if not fits:
            raise Refused("a part of it has another length than its row says")
        os.makedirs(os.path.dirname(self.partial(n)), exist_ok=True)
        with open(os.open(self.partial(n), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.seek(at)
            for block in iter(lambda: part.read(1 << 16), b""):
                if sparse and not block.strip(b"\0"):
                    file.seek(len(block), os.SEEK_CUR)  # leaves a hole
                else:
                    file.write(block)
                self.bytes += len(block)
        self.db.execute("UPDATE job SET todo = todo - 1 WHERE n = ?", (n,))
        if self.db.execute("SELECT todo FROM job WHERE n = ? AND state = ''", (n,)).fetchone() == (0,):
            self.finish_file(n)

    def finish_file(self, n: int) -> None:
        """All parts of the file are there: check the whole, and give it its name."""
        path, row = self.db.execute("SELECT path, row FROM job WHERE n = ?", (n,)).fetchone()
        row, partial = json.loads(row), self.partial(n)
        os.makedirs(os.path.dirname(partial), exist_ok=True)
        with open(partial, "ab") as file:
            file.truncate(row["size"])  # after a hole at the end; makes a file that has no parts
        if (row["parts"][0]["m"] if len(row["parts"]) == 1 else file_digest(os.fsdecode(partial))) != row["sha256"]:
            raise Refused("its content does not have its digest")
        final = self.free_name(path)
        self.set_attributes(partial, row)
        os.rename(partial, final)
        self.succeeded(n)

    # Names, links, folders
    def make_folder(self, path: bytes) -> None:
        """The folder and those above it, each one a real folder."""
        if path in self.folders or path == b".":
            return
        self.make_folder(os.path.dirname(path))
        whole = os.path.join(self.out, path)
        if os.path.lexists(whole):
            # Only a folder that this run made in another spelling can be here (a file system that ignores upper and lower case).
            if not stat.S_ISDIR(os.lstat(whole).st_mode):
                raise Refused("something else stands where its folder should be")
        else:
            os.mkdir(whole, 0o700)
        self.folders.add(path)

    def free_name(self, path: bytes) -> bytes:
        self.make_folder(os.path.dirname(path))
        whole = os.path.join(self.out, path)
        if os.path.lexists(whole):
            raise Refused("another item already stands at its path (does this disk ignore upper and lower case?)")
        return whole

    def make_link(self, n: int, path: bytes, row: Json) -> None:
        first, state = self.db.execute(
            "SELECT b.path, b.state FROM job a JOIN job b ON b.n = a.link WHERE a.n = ?", (n,)
        ).fetchone()
        if state != "done":
            raise Refused("it is a hard link to a file that could not be restored")
        first, final = os.path.join(self.out, first), self.free_name(path)
        try:
            os.link(first, final)
        except OSError:  # a disk without hard links
            shutil.copyfile(first, final)
            self.set_attributes(final, row)
            self.report.note("hard links are copies here: this disk has none")
        self.succeeded(n)

    def make_symlink(self, n: int, path: bytes, row: Json) -> None:
        target, final = unpercent(row["meta"]["target"]), self.free_name(path)
        os.symlink(target, final)
        self.set_attributes(final, row)
        self.succeeded(n)

    def finish_folder(self, n: int, path: bytes, row: Json) -> None:
        if path == b".":
            self.root = row  # its turn comes when the working folder is gone
        else:
            self.set_attributes(os.path.join(self.out, path), row)
        self.succeeded(n)

    def finish_root(self) -> None:
        if self.root is not None:
            self.set_attributes(self.out, self.root)

    def set_attributes(self, path: bytes, row: Json) -> None:
        """Owner, extended attributes, mode and time, in this order, for each may undo the ones after it."""
        meta, link, owned = row.get("meta") or {}, row["kind"] == "symlink", False
        try:
            if self.is_root and "uid" in meta and "gid" in meta:
                os.chown(path, meta["uid"], meta["gid"], follow_symlinks=False)
                owned = True
            elif "uid" in meta:
                self.report.note("owners were not set: that needs root")
        except (OSError, ValueError, TypeError, OverflowError):
            self.report.fail("%s: restored, but without its owner" % row["path"])
        for name, value in (meta.get("xattrs") or {}).items():
            try:
                os.setxattr(path, unpercent(name), base64.b64decode(value), follow_symlinks=False)
            except AttributeError:
                self.report.note("extended attributes were not set: this system's Python cannot")
            except (OSError, *BAD):
                if self.is_root or not name.startswith(("security.", "trusted.")):
                    self.report.fail("%s: restored, but without its attribute %s" % (row["path"], name))
                else:
                    self.report.note("attributes of the system were not set: that needs root")
        try:
            if "mode" in meta and not link:
                # Without its owner a file must not keep "run as the owner" bits.
                os.chmod(path, meta["mode"] & (0o7777 if owned or self.is_root or row["kind"] == "dir" else 0o1777))
            if abs(row["mtime_ns"]) >= 2**63:
                raise Refused("no such time")
            os.utime(path, ns=(row["mtime_ns"], row["mtime_ns"]), follow_symlinks=False)
        except (OSError, NotImplementedError, OverflowError, *BAD):
            self.report.fail("%s: restored, but without its mode or time" % row["path"])


# -- 8. The command line -----------------------------------------------------------------------------------------


def printable(text: Any) -> str:
    return "".join(one if one.isprintable() else "?" for one in str(text))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Gets files back out of a Muniment vault (format 1).",
        epilog="Exit status: 0 all restored, 1 not all, 2 could not begin.",
    )
    parser.add_argument("store", metavar="STORE", help="folder with a copy of the vault")
    parser.add_argument("out", metavar="OUT", nargs="?", help="folder to restore to: new or empty")
    parser.add_argument(
        "--identity", metavar="FILE", help="age identity: escrow (may be under a passphrase) or operations"
    )
    parser.add_argument(
        "--keys",
        metavar="FOLDER",
        action="append",
        default=[],
        help="copy of the second store, which holds the keys of matters (folder that contains keys/)",
    )
    parser.add_argument("--root-key", metavar="HEX", help="root public key from the key card")
    parser.add_argument("--vault-id", metavar="HEX", help="vault id from the key card")
    parser.add_argument("--mark", metavar="HEX", help="newest checkpoint mark that you know from outside the store")
    parser.add_argument("--source", help="which source, if there are several")
    parser.add_argument(
        "--as-of", metavar="TIME", help="newest snapshot at or before this time, e.g. 2026-11-24T02:00:00Z"
    )
    parser.add_argument("--seq", metavar="N", type=int, help="the snapshot with this number")
    parser.add_argument("--matter", metavar="M", help="only this matter (its number, or its id M-...)")
    parser.add_argument("--path", metavar="PREFIX", help="only this file or folder")
    parser.add_argument("--list", action="store_true", help="show what is in the snapshot, restore nothing")
    parser.add_argument("--snapshots", action="store_true", help="show which snapshots there are (needs no identity)")
    options = parser.parse_intermixed_args()  # STORE and OUT may stand apart
    if (options.root_key is None) != (options.vault_id is None):
        parser.error("--root-key and --vault-id go together; both are on the key card")
    if options.root_key and not (is_hex(options.root_key.lower(), 64) and is_hex(options.vault_id.lower(), 32)):
        parser.error("--root-key has 64 and --vault-id has 32 characters, 0-9 and a-f")
    if options.root_key:
        options.root_key, options.vault_id = options.root_key.lower(), options.vault_id.lower()
    if options.seq is not None and options.as_of:
        parser.error("give --seq or --as-of, not both")
    if not options.snapshots and not options.identity:
        parser.error("--identity is needed")
    if not options.snapshots and not options.list and not options.out:
        parser.error("OUT is needed")
    return options


def find_source(store: str, wanted: Optional[str]) -> str:
    folder = os.path.join(store, "commits")
    if not os.path.isdir(folder):
        raise CannotBegin("%s holds no folder `commits`: it is not a copy of a vault" % store)
    sources = sorted(name for name in os.listdir(folder) if re.fullmatch("[a-z0-9][a-z0-9_-]{0,62}", name))
    if wanted is None and len(sources) == 1:
        return sources[0]
    if wanted not in sources:
        raise CannotBegin("Name the source with --source; this vault has: %s" % ", ".join(sources))
    return wanted


def show_snapshots(store: str, source: str, trust: Trust, recorded: Recorded, warnings: List[str]) -> None:
    commits = read_commits(store, source, trust, read_bases(store, source, trust, recorded, warnings), warnings)
    forgot = forgotten(store, trust, recorded, warnings)
    for one in commits:
        mark = "  forgotten" if (source, one.seq, one.digest) in forgot else ""
        items = (one.payload.get("counts") or {}).get("items", "?")
        print(
            printable(
                "%8d  %s  %-24s %s items%s"
                % (one.seq, one.payload["ended_at"], one.payload.get("completeness"), items, mark)
            )
        )


def tell_freshness(
    source: str, snapshot: Snapshot, trust: Trust, recorded: Recorded, options: argparse.Namespace, report: Report
) -> None:
    """Section 10: is this copy of the store cut short?"""
    if trust.signers is None:
        say("trust not proven: no root key was given. The files are whole, but who wrote them is not shown.")
        return
    say(
        "trust proven: snapshot %d of %s is signed, and its signer is entitled by vault document %d, which the root key signed."
        % (snapshot.commit.seq, source, trust.document)
    )
    newest = recorded.newest
    if newest is None:
        say("freshness not proven: this copy has no valid checkpoint.")
    else:
        head = (newest.get("heads") or {}).get(source) or {}
        if head and snapshot.heads.get(cast(int, head.get("seq"))) != head.get("digest"):
            report.fail(
                "the checkpoint of %s knows a snapshot %s of %s that is not among the trusted ones here: this copy is cut short, rolled back or damaged"
                % (newest["at"], head.get("seq"), source)
            )
        say("newest checkpoint in this copy: %s" % newest["at"])
    if options.mark and options.mark.lower() not in recorded.marks:
        report.fail(
            "no valid checkpoint has the mark %s: this copy is older than that mark, or was rolled back" % options.mark
        )
    elif not options.mark:
        say("freshness not proven: compare with the newest mark you have from mail or the second store (--mark).")


def show_rows(rows: Rows, options: argparse.Namespace) -> None:
    for row in rows.selected(options.matter, options.path):
        number = rows.matters.get(str(row.get("matter")), {}).get("number", row.get("matter")) or "-"
        try:
            when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(int(row.get("mtime_ns") or 0) // 10**9))
        except BAD + (OSError,):
            when = "?"
        print(printable("%-8s %14s  %s  %-12s %s" % (row.get("kind"), row.get("size"), when, number, row.get("path"))))


def recover(options: argparse.Namespace) -> int:
    store, report, warnings = options.store, Report(), cast(List[str], [])
    source = find_source(store, options.source)
    trust = establish_trust(store, options.root_key, options.vault_id, warnings)
    recorded = read_checkpoints(store, trust, warnings)
    if options.snapshots:
        show_snapshots(store, source, trust, recorded, warnings)
    else:
        keys = Keys(options.identity)
        keys.open_vault_keys([store, *options.keys])
        if not keys.opened:
            say("note: the identity opens none of the vault's keys; it is used as it is")
        snapshot = choose(store, source, options.seq, options.as_of, trust, recorded, warnings)
        for failure in snapshot.failures:
            report.fail(failure)
        vault_id = trust.vault_id or str(snapshot.commit.payload.get("vault_id"))
        say(
            "snapshot %d of %s, %s, %s"
            % (
                snapshot.commit.seq,
                source,
                snapshot.commit.payload["ended_at"],
                snapshot.commit.payload.get("completeness"),
            )
        )
        restore = None
        with working_folder(None if options.list else options.out) as work:
            rows = Rows(work)
            rows.load(store, source, vault_id, snapshot, keys, report)
            if options.list:
                show_rows(rows, options)
            else:
                restore = Restore(store, options.out, work, rows, keys, report)
                restore.plan(rows.selected(options.matter, options.path))
                restore.run()
                progress(
                    "%d of %d items restored, %d MB" % (restore.done, restore.total, restore.bytes >> 20), now=True
                )
                if not restore.total:
                    report.fail("nothing in this snapshot fits what you asked for")
            if rows.problems:
                say("note: %d items could not be read when this snapshot was taken" % len(rows.problems))
            rows.db.close()
        if restore:
            restore.finish_root()
        tell_freshness(source, snapshot, trust, recorded, options, report)
    for text in warnings:
        say("warning: " + printable(text))
    for text, times in report.notes.items():
        say("note: %s (%d times)" % (text, times))
    if not report.failures:
        return 0
    say("%d FAILURES:" % len(report.failures))
    for text in report.failures[:30]:
        say("  " + printable(text))
    if options.out and not options.list:
        name = options.out.rstrip("/") + ".not-restored.txt"
        with open(name, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(printable(text) + "\n" for text in report.failures)
        say("the whole list: %s" % name)
    return 1


@contextmanager
def working_folder(out: Optional[str]) -> Iterator[str]:
    """A private folder, inside OUT so that finished files only have to be renamed; removed at the end, come what may."""
    if out is not None:
        if os.path.lexists(out) and (os.path.islink(out) or not os.path.isdir(out) or os.listdir(out)):
            raise CannotBegin("OUT must be a new folder, or an empty one")
        os.makedirs(out, exist_ok=True)
    work = tempfile.mkdtemp(prefix=".muniment-recovery-", dir=out)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def main() -> int:
    os.umask(0o077)
    for stream in (sys.stdout, sys.stderr):
        cast(Any, stream).reconfigure(errors="backslashreplace")
    try:
        return recover(arguments())
    except (CannotBegin, Refused) as problem:
        say(str(problem))
    except OSError as problem:
        say(str(problem))
    except KeyboardInterrupt:
        say("stopped")
    return 2


if __name__ == "__main__":
    sys.exit(main())
