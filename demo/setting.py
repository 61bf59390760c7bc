"""Setting: what every act has at hand once the servers run."""

from __future__ import annotations

from dataclasses import dataclass

from muniment.config.load import FirmConfig
from muniment.embedded.airflow import AirflowServices
from muniment.embedded.airflow_api import AirflowApi
from muniment.vault.age import parse_identities
from muniment.vault.trust import Pin
from muniment.vault.vault import Vault

from . import firm
from .firm_setup import open_as
from .mail_sink import MailSink
from .place import FIRM_ID, SOURCES, Place
from .servers import USER, Store
from .systems import Vendors
from .teller import Teller

BACKUPS = {source: f"{FIRM_ID}__{source}__backup" for source in SOURCES}
CANARY = f"{FIRM_ID}__canary"
CHECKPOINT = f"{FIRM_ID}__checkpoint"
DRILL = f"{FIRM_ID}__recovery_drill"
RESTORE = f"{FIRM_ID}__restore_matter"
VERIFICATION = f"{FIRM_ID}__verification"
WATCH = f"{FIRM_ID}__watch"


@dataclass(frozen=True)
class Setting:
    """`monday` is the truth of the share as it was written; `api` is the technician's session."""

    place: Place
    teller: Teller
    store: Store
    services: AirflowServices
    config: FirmConfig
    monday: firm.Truth
    vendors: Vendors
    api: AirflowApi

    @property
    def mail(self) -> MailSink:
        return MailSink(self.place.mail)

    def api_of(self, user: str = USER) -> AirflowApi:
        """A session of somebody else."""
        return self.services.api(user)

    def vault(self, role: str, *, keys: bool = False) -> Vault:
        """The vault with the store credential of a role, and with its keys if wanted."""
        pinned = self.config.firm.pinned()
        file = self.place.keys / f"{role}.age-identity"
        return Vault(
            open_as(self.place, role),
            Pin(pinned.vault_id, bytes.fromhex(pinned.root_public)),
            identities=parse_identities(file.read_text()) if keys else [],
        )
