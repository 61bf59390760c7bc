#!/usr/bin/env python3
"""Checks a delivery against its certificate, without the product that made it.

    python3 _certificate/verify_delivery.py [FOLDER] [--root-key HEX] [--sealed FOLDER]

FOLDER is what was delivered; else the folder above this program. Of a sealed delivery it is what came out of the sealed
files; --sealed names the folder with those, and they are hashed too. It needs Python 3.9 or later and nothing else; for the
signatures the program `openssl`, version 3. The root key is on the firm's printed key card: with it the signer's right to
sign is shown too. Whoever doubts this program can read it: it is one page, and only reads.

Exit code 0: everything was checked and is as it says. 1: something is not. 3: what was checked is as it says, and
something could not be checked. This is not legal advice.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from typing import Any

ED25519 = bytes.fromhex("302a300506032b6570032100")
PARTS = ("SHA256SUMS", "items.jsonl", "custody.jsonl")
ESCAPE = re.compile(rb"%([0-9A-F]{2})")


class Check:
    """What was found. `bad` are differences, `open` is what could not be checked."""

    def __init__(self) -> None:
        self.bad: list[str] = []
        self.open: list[str] = []

    def require(self, good: object, what: str) -> bool:
        if not good:
            self.bad.append(what)
        return bool(good)


def sha256(path: str | bytes) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()


def decoded(text: str) -> bytes:
    """Percent text to the bytes of a path."""
    return ESCAPE.sub(lambda m: bytes.fromhex(m[1].decode()), text.encode())


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def lines_of(data: bytes) -> list[str]:
    return [line for line in data.decode("utf-8").split("\n") if line]


def gone_with_a_drill(own: str, said: Any) -> bool:
    """What a drill restored is removed after it, and the lists of files with it."""
    return said["occasion"] == "drill" and not os.path.exists(os.path.join(own, "SHA256SUMS"))


def check_parts(check: Check, own: str, said: Any) -> None:
    for name in PARTS:
        there = os.path.join(own, name)
        if name != "custody.jsonl" and gone_with_a_drill(own, said):
            continue
        good = os.path.exists(there) and sha256(there) == said["sha256_of"][name]
        check.require(good, f"{name} is not the one that was certified")


def check_files(check: Check, delivered: str, own: str, said: Any) -> None:
    if gone_with_a_drill(own, said):
        check.open.append("the files: what a drill restored was removed after it")
        return
    listed = lines_of(read(os.path.join(own, "SHA256SUMS")))
    items = [json.loads(line) for line in lines_of(read(os.path.join(own, "items.jsonl")))]
    total = 0
    check.require(len(listed) == said["files"] == len(items), "the number of files differs")
    for line, item in zip(listed, items):
        digest, name = line[:64], line[66:]
        if not check.require((digest, name) == (item["sha256"], item["path"]), f"the lists differ: {name}"):
            continue
        path = decoded(name)
        if not check.require(not path.startswith(b"/") and b".." not in path.split(b"/"), f"a path leads out: {name}"):
            continue
        whole = os.path.join(os.fsencode(delivered), path)
        if not check.require(os.path.isfile(whole) and not os.path.islink(whole), f"missing: {name}"):
            continue
        size = os.path.getsize(whole)
        total += size
        check.require(size == item["size"] and sha256(whole) == digest, f"changed: {name}")
    if not check.bad:
        check.require(total == said["bytes"], "the number of bytes differs")


def check_sealed(check: Check, folder: str, said: Any) -> None:
    """The sealed files themselves, where somebody says where they are."""
    for part in said["sealed"]["parts"]:
        there = os.path.join(folder, part["name"])
        good = os.path.isfile(there) and sha256(there) == part["sha256"]
        check.require(good, f"{part['name']} is not the sealed file that was certified")


def check_custody(check: Check, own: str) -> None:
    before = ""
    for number, line in enumerate(lines_of(read(os.path.join(own, "custody.jsonl"))), 1):
        entry = json.loads(line)
        good = entry["n"] == number and entry["before"] == before
        if not check.require(good, f"the chain of custody is broken at entry {number}"):
            return
        before = hashlib.sha256(line.encode()).hexdigest()


def check_commits(check: Check, own: str, said: Any) -> None:
    for one in said["snapshots"]:
        name = f"commit-{one['source']}-{one['seq']:08d}.json"
        there = os.path.join(own, name)
        if not os.path.exists(there) and gone_with_a_drill(own, said):
            check.open.append(f"{name}: it is not here")
            continue
        good = os.path.exists(there) and sha256(there) == one["commit"]
        check.require(good, f"{name} is not the commit that was certified")


# -- signatures --------------------------------------------------------------------------------------


def opened(path: str) -> tuple[Any, bytes, dict[str, bytes]]:
    """An envelope's payload, its bytes, its type and signatures by key id."""
    outer = json.loads(read(path))
    body = base64.b64decode(outer["payload"])
    kind = outer["payloadType"].encode()
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)
    signatures = {s["keyid"]: base64.b64decode(s["sig"]) for s in outer["signatures"]}
    return json.loads(body), message, signatures


