"""M365Options: how a source that is a Microsoft 365 tenant is reached and read, and what names a matter in it.

Invariants: no secret stands here, only where it is kept; sign-in, Graph and scope are one choice (`cloud`); a rule
names a matter by one clue.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from muniment.config.matter_clue import MatterClue
from muniment.config.reached import Address, SecretReference
from muniment.config.schema import AfterValidator, Field, model_validator
from muniment.config.values import Duration, FilePath, Listed, Model, Text, absolute

Service = Literal["mail", "calendars", "contacts", "onedrive", "sharepoint"]
_ALL: tuple[Service, ...] = ("mail", "calendars", "contacts", "onedrive", "sharepoint")
_TENANT = r"\A[A-Za-z0-9][A-Za-z0-9.-]{2,200}\Z"
_GUID = r"\A[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z"


class M365Matter(MatterClue):
    """What names a matter in mail, calendars and files. The first rule that matches an item decides."""

    _clues = ("folder", "category", "subject", "address")

    folder: str | None = Field(
        None,
        description="The folder's path below the mailbox or drive, as a pattern; names are what the user's language"
        " calls them.",
        examples=["**/Matters/{number} {title}/**"],
    )
    category: str | None = Field(
        None, description="A category, as a pattern.", examples=["Matter {number}"]
    )


class M365Restore(Model):
    """The registration with which a matter is written back; another one than that of the backup, which only reads."""

    client_id: str = Field(
        pattern=_GUID,
        description="Application (client) id of the registration that may write. Never that of the backup.",
        examples=["6d0f7a8e-2b1c-4c5d-9e3f-5a4b3c2d1e0f"],
    )
    certificate: SecretReference | None = Field(
        None,
        description="Where its key and certificate are kept, one PEM file: an absolute path (mode 0600), `secret:<name>`,"
        " or `env:<VARIABLE>`. Only on the machine that restores, and never in an Airflow connection.",
        examples=["/etc/muniment/example/m365-restore.pem"],
    )
    client_secret: SecretReference | None = Field(
        None,
        description="Where its secret is kept, in place of a certificate. Never the secret itself.",
        examples=["secret:m365-restore"],
    )
    state: Annotated[FilePath, AfterValidator(absolute)] | None = Field(
        None,
        description="Folder for its count of requests; by default the tenant's `state`.",
        examples=["/var/lib/muniment/example-restore"],
    )

    @model_validator(mode="after")
    def _one_credential(self) -> M365Restore:
        if (self.certificate is None) == (self.client_secret is None):
            raise ValueError("needs one of certificate and client_secret")
        return self


class M365Options(Model):
    """A Microsoft 365 tenant; see docs/M365.md."""

    state: Annotated[FilePath, AfterValidator(absolute)] = Field(
        description="Folder for the count of requests, on a volume that all workers share. Losing it costs nothing.",
        examples=["/var/lib/muniment/example-state"],
    )
    tenant: str = Field(
        "",
        pattern=rf"{_TENANT}|\A\Z",
        description="Directory (tenant) id of the firm, or one of its domains, where no Airflow connection gives it.",
        examples=["5f3c8e6a-90d1-4a5e-8a39-2f6f7c1d0b42"],
    )
    cloud: Literal["global", "usgov", "usgov-dod", "china"] = Field(
        "global", description="Which of Microsoft's clouds the tenant lives in."
    )
    client_id: str = Field(
        "",
        pattern=rf"{_GUID}|\A\Z",
        description="Application (client) id of the registration that reads, where no Airflow connection gives it.",
        examples=["0b5a3a52-8d4e-4d0b-b1a7-6f1f0a2c9e11"],
    )
    certificate: SecretReference | None = Field(
        None,
        description="Where key and certificate of the application are kept, one PEM file: an absolute path (mode"
        " 0600), `secret:<name>`, or `env:<VARIABLE>`. To be preferred to a secret.",
        examples=["/etc/muniment/example/m365.pem"],
    )
    client_secret: SecretReference | None = Field(
        None,
        description="Where the application's secret is kept, in place of a certificate. Never the secret itself.",
        examples=["secret:m365"],
    )
    managed_identity: Text | None = Field(
        None,
        pattern=rf"\Asystem\Z|{_GUID}",
        description="On an Azure machine: `system`, or the client id of a user-assigned identity; then there is no secret.",
        examples=["system"],
    )
    services: Annotated[tuple[Service, ...], Listed] = Field(
        _ALL,
        min_length=1,
        description="What is backed up. Two rows of the inventory may share a tenant, each with its own.",
        examples=[["mail", "calendars", "contacts"]],
    )
    leave_out: Annotated[tuple[Text, ...], Listed] = Field(
        (),
        description="Users whose mailbox and drive are not backed up, by address or id.",
        examples=[["scanner@firm.example"]],
    )
    versions: int = Field(
        0,
        ge=0,
        le=500,
        description="How many older versions of each file are kept besides the current one, when it changes.",
    )
    full_compare: Duration = Field(
        timedelta(days=7),
        ge=timedelta(hours=1),
        le=timedelta(days=31),
        description="After how long a mailbox or drive is listed whole and compared, not only what changed.",
    )
    at_once: int = Field(
        4,
        ge=1,
        le=16,
        description="Requests to mailboxes at a time. Microsoft serves four, by one reading of its documents for the"
        " whole application.",
    )
    matters: Annotated[tuple[M365Matter, ...], Listed] = Field(
        (), description="What names a matter. What no rule names is unassigned, and counted."
    )
    restore: M365Restore | None = Field(
        None,
        description="The registration that may write, for `restore --as m365`. Without it nothing can be written into the"
        " tenant.",
    )
    login: Address | None = Field(
        None,
        description="Another address to sign in at, for tests.",
        examples=["https://localhost:8443"],
    )
    graph: Address | None = Field(
        None,
        description="Another address of Graph, for tests.",
        examples=["https://localhost:8444"],
    )
    ca: Annotated[FilePath, AfterValidator(absolute)] | None = Field(
        None,
        description="File with the certificate authority of a proxy that opens TLS (PEM).",
        examples=["/etc/ssl/certs/proxy.pem"],
    )

    @model_validator(mode="after")
    def _one_credential(self) -> M365Options:
        given = [
            one for one in (self.certificate, self.client_secret, self.managed_identity) if one
        ]
        if len(given) > 1:
            raise ValueError(
                "has several of certificate, client_secret and managed_identity; keep one"
            )
        if self.restore and self.client_id.lower() == self.restore.client_id.lower():
            raise ValueError(
                "has one registration for both; the backup's only reads, so register another one for `restore`"
            )
        if (self.login is None) != (self.graph is None):
            raise ValueError(
                "has only one of login and graph; a tenant is in one cloud, so give both or none"
            )
        return self
