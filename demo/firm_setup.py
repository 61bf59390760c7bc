"""Set-up of the example firm: its two documents, its keys, its vault, and what others keep for it."""

from __future__ import annotations

import os
import re
import sys
from datetime import timedelta
from pathlib import Path

from muniment.cli.firm_keys import MadeKeys, make_keys, new_passphrase
from muniment.cli.stores import CREDENTIAL_FILE
from muniment.clock import SystemClock
from muniment.config.example import Answers, pin_vault, write_example
from muniment.config.inventory import COLUMNS
from muniment.config.issues import FIRM_YAML, INVENTORY_CSV
from muniment.config.load import FirmConfig, load_firm
from muniment.config.sheet import read_sheet, write_sheet
from muniment.embedded.s3 import ADMIN, REGION, EmbeddedS3
from muniment.vault.age import Identity
from muniment.vault.setup import PublicHolder, PublicSigner, create_vault
from muniment.vault.store.base import Store as VaultStore
from muniment.vault.store.local import LocalStore
from muniment.vault.store.s3 import S3Store
from muniment.vault.store.s3_client import S3Credential, make_client

from .clio_account import Account, consent
from .firm import words
from .firm_office import add_office, secrets
from .place import BUCKET, CLIO, FIRM_ID, SOURCE, TRUST, Place
from .servers import LOCK_DAYS, MAIL_CONNECTION, PARTNER, Store
from .systems import Vendors

SHARD = "64MiB"
"""Smaller than in practice, so that the grid in Airflow has several shards to show."""

CLIO_KEY = "clio.secret"
"""The file with the secret of the firm's application at Clio."""
PARTNER_KEY = "managing-partner.age-identity"
"""The file with the key of the managing partner, which a person keeps: no machine of the firm has it."""
_NOT_COVERED = "practice-management"
"""The example's row for what nobody backs up yet."""

ACCOUNT = """\
  {source}:
    clio:
      state: {state}
      client_id: {client_id}
      client_secret: {secret}
      redirect_uri: {redirect_uri}
      host: {host}            # the vendor of the demonstration; a firm needs neither of these two
      ca: {ca}
"""

SAME_MATTERS = f"""\
  # Clio calls the same matter 2024-0113-Alvarez.
  - source: {CLIO}
    pattern: "{{number}}-{{client}}"
  - source: {TRUST}
    pattern: "{{number}}-{{client}}"
"""

ALERTS = f"""\
alerts:
  smtp:
    connection: {MAIL_CONNECTION}
    from: backup@provider.example
    to: [technician]
    escalate_to: [managing-partner]

"""


def set_up(place: Place, store: Store, vendors: Vendors) -> FirmConfig:
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
    write_example(place.firm, answers)
    recipient = Identity.generate()
    _adapt(place, store, str(recipient.recipient))
    _add_account(place, vendors.account)
    add_office(place, vendors)
    config = load_firm(place.firm)
    config.raise_issues()
    # In the demonstration nobody keeps the passphrases; a firm writes them down (`init-firm`).
    keys = make_keys(
        place.keys, {name: new_passphrase() for name in ("root", "escrow-1", "escrow-2")}
    )
    held = secrets(vendors) | {CLIO_KEY: str(vendors.account.told["client_secret"])}
    for name, secret in held.items():
        _write_private(place.keys / name, secret)
    _write_private(place.keys / PARTNER_KEY, f"{recipient}\n")
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


def _adapt(place: Place, store: Store, recipient: str) -> None:
    """What a technician would change in firm.yaml: smaller shards, where alerts go, with which login
    the managing partner answers, to which key deliveries to her are sealed, and an access key of its own for each role that writes more, or
    other things, than a worker may."""
    path = place.firm / FIRM_YAML
    text = path.read_text(encoding="utf-8")
    line = f"  {SOURCE}:\n"
    text = text.replace(line, f"{line}    shard_size: {SHARD}\n", 1)
    text = re.sub(r"# login: partner .*", f"login: {PARTNER}", text, count=1)
    text = re.sub(r"# recipient: age1.*", f"recipient: {recipient}", text, count=1)
    # In the place of the example that is commented out.
    before, _, rest = text.partition("# alerts:\n")
    text = before + ALERTS + rest[rest.index("labels:\n") :]
    if store.endpoint:
        server = EmbeddedS3(place.s3)
        for role in ("operations", "retention"):
            signer = f"    signer: {place.keys / role}.pem\n"
            text = text.replace(signer, f"{signer}    store: {server.credential_file(role)}\n", 1)
    path.write_text(text, encoding="utf-8")


def _add_account(place: Place, account: Account) -> None:
    """What a technician writes when the firm's Clio account is to be protected: two rows of the inventory, how it is
    reached, and that its matters are those of the share. The trust books go under the same consent."""
    _add_rows(place.firm / INVENTORY_CSV, account)
    path = place.firm / FIRM_YAML
    text = path.read_text(encoding="utf-8")
    shown = {
        "state": place.state,
        "client_id": account.told["client_id"],
        "secret": place.keys / CLIO_KEY,
        "redirect_uri": account.redirect_uri,
        "host": account.host,
        "ca": account.ca,
    }
    options = ACCOUNT.format(source=CLIO, **shown)
    options += ACCOUNT.format(source=TRUST, **shown) + f"      consent: {CLIO}\n"
    rules, _, rest = text.partition("sources:\n")
    path.write_text(
        f"{rules.rstrip()}\n{SAME_MATTERS}\nsources:\n{options}{rest}", encoding="utf-8"
    )


def give_consent(place: Place, account: Account) -> str:
    """Has the backup user give consent, as `muniment consent` asks for it; answers who did."""
    environment = dict(os.environ)
    if not place.store.exists():
        worker = EmbeddedS3(place.s3).credential_file("worker")
        environment[CREDENTIAL_FILE] = str(worker)
    command = [sys.executable, "-m", "muniment.cli.main", "--json", "--firm", str(place.firm)]
    return str(consent(account, [*command, "consent", CLIO], environment)["user"])


def _add_rows(path: Path, account: Account) -> None:
    rows = [dict(row.cells) for row in read_sheet(path.read_bytes(), COLUMNS).rows]
    share = next(row for row in rows if row["source_id"] == SOURCE)
    clio = {
        **share,
        "source_id": CLIO,
        "system": "clio",
        "description": "Practice management and billing",
        "location": account.host,
        "frequency": "daily 02:30",
    }
    trust = {
        **clio,
        "source_id": TRUST,
        "system": "clio-trust",
        "description": "Trust books",
        "frequency": "daily 03:00",
        "retention": "trust",
        "trust_data": "yes",
    }
    covered = [row for row in rows if row["source_id"] != _NOT_COVERED]
    place = covered.index(share) + 1
    path.write_bytes(write_sheet(COLUMNS, [*covered[:place], clio, trust, *covered[place:]]))


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
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
