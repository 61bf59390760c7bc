"""Product: Muniment as its users run it - the `muniment` command, with imports and all.

Its vault lies in a folder, or in a bucket of the embedded S3 server with versions and Object Lock, where
state, rows and packs go over HTTP. The server's own CPU and memory are not counted: it stands for a
service elsewhere.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.contender import Contender
from benchmarks.measure import Sample, measure
from benchmarks.place import tree_bytes
from muniment import __version__
from muniment.cli.firm_keys import MadeKeys, make_keys, new_passphrase
from muniment.clock import SystemClock
from muniment.config.example import Answers, pin_vault, write_example
from muniment.embedded.s3 import ADMIN, REGION, EmbeddedS3
from muniment.vault.setup import PublicHolder, PublicSigner, create_vault
from muniment.vault.store.base import Store
from muniment.vault.store.local import LocalStore
from muniment.vault.store.s3 import S3Store
from muniment.vault.store.s3_client import make_client

FIRM = "bench"
SOURCE = "file-server"
PATTERN = "Matters/*/{number} {title}/**"
COMMAND = (sys.executable, "-c", "from muniment.cli.main import run; run()")


class Muniment(Contender):
    """The vault in a folder."""

    name = "muniment"
    flags = "all defaults"
    check_flags = "verify all"

    @property
    def version(self) -> str:
        return __version__

    @property
    def firm(self) -> Path:
        return self.folder / "firms" / FIRM

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def staging(self) -> Path:
        return self.folder / "staging"

    @cached_property
    def _made(self) -> MadeKeys:
        shutil.rmtree(self.keys, ignore_errors=True)
        passphrases = {name: new_passphrase() for name in ("root", "escrow-1", "escrow-2")}
        return make_keys(self.keys, passphrases)

    # -- the store ---------------------------------------------------------------------------------

    def _new_store(self) -> Store:
        shutil.rmtree(self.repository(), ignore_errors=True)
        return LocalStore.create(self.repository())

    def _answers(self) -> Answers:
        return Answers(
            firm_id=FIRM,
            destination=f"file://{self.repository()}",
            connection=None,
            lock=timedelta(0),
            staging=self.staging,
            keys=self.keys,
            source_id=SOURCE,
            source_root=self.live,
        )

    def stored_bytes(self) -> int:
        return tree_bytes(self.repository())

    def stored_objects(self) -> int:
        return sum(1 for p in self.repository().rglob("*") if p.is_file())

    # -- a new firm --------------------------------------------------------------------------------

    def fresh(self) -> None:
        for folder in (self.firm, self.staging):
            shutil.rmtree(folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.staging.mkdir(mode=0o700)
        store = self._new_store()
        made = self._made
        config = write_example(self.firm, self._answers())
        self._adapt(self.firm / "firm.yaml")
        pin = create_vault(
            store,
            made.root,
            [
                *(PublicHolder("escrow", name, public) for name, public in made.escrows.items()),
                PublicHolder("operations", "operations-1", made.operations),
                PublicHolder("worker", "worker-1", made.worker),
            ],
            [
                PublicSigner("worker", made.worker_signer),
                PublicSigner("operations", made.operations_signer),
                PublicSigner("retention", made.retention_signer),
            ],
            [row.source_id for row in config.protected],
            SystemClock(),
        )
        pin_vault(self.firm, pin.vault_id, pin.root_public.hex())

    def _adapt(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        assert "Matters/{number} {title}/**" in text
        path.write_text(text.replace("Matters/{number} {title}/**", PATTERN, 1), encoding="utf-8")

    # -- steps -------------------------------------------------------------------------------------

    def muniment(self, *words: str | Path) -> Sample:
        return measure([*COMMAND, "--firm", self.firm, "--quiet", *words])[0]

    def back_up(self) -> Sample:
        return self.muniment("backup", SOURCE)

    def restore(self, to: Path) -> Sample:
        return self.muniment("restore", "--source", SOURCE, "--to", to, "--yes")

    def restored(self, to: Path) -> Path:
        return to / SOURCE

    def restore_matter(self, number: str, path: Path, to: Path) -> Sample:
        return self.muniment("restore", "--matter", number, "--to", to, "--yes")

    def check(self) -> Sample:
        return self.muniment("verify", "all")


class MunimentInS3(Muniment):
    """The vault in a bucket."""

    name = "muniment-s3"
    flags = "all defaults; bucket with versions and Object Lock, on loopback"

    def __init__(self, folder: Path, live: Path) -> None:
        super().__init__(folder, live)
        self._server = EmbeddedS3(folder / "s3")
        self._bucket = ""

    def _new_store(self) -> Store:
        self._server.stop(5.0)
        shutil.rmtree(self.folder / "s3" / "data", ignore_errors=True)
        self._server.start()
        self._bucket = "bench-vault"
        self._server.create_bucket(self._bucket, lock_days=1)
        return S3Store(self._client(), self._bucket)

    def _client(self) -> Any:
        return make_client(self._server.settings(), self._server.credential(ADMIN))

    def _answers(self) -> Answers:
        return replace(
            super()._answers(),
            destination=f"s3://{self._bucket}",
            connection="bench_store",
            endpoint=self._server.endpoint,
            region=REGION,
            lock=timedelta(days=1),
        )

    def _adapt(self, path: Path) -> None:
        super()._adapt(path)
        text = path.read_text(encoding="utf-8")
        for role in ("worker", "operations", "retention"):
            line = f"    signer: {self.keys / role}.pem\n"
            assert line in text
            text = text.replace(line, f"{line}    store: {self._server.credential_file(role)}\n", 1)
        path.write_text(text, encoding="utf-8")

    def repository(self) -> Path:
        return self.folder / "s3" / "data"

    def _versions(self) -> list[int]:
        pages = self._client().get_paginator("list_object_versions").paginate(Bucket=self._bucket)
        return [each["Size"] for page in pages for each in page.get("Versions", [])]

    def stored_bytes(self) -> int:
        return sum(self._versions())

    def stored_objects(self) -> int:
        return len(self._versions())

    def done(self) -> None:
        self._server.stop(5.0)
