"""Set-up of the example firm: its two documents, its keys, its vault."""

from __future__ import annotations

import re
from datetime import timedelta

from muniment.cli.firm_keys import MadeKeys, make_keys, new_passphrase
from muniment.clock import SystemClock
from muniment.config.example import Answers, pin_vault, write_example
from muniment.config.load import FirmConfig
from muniment.embedded.s3 import ADMIN, REGION, EmbeddedS3
from muniment.vault.setup import PublicHolder, PublicSigner, create_vault
from muniment.vault.store.base import Store as VaultStore
from muniment.vault.store.local import LocalStore
from muniment.vault.store.s3 import S3Store
from muniment.vault.store.s3_client import S3Credential, make_client

from .firm import words
from .place import BUCKET, FIRM_ID, SOURCE, Place
from .servers import LOCK_DAYS, MAIL_CONNECTION, PARTNER, Store

SHARD = "64MiB"
"""Smaller than in practice, so that the grid in Airflow has several shards to show."""

ALERTS = f"""\
alerts:
  smtp:
    connection: {MAIL_CONNECTION}
    from: backup@provider.example
    to: [technician]
    escalate_to: [managing-partner]

"""


def set_up(place: Place, store: Store) -> FirmConfig:
    """Writes firm.yaml and inventory.csv, makes all keys, creates the vault and pins it."""
    answers = Answers(
        firm_id=FIRM_ID,
        name=words.FIRM,
        destination=store.url,
        connection=store.connection,
        endpoint=store.endpoint,
        region=REGION if store.endpoint else None,
        lock=timedelta(days=LOCK_DAYS if store.endpoint else 0),
        staging=place.staging,
        keys=place.keys,
        source_id=SOURCE,
        source_root=place.share,
        mail_domain=words.FIRM_DOMAIN,
    )
    place.staging.mkdir(parents=True, mode=0o700)
    config = write_example(place.firm, answers)
    _adapt(place, store)
    # In the demonstration nobody keeps the passphrases; a firm writes them down (`init-firm`).
    keys = make_keys(
        place.keys, {name: new_passphrase() for name in ("root", "escrow-1", "escrow-2")}
    )
    pin = create_vault(
        open_as(place, ADMIN),
        keys.root,
        _holders(keys),
        _signers(keys),
        [row.source_id for row in config.protected],
        SystemClock(),
    )
    return pin_vault(place.firm, pin.vault_id, pin.root_public.hex())


def open_as(place: Place, role: str) -> VaultStore:
    """The store with the credential of one role of the S3 server; a folder has no roles."""
    if place.store.exists():
        return LocalStore(place.store)
    server = EmbeddedS3(place.s3)
    credential: S3Credential = server.credential(role)
    return S3Store(make_client(server.settings(), credential), BUCKET)


def _adapt(place: Place, store: Store) -> None:
    """What a technician would change in firm.yaml: smaller shards, where alerts go, with which login
    the managing partner answers, and an access key of its own for each role that writes more, or
    other things, than a worker may."""
    path = place.firm / "firm.yaml"
    text = path.read_text(encoding="utf-8")
    line = f"  {SOURCE}:\n"
    text = text.replace(line, f"{line}    shard_size: {SHARD}\n", 1)
    text = re.sub(r"# login: partner .*", f"login: {PARTNER}", text, count=1)
    # In the place of the example that is commented out.
    before, _, rest = text.partition("# alerts:\n")
    text = before + ALERTS + rest[rest.index("labels:\n") :]
    if store.endpoint:
        server = EmbeddedS3(place.s3)
        for role in ("operations", "retention"):
            signer = f"    signer: {place.keys / role}.pem\n"
            text = text.replace(signer, f"{signer}    store: {server.credential_file(role)}\n", 1)
    path.write_text(text, encoding="utf-8")


def _holders(keys: MadeKeys) -> list[PublicHolder]:
    escrows = [PublicHolder("escrow", name, public) for name, public in keys.escrows.items()]
    return [
        *escrows,
        PublicHolder("operations", "operations-1", keys.operations),
        PublicHolder("worker", "worker-1", keys.worker),
    ]


def _signers(keys: MadeKeys) -> list[PublicSigner]:
    return [
        PublicSigner("worker", keys.worker_signer),
        PublicSigner("operations", keys.operations_signer),
        PublicSigner("retention", keys.retention_signer),
    ]
