"""Set-up: the steps of `init-firm` and what becomes of them when one fails.

Order: look at the store, write the configuration, make the keys, show the passphrases, create the
vault, pin it, write the key card. Until the vault document is in the store nothing is sealed to
anything, so a failure removes what this run made. From then on the keys are all there is to the
vault: they stay, and the next run goes on from the document that root signed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from muniment.cli.firm_keys import (
    PROTECTED,
    ROOT_FILE,
    MadeKeys,
    given_passphrases,
    load_keys,
    make_keys,
    new_passphrase,
)
from muniment.errors import ConfigError, KeyFileError, MunimentError, VaultError

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.config.example import Answers
    from muniment.config.load import FirmConfig
    from muniment.vault.store.base import Store
    from muniment.vault.trust import Pin

CARD = "key-card.txt"
_DOCUMENTS = ("firm.yaml", "inventory.csv")


@dataclass(frozen=True, slots=True)
class Done:
    """What set-up left: the pin, the key card, all key files, and whether it went on from before."""

    pin: Pin
    card: Path
    files: tuple[Path, ...]
    resumed: bool


def write_configuration(folder: Path, answers: Answers) -> FirmConfig:
    from muniment.config.example import write_example

    return write_example(folder, answers)


def set_up(session: Session, folder: Path, answers: Answers, passphrases: Path | None) -> Done:
    """Raises ConfigError, KeyFileError, VaultError or StoreError; see the module for what is left."""
    if (folder / "firm.yaml").exists():
        return _go_on(session, folder, passphrases)
    phrases = given_passphrases(passphrases, os.environ)
    shown = _passphrases(session, phrases)
    store = _empty_store(_address(answers.destination, answers.endpoint, answers.region))
    with _undone_on_failure(folder, answers.keys, store):
        config = write_configuration(folder, answers)
        made = make_keys(answers.keys, shown)
        if not phrases:
            _show(session, shown)
        pin = _create(session, store, made, config)
    return _finish(session, folder, answers.keys, store, made, pin, resumed=False)


# -- passphrases -----------------------------------------------------------------------------------


def _passphrases(session: Session, given: dict[str, str]) -> dict[str, str]:
    if given:
        return given
    if not session.screen.somebody_reads:
        raise KeyFileError(
            "made passphrases are shown on a terminal only, and there is none",
            to="init-firm",
            todo="Give them with --passphrases FILE (lines `root: ...`, `escrow-1: ...`, `escrow-2: ...`) "
            "or in MUNIMENT_PASSPHRASE_ROOT, MUNIMENT_PASSPHRASE_ESCROW_1, MUNIMENT_PASSPHRASE_ESCROW_2.",
        )
    return {name: new_passphrase() for name in PROTECTED}


def _show(session: Session, passphrases: dict[str, str]) -> None:
    screen = session.screen
    screen.say()
    screen.say(
        "PASSPHRASES - write them down now; they are shown this once and stored nowhere",
        style="bold red",
    )
    screen.facts(passphrases.items())
    screen.say()


# -- the store -------------------------------------------------------------------------------------


def _address(url: str, endpoint: str | None, region: str | None) -> str:
    """The store's address with the options that firm.yaml keeps beside it."""
    from urllib.parse import urlencode

    given = {"endpoint": endpoint, "region": region}
    options = urlencode({key: value for key, value in given.items() if value})
    return f"{url}?{options}" if options else url


def _empty_store(url: str) -> Store:
    """The store, made if it is a folder that is not there; it must not hold a vault yet."""
    from muniment.cli.stores import open_url
    from muniment.vault.store.local import LocalStore
    from muniment.vault.store.open import FileDestination, parse_destination

    destination = parse_destination(url)
    if isinstance(destination, FileDestination):
        try:
            LocalStore.create(destination.folder)
        except OSError as error:
            raise ConfigError(
                f"the store's folder cannot be made ({error.strerror})", to=url
            ) from None
    store = open_url(url)
    if any(True for _ in store.list("vault/")):
        raise VaultError(
            "this store already holds a vault",
            to=store.label,
            safe="It was not touched, and nothing was written here.",
            todo="Use another bucket, folder or prefix: one firm, one vault, one place.",
        )
    return store


def _create(session: Session, store: Store, made: MadeKeys, config: FirmConfig) -> Pin:
    from muniment.vault.setup import PublicHolder, PublicSigner, create_vault

    holders = [PublicHolder("escrow", name, public) for name, public in made.escrows.items()]
    holders.append(PublicHolder("operations", "operations-1", made.operations))
    holders.append(PublicHolder("worker", "worker-1", made.worker))
    signers = [
        PublicSigner("worker", made.worker_signer),
        PublicSigner("operations", made.operations_signer),
        PublicSigner("retention", made.retention_signer),
    ]
    sources = [row.source_id for row in config.protected]
    return create_vault(store, made.root, holders, signers, sources, session.clock)