def signed(openssl: str, public: str, message: bytes, signature: bytes) -> bool:
    """Does `openssl` say that this Ed25519 key signed it?"""
    key = base64.b64encode(ED25519 + bytes.fromhex(public)).decode()
    with tempfile.TemporaryDirectory() as folder:
        names = {}
        for name, data in (
            ("key", f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n".encode()),
            ("message", message),
            ("signature", signature),
        ):
            names[name] = os.path.join(folder, name)
            with open(names[name], "wb") as file:
                file.write(data)
        run = subprocess.run(
            [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", names["key"], "-rawin", "-in", names["message"],
             "-sigfile", names["signature"]],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    return run.returncode == 0


def keyid(public: str) -> str:
    return hashlib.sha256(bytes.fromhex(public)).hexdigest()[:32]


def check_envelope(check: Check, openssl: str, path: str, public: str, what: str) -> Any:
    """The payload of an envelope that this key signed; None, and a difference, else."""
    try:
        payload, message, signatures = opened(path)
    except (OSError, ValueError, KeyError, TypeError):
        check.bad.append(f"{what} cannot be read")
        return None
    signature = signatures.get(keyid(public))
    good = signature is not None and signed(openssl, public, message, signature)
    return payload if check.require(good, f"{what} is not signed by the key that should have") else None


def check_signatures(check: Check, own: str, said: Any, root_key: str) -> None:
    if not said["signer"]:
        check.open.append("nobody signed the certificate: no signing key was at hand where it was made")
        return
    openssl = shutil.which("openssl")
    if openssl is None:
        check.open.append("the signatures: the program openssl is not here")
        return
    if root_key:
        check.require(root_key == said["root_public"], "the root key is not the one of the key card")
    else:
        check.open.append("whether the root key is the firm's: give --root-key from the printed key card")
    root = root_key or said["root_public"]
    document = check_envelope(check, openssl, os.path.join(own, "vault_document.json"), root, "the vault document")
    if document is None:
        return
    check.require(document["vault_id"] == said["vault_id"], "the vault document is another vault's")
    publics = {s["keyid"]: s for s in document["signers"]}
    signer = publics.get(said["signer"])
    entitled = signer is not None and signer["role"] == "operations"
    if not check.require(entitled, "the signer is not entitled to sign certificates") or signer is None:
        return
    statement = check_envelope(
        check, openssl, os.path.join(own, "certificate.signed.json"), signer["public"], "the certificate"
    )
    if statement is not None:
        check.require(statement == said, "certificate.json is not what was signed")
    for one in said["snapshots"]:
        worker = publics.get(one["signer"])
        what = f"the commit {one['source']}/{one['seq']}"
        entitled = worker is not None and worker["role"] == "worker"
        if check.require(entitled, f"{what}: its signer is not entitled") and worker is not None:
            name = f"commit-{one['source']}-{one['seq']:08d}.json"
            if not os.path.exists(os.path.join(own, name)):
                continue  # it was said already
            check_envelope(check, openssl, os.path.join(own, name), worker["public"], what)


def main(arguments: list[str] | None = None) -> int:
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description="Checks a delivery against its certificate.")
    parser.add_argument("folder", nargs="?", default="")
    parser.add_argument("--root-key", default="", help="64 hex characters from the printed key card")
    parser.add_argument("--sealed", default="", help="the folder with the sealed files that this came out of")
    given = parser.parse_args(arguments)
    own = os.path.join(given.folder, "_certificate") if given.folder else here
    folder = given.folder or os.path.dirname(here)
    root_key = "".join(given.root_key.split()).lower()
    if root_key and not re.fullmatch("[0-9a-f]{64}", root_key):
        parser.error("--root-key is not 64 hex characters")
    check = Check()
    try:
        said = json.loads(read(os.path.join(own, "certificate.json")))
        check_parts(check, own, said)
        check_files(check, folder, own, said)
        if given.sealed and check.require("sealed" in said, "what was certified was not sealed"):
            check_sealed(check, given.sealed, said)
        check_custody(check, own)
        check_commits(check, own, said)
        check_signatures(check, own, said, root_key)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        check.bad.append(f"the certificate cannot be read: {type(error).__name__}")
        said = {}
    for what in check.bad:
        print(f"NOT AS CERTIFIED: {what}")
    for what in check.open:
        print(f"not checked: {what}")
    if check.bad:
        return 1
    if not gone_with_a_drill(own, said):
        print(f"{said['files']:,} files, {said['bytes']:,} bytes: each has the SHA-256 that was certified.")
    print("Everything was checked." if not check.open else "Something was not checked; see above.")
    return 3 if check.open else 0


if __name__ == "__main__":
    sys.exit(main())
