"""Wiring: from a firm's configuration to vaults, sources and runs.

The one place where configuration, keys, stores and sources meet. Airflow and the command line both
begin here; they differ only in where a store's credential comes from.

Invariants: a role's keys are read when that role is asked for, never before; a destination in the
same account as the source is refused, and so is one that lies in it. What only a backup or only a
restore needs is imported there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from muniment.clock import Clock, SystemClock, Waiting
from muniment.config.apart import require_apart, require_outside
from muniment.config.exceptions import accepted_on
from muniment.config.firm import Destination
from muniment.config.inventory import DATABASES, InventoryRow
from muniment.config.keyfiles import locate, read_role_keys
from muniment.config.load import FirmConfig
from muniment.config.mail_archive import MAIL_ARCHIVE
from muniment.config.rotating import as_rotating
from muniment.config.smb import SMB
from muniment.config.trees import tree_options
from muniment.config.vendor_backup import VENDOR_BACKUP
from muniment.errors import ConfigError, MunimentError
from muniment.sources.base import Source
from muniment.vault.age import Identity, parse_identities
from muniment.vault.signing import Signer
from muniment.vault.store.base import Store
from muniment.vault.store.decorators import RetryingStore
from muniment.vault.store.open import FileDestination, S3Destination, open_store, parse_destination
from muniment.vault.store.s3_client import S3Credential, S3Settings
from muniment.vault.trust import Pin
from muniment.vault.vault import Vault

if TYPE_CHECKING:
    from muniment.backup.options import BackupOptions
    from muniment.backup.run import BackupRun
    from muniment.sources.files import FileTarget
    from muniment.sources.m365.afresh import Owners
    from muniment.sources.smb.target import SmbTarget

StoreOpener = Callable[[Destination, str, S3Credential | None], Store]
"""(destination of firm.yaml, URL of it or of its matter keys, the role's own credential) -> store.
Where the role has none of its own, whoever opens finds one: Airflow in the destination's connection,
the command line in the environment."""


NO_LIMIT = 1 << 62
"""Of a run that must not leave anything to the next one."""

LoginFinder = Callable[[str, str], Any]
"""(name of a connection, system of its row) -> what stands in it, in the form that the system's wiring has for it;
None where there is none. Without a finder, or with none found,
the secret comes from where firm.yaml says."""


def open_with_environment(
    destination: Destination, url: str, credential: S3Credential | None
) -> Store:
    """Opens a store with whatever credential the environment, profile or machine role gives."""
    return open_store(store_settings(destination, url), credential)


def store_settings(destination: Destination, url: str) -> FileDestination | S3Destination:
    """The URL of firm.yaml with the destination's endpoint and region."""
    parsed = parse_destination(url)
    if isinstance(parsed, FileDestination) or not (destination.endpoint or destination.region):
        return parsed
    settings = S3Settings(
        endpoint=destination.endpoint,
        region=destination.region,
        path_style=True if destination.endpoint else None,
    )
    return S3Destination(parsed.bucket, parsed.prefix, settings)


class Wiring:
    """Everything of one firm, made on demand."""

    def __init__(
        self,
        config: FirmConfig,
        opener: StoreOpener = open_with_environment,
        clock: Clock | None = None,
        login: LoginFinder | None = None,
    ) -> None:
        self.config = config
        self.clock: Clock = clock or SystemClock()
        self._opener = opener
        self._login = login

    # -- stores and vaults -------------------------------------------------------------------------

    def store(self, destination: str | None = None, role: str = "") -> Store:
        """The store at a destination (the only one, or the first, when none is named), with the
        credential of a role if it has one of its own."""
        found = self._destination(destination)
        return RetryingStore(self._opener(found, found.url, self._credential(role)))

    def matter_key_store(self, destination: str | None = None, role: str = "") -> Store | None:
        """Where the keys of matters lie that must be erasable; None when firm.yaml names none."""
        found = self._destination(destination)
        if found.matter_keys is None:
            return None
        return RetryingStore(self._opener(found, found.matter_keys, self._credential(role)))

    def _credential(self, role: str) -> S3Credential | None:
        part = getattr(self.config.firm.keys, role, None)
        reference = part.store if part is not None else None
        return S3Credential.from_file(locate(reference)) if reference else None

    def vault(self, role: str, destination: str | None = None) -> Vault:
        """A handle with the keys of `worker`, `operations` or `retention`, or of nobody (`reader`).

        Raises KeyFileError when this machine does not hold the role's keys.
        """
        if role == "reader":
            return self.vault_with((), None, destination)
        keys = read_role_keys(self.config.firm.keys, role)
        identities = self._identities(role)
        try:
            signer = Signer.from_pem(keys.signer)
        except MunimentError as error:
            raise error.at(f"firm.yaml, key keys.{role}.signer") from None
        return self.vault_with(identities, signer, destination, role)

    def identities(self, role: str) -> list[Identity]:
        """What opens what is sealed to a role. Raises KeyFileError where this machine does not hold it."""
        return self._identities(role)

    def _identities(self, role: str) -> list[Identity]:
        keys = read_role_keys(self.config.firm.keys, role)
        try:
            return parse_identities(keys.identity) if keys.identity else []
        except MunimentError as error:
            raise error.at(f"firm.yaml, key keys.{role}.identity") from None

    def vault_with(
        self,
        identities: Sequence[Identity],
        signer: Signer | None = None,
        destination: str | None = None,
        role: str = "",
    ) -> Vault:
        """A handle with keys that somebody brought, such as an escrow identity."""
        pinned = self.config.firm.pinned()
        pin = Pin(pinned.vault_id, bytes.fromhex(pinned.root_public))
        return Vault(
            self.store(destination, role),
            pin,
            identities=identities,
            signer=signer,
            matter_keys=self.matter_key_store(destination, role),
            clock=self.clock,
        )

    def _destination(self, name: str | None) -> Destination:
        destinations = self.config.firm.destinations
        if name is None:
            return next(iter(destinations.values()))
        if name not in destinations:
            raise ConfigError(
                "there is no such destination",
                to=f"firm {self.config.firm_id}, firm.yaml, key destinations",
            )
        return destinations[name]

    # -- sources -----------------------------------------------------------------------------------

    def source(self, source_id: str) -> Source:
        """The source of an inventory row. Raises ConfigError for a row that is not Muniment's."""
        row = self._row(source_id)
        made = {
            "clio": self._clio,
            "clio-trust": self._clio,
            "m365": self._m365,
            "netdocuments": self._netdocuments,
            MAIL_ARCHIVE: self._mail_archive,
            SMB: self._smb,
            VENDOR_BACKUP: self._vendor_backup,
        }
        made |= dict.fromkeys(DATABASES, self._database)
        return made.get(row.system, self._files)(row)

    def _files(self, row: InventoryRow) -> Source:
        from muniment.sources.files import FileSource

        options = tree_options(self.config.options(row.source_id))
        return FileSource(row.source_id, Path(row.location), **options)

    def _mail_archive(self, row: InventoryRow) -> Source:
        from muniment.wiring_mail_archives import mail_archive_source

        return mail_archive_source(self.config, row, self._waiting)

    def _vendor_backup(self, row: InventoryRow) -> Source:
        from muniment.wiring_vendor_backups import vendor_backup_source

        return vendor_backup_source(self.config, row, self._waiting)

    def _smb(self, row: InventoryRow) -> Source:
        from muniment.wiring_smb import smb_source

        return smb_source(self.config, row, self._waiting, login=self._held(row))

    def _clio(self, row: InventoryRow) -> Source:
        """Whoever reads an account needs the worker's identity: the consent is sealed to it."""
        from muniment.wiring_clio import clio_source

        return clio_source(
            self.config, row, self._identities("worker"), self._waiting, login=self._held(row)
        )

    def _m365(self, row: InventoryRow) -> Source:
        from muniment.wiring_m365 import m365_source

        return m365_source(self.config, row, self._waiting, login=self._held(row))

    def _netdocuments(self, row: InventoryRow) -> Source:
        """The token is sealed to the worker."""
        from muniment.wiring_netdocuments import netdocuments_source

        return netdocuments_source(
            self.config, row, self._identities("worker"), self._waiting, login=self._held(row)
        )

    def _database(self, row: InventoryRow) -> Source:
        from muniment.wiring_databases import database_source

        return database_source(self.config, row, login=self._held(row))

    @property
    def _waiting(self) -> Waiting:
        return self.clock if isinstance(self.clock, Waiting) else SystemClock()

    def _held(self, row: InventoryRow) -> Any:
        """What the row's connection holds."""
        return self._login(row.connection, row.system) if self._login and row.connection else None

    def target(
        self,
        source_id: str,
        folder: Path,
        *,
        overwrite: bool = False,
        restore_id: str = "",
        sources_off: bool = False,
    ) -> FileTarget:
        """Where items of this source are delivered to: `folder`/<source id>.

        `restore_id` is the digest of the plan: the same one goes on where an attempt was killed. With
        `sources_off` no source is touched, not even to see where it lies.
        Raises TargetUnusable for a folder in a source or a store.
        """
        from muniment.sources.files import FileTarget

        require_outside(self.config, folder, sources_off=sources_off)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return FileTarget(folder / source_id, overwrite=overwrite, restore_id=restore_id)

    def share_target(self, source_id: str, folder: str, restore_id: str = "") -> SmbTarget:
        """A new folder on a share of a Windows file server, for items of a source that is one. Raises ConfigError."""
        from muniment.wiring_smb import smb_target

        row = self._row(source_id)
        if row.system != SMB:
            raise ConfigError(
                "this source is no share of a Windows file server",
                to=f"source {source_id}",
                todo="Restore it into a folder.",
            )
        return smb_target(self.config, row, self._waiting, folder, restore_id=restore_id)

    def backup_run(
        self,
        source_id: str,
        run_id: str,
        *,
        accept_mass_deletion: bool = False,
        owners: Owners | None = None,
    ) -> BackupRun:
        """A run of one source with the worker's keys and the options of its row. What `owners` have of a Microsoft 365
        tenant is read whole and fetched anew, all of it in this run."""
        from muniment.backup.run import BackupRun
        from muniment.vault.store.probe import require_separate_account

        row = self._row(source_id)
        require_apart(self.config, row)
        require_separate_account(
            self.config.destination(row).account,
            [(source_id, self.config.options(source_id).account)],
        )
        source, options = self.source(source_id), self._options(row, accept_mass_deletion)
        if owners is not None:
            from muniment.sources.m365.afresh import AfreshSource

            source = AfreshSource(source, owners)
            options = replace(
                options, afresh=owners.have, run_limit_bytes=NO_LIMIT, run_limit_fetches=NO_LIMIT
            )
        rules = self.config.matter_rules(source_id)
        return BackupRun(
            self.vault("worker", row.destination),
            source,
            self.config.firm.staging,
            run_id,
            assign=rules.match,
            by_folder=rules.by_folder,
            options=options,
        )

    def _options(self, row: InventoryRow, accept_mass_deletion: bool) -> BackupOptions:
        from muniment.backup.guard.limits import Limits
        from muniment.backup.options import BackupOptions, MassDeletion

        given = self.config.options(row.source_id)
        if row.system == VENDOR_BACKUP:
            given = as_rotating(given)
        today = self.clock.now().astimezone(ZoneInfo(self.config.firm.time_zone)).date()
        return BackupOptions(
            retention_class=self.config.retention(row).retention_class,
            shard_bytes=given.shard_size,
            shard_items=given.shard_items,
            threads=given.threads,
            mass_deletion=MassDeletion(given.mass_deletion.share, given.mass_deletion.items),
            accept_mass_deletion=accept_mass_deletion,
            guard=Limits(
                given.anomaly.spoiled_items,
                given.anomaly.spoiled_share,
                given.anomaly.deleted_share,
                given.anomaly.changed_share,
                given.anomaly.note_folders,
            )
            if given.anomaly.watch
            else None,
            accepted=accepted_on(self.config.exceptions, row.source_id, today),
            clock_tolerance=self.config.firm.clock_tolerance,
            next_due=self.next_due(row.source_id),
        )

    def next_due(self, source_id: str) -> datetime | None:
        """When this source's next run is due by its schedule."""
        schedule = self._row(source_id).schedule
        if schedule is None:
            return None
        return schedule.next_due(self.clock.now(), self.config.firm.time_zone)

    def _row(self, source_id: str) -> InventoryRow:
        row = self.config.row(source_id)
        if not row.by_muniment:
            raise ConfigError(
                f"this source is not backed up by Muniment but by: {row.backup_method.value}",
                to=f"firm {self.config.firm_id}, inventory.csv, row {row.row}",
                todo="Set backup_method to muniment if that is meant.",
            )
        return row