@contextmanager
def _undone_on_failure(folder: Path, keys: Path, store: Store) -> Iterator[None]:
    """Removes what this run wrote unless the vault exists by then. Touches nothing older."""
    had_keys, had_folder = keys.exists(), folder.exists()
    try:
        yield
    except BaseException:
        if not _holds_vault(store):
            for name in _DOCUMENTS:
                (folder / name).unlink(missing_ok=True)
            if not had_folder and folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
            if not had_keys:
                shutil.rmtree(keys, ignore_errors=True)
        raise


def _holds_vault(store: Store) -> bool:
    """In doubt yes: then nothing is removed."""
    try:
        return any(True for _ in store.list("vault/"))
    except MunimentError:
        return True


# -- going on --------------------------------------------------------------------------------------


def _go_on(session: Session, folder: Path, passphrases: Path | None) -> Done:
    """A firm whose configuration is there: the vault may exist and only not be pinned yet."""
    from muniment.cli.keyfiles import read_root
    from muniment.config.load import load_firm

    config = load_firm(folder)
    if config.firm.vault is not None:
        raise ConfigError(
            "this firm has a vault already",
            to=str(folder / "firm.yaml"),
            safe="Nothing was changed.",
            todo="Use `muniment doctor` to look at it, `muniment keys` to change who holds keys.",
        )
    keys = _keys_folder(config)
    destination = next(iter(config.firm.destinations.values()))
    address = _address(destination.url, destination.endpoint, destination.region)
    given = given_passphrases(passphrases, os.environ)
    if not (keys / ROOT_FILE).exists():
        return _new_vault_for(session, folder, config, keys, address, given)
    root = read_root(keys / ROOT_FILE, lambda path: given.get("root") or session.passphrase(path))
    made = load_keys(keys, root)
    from muniment.cli.stores import open_url

    store = open_url(address)
    pin = _signed_by(store, root.public) if _holds_vault(store) else None
    if pin is None:
        store = _empty_store(address)
        pin = _create(session, store, made, config)
    return _finish(session, folder, keys, store, made, pin, resumed=True)


def _new_vault_for(
    session: Session, folder: Path, config: FirmConfig, keys: Path, url: str, given: dict[str, str]
) -> Done:
    """A configuration that was written (and edited) before: keys and vault are still to be made."""
    config.raise_issues()
    phrases = _passphrases(session, given)
    store = _empty_store(url)
    made = make_keys(keys, phrases)
    try:
        if not given:
            _show(session, phrases)
        pin = _create(session, store, made, config)
    except BaseException:
        if not _holds_vault(store):
            shutil.rmtree(keys, ignore_errors=True)
        raise
    return _finish(session, folder, keys, store, made, pin, resumed=True)


def _keys_folder(config: FirmConfig) -> Path:
    """Where firm.yaml says that the worker's keys are: all are made beside each other."""
    worker = config.firm.keys.worker
    if worker is None or not worker.signer.startswith("/"):
        raise ConfigError(
            "firm.yaml does not say in which folder the keys are to be made",
            to="firm.yaml, key keys.worker.signer",
            todo="Name the files by their absolute paths for set-up; change it to secret: afterwards.",
        )
    return Path(worker.signer).parent


def _signed_by(store: Store, root_public: bytes) -> Pin | None:
    """The pin of the vault in the store, if its first document is signed by our root.

    Here, and only here, the vault id is taken from the store: root's signature vouches for it.
    """
    from muniment.errors import FormatError
    from muniment.vault import names
    from muniment.vault.documents import VaultDocument
    from muniment.vault.signing import Envelope
    from muniment.vault.trust import Pin, load_trust

    for version in store.list(names.vault_document(1)):
        if version.delete_marker:
            continue
        try:
            data = store.get(version.name, version=version.version or None)
            envelope = Envelope.parse(data, "vault")
            if not envelope.signed_by(root_public):
                continue
            document = VaultDocument.from_payload(envelope.payload())
        except FormatError:
            continue
        pin = Pin(document.vault_id, root_public)
        load_trust(store, pin)
        return pin
    return None


def _finish(
    session: Session,
    folder: Path,
    keys: Path,
    store: Store,
    made: MadeKeys,
    pin: Pin,
    *,
    resumed: bool,
) -> Done:
    from muniment.config.example import pin_vault
    from muniment.config.key_card import EscrowEntry, KeyCard, render_key_card
    from muniment.ids import sha256_hex
    from muniment.vault import names

    config = pin_vault(folder, pin.vault_id, pin.root_public.hex())
    tools = {name: sha256_hex(store.get(name)) for name in names.RECOVERY_FILES}
    card = KeyCard(
        config.firm.name,
        pin.vault_id,
        pin.root_public.hex(),
        [EscrowEntry(name, public) for name, public in made.escrows.items()],
        [destination.url for destination in config.firm.destinations.values()],
        session.clock.now(),
        tools,
    )
    path = keys / CARD
    path.write_text(render_key_card(card), encoding="utf-8")
    files = tuple(sorted(p for p in keys.iterdir() if p.name != CARD))
    return Done(pin, path, files, resumed)
