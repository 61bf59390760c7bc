"""Firm: the models of firm.yaml - where to, who, with which keys, by which rules.

Invariants: nothing here is a secret (keys are named, not contained); a store's credentials are an
Airflow connection's; the vault id and the root key, once pinned, are what readers believe.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from muniment.config.approvals import Approvals
from muniment.config.matter_policy import ExpectedIn, MatterPolicies
from muniment.config.papers import TrustPapers
from muniment.config.policy import (
    AcceptedException,
    MatterRule,
    RetentionRule,
    SourceOptions,
)
from muniment.config.schema import AfterValidator, BeforeValidator, Field, field_validator
from muniment.config.trust_books import TrustBooks
from muniment.config.values import (
    Connection,
    Duration,
    EMail,
    FilePath,
    Id,
    Listed,
    Model,
    OneOrMany,
    Recipient,
    SourceId,
    Table,
    Text,
    TimeZone,
    absolute,
    hex_of,
)
from muniment.config.workstations import Workstations
from muniment.errors import ConfigError

NOT_YET = "not yet created"
MAX_LOCK = timedelta(days=90)
SECRET = "secret:"  # noqa: S105


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        odd = parts.query or parts.fragment or parts.username or parts.password
    except ValueError:
        parts, odd = urlsplit(""), ""
    if odd:
        raise ValueError(
            "has a user, password, ? or # in it; write the bare address, and put credentials into"
            " the connection"
        )
    path = unquote(parts.path)
    if parts.scheme == "file" and not parts.netloc and path.strip("/"):
        absolute(Path(path))
        return value.rstrip("/")
    if parts.scheme == "s3" and parts.netloc and not {".", ".."} & set(path.split("/")):
        return value.rstrip("/")
    raise ValueError("is no address of a store; write s3://bucket/prefix or file:///folder")


def _key_reference(value: str) -> str:
    name = value.removeprefix(SECRET)
    if value.startswith(SECRET):
        if not name or "/" in name or name in (".", ".."):
            raise ValueError("has no plain name after `secret:`; write secret:worker-identity")
        return value
    absolute(Path(value))
    return value


Url = Annotated[str, AfterValidator(_url)]
KeyReference = Annotated[str, AfterValidator(_key_reference)]
"""An absolute path, or `secret:<name>`; see `muniment.config.keyfiles`."""


class VaultPin(Model):
    """What the key card says of the vault."""

    vault_id: Annotated[Text, hex_of(32)] = Field(
        description="The vault's id, from the key card.",
        examples=["5f0c1e3a9b7d4286ae10c9d2f4b86375"],
    )
    root_public: Annotated[Text, hex_of(64)] = Field(
        description="The root signing key's public half, from the key card.",
        examples=["3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"],
    )


def _vault(value: object) -> object:
    if value == NOT_YET:
        return None
    if not isinstance(value, dict):
        raise ValueError(
            f"is neither `{NOT_YET}` nor vault_id and root_public; copy both from the key card, or"
            " run `muniment init-firm`"
        )
    return value


class Destination(Model):
    """A store that a vault lies in."""

    url: Url = Field(
        description="`s3://bucket/prefix` or `file:///folder`.",
        examples=["s3://example-backups/firm-014"],
    )
    connection: Connection | None = Field(
        None,
        description="The Airflow connection with the store's credential (s3 only).",
        examples=["firm_014_store"],
    )
    account: Text = Field(
        "",
        max_length=200,
        description="The cloud account that owns the store; never one that also holds a source: who"
        " takes over the account would take both.",
        examples=["210987654321"],
    )
    endpoint: str | None = Field(
        None,
        pattern=r"\Ahttps?://[A-Za-z0-9.:\[\]-]+/?\Z",
        description="Address of an S3 service that is not Amazon's.",
        examples=["https://s3.example.net"],
    )
    region: str | None = Field(
        None,
        pattern=r"\A[a-z0-9-]{2,30}\Z",
        description="The bucket's region.",
        examples=["eu-west-1"],
    )
    lock: Duration = Field(
        timedelta(days=21),
        ge=timedelta(0),
        le=MAX_LOCK,
        description="The lock that the bucket gives every new object; `0d` for a store without"
        " locks. It must be what the bucket's default retention says.",
    )
    matter_keys: Url | None = Field(
        None,
        description="A second store without lock, for keys of matters that must be erasable.",
        examples=["s3://example-matter-keys/firm-014"],
    )


class RoleFiles(Model):
    """What every role has."""

    store: KeyReference | None = Field(
        None,
        description="File with this role's own access key to the store: the lines"
        " `aws_access_key_id=...` and `aws_secret_access_key=...`. Without it, the destination's"
        " connection or what the machine has. The right to delete belongs here or to the machine,"
        " never into an Airflow connection.",
        examples=["/etc/muniment/example/retention.store"],
    )


class SealingKeys(RoleFiles):
    """The key files of a role that opens and signs."""

    identity: KeyReference = Field(
        description="File of the age identity: an absolute path or `secret:<name>`.",
        examples=["/etc/muniment/example/worker.age-identity"],
    )
    signer: KeyReference = Field(
        description="File of the Ed25519 signing key (PEM, PKCS #8).",
        examples=["/etc/muniment/example/worker.pem"],
    )


class SigningKeys(RoleFiles):
    """The key file of a role that only signs."""

    signer: KeyReference = Field(
        description="File of the Ed25519 signing key (PEM, PKCS #8).",
        examples=["/etc/muniment/example/retention.pem"],
    )


class Keys(Model):
    """Where each role's keys lie on the machine that does its work. Each on its own machine."""

    worker: SealingKeys | None = Field(None, description="Backup workers.")
    operations: SealingKeys | None = Field(
        None, description="Verification, drills, restores, rebase."
    )
    retention: SigningKeys | None = Field(None, description="The retention task.")


class Person(Model):
    """Somebody with a part to play. The key in `people` is the id that logs may show."""

    name: Text = Field("", max_length=200, description="As a page or a mail shows it.")
    email: EMail = Field(
        description="Where alerts and approvals go.", examples=["office@firm.example"]
    )
    recipient: Recipient | None = Field(
        None,
        description="Age recipient (`age-keygen -o my-key.txt` prints it): restores for this person are sealed to it, and open with"
        " that file alone (docs/SEALED_DELIVERIES.md).",
    )
    login: Text | None = Field(
        None, max_length=200, description="The Airflow login with which this person approves."
    )


class Roles(Model):
    """Which person does what. A requester never approves."""

    managing_partner: Id = Field(
        description="Approves restores, destruction and the yearly plan; holds root and escrow.",
        examples=["managing-partner"],
    )
    deputy: Id | None = Field(None, description="Approves when the managing partner cannot.")
    office_manager: Id | None = Field(None, description="Owns inventory.csv.")
    trust_lawyer: Id | None = Field(
        None,
        description="The only one who sees findings about trust books: reports are sealed to this person's"
        " `recipient`. Without one, nobody looks for findings.",
    )
    technicians: Annotated[tuple[Id, ...], OneOrMany] = Field(
        (),
        description="Run backups and ask for restores; never approve.",
        examples=[["technician"]],
    )


class Smtp(Model):
    """Alerts by mail."""

    connection: Connection = Field(
        description="The Airflow connection of the mail server.", examples=["smtp_default"]
    )
    sender: EMail = Field(
        alias="from",
        description="The sender's address.",
        examples=["backup@msp.example"],
    )
    to: Annotated[tuple[Id, ...], OneOrMany] = Field(
        min_length=1, description="Who of `people`.", examples=[["technician"]]
    )
    escalate_to: Annotated[tuple[Id, ...], OneOrMany] = Field(
        (),
        description="Who of `people` hears too of what nobody mended in a day, and at once of client"
        " money and of the vault itself. Without it: the managing partner.",
        examples=[["managing-partner"]],
    )


class Webhook(Model):
    """Alerts to a chat or ticket system."""

    connection: Connection = Field(
        description="The Airflow connection that holds the address (host) and the secret that signs"
        " (password).",
        examples=["firm_014_tickets"],
    )


class HeartbeatTo(Model):
    """A sign of life after every watch, to a service that tells when it stays away."""

    connection: Connection = Field(
        description="The Airflow connection that holds the address: as password where it is the"
        " secret itself, else as host.",
        examples=["firm_014_heartbeat"],
    )
    method: Literal["post", "get"] = Field(
        "post", description="`post` also sends the newest commits' digests; `get` sends nothing."
    )


class Alerts(Model):
    """Where alerts go, besides Airflow's own pages; see docs/ALERTS.md."""

    smtp: Smtp | None = Field(None, description="By mail.")
    webhook: Webhook | None = Field(None, description="By HTTP POST, signed.")
    heartbeat: HeartbeatTo | None = Field(
        None, description="The watcher outside, who tells when the scheduler is dead."
    )


class Labels(Model):
    """What may stand in labels, forms and logs."""

    matter_numbers: bool = Field(
        True,
        description="Matter numbers (never titles or clients) may stand in the restore form and in"
        " labels. `false`: opaque ids only.",
    )


class Firm(Model):
    """The whole of firm.yaml."""

    firm: Id = Field(
        description="The firm's id; it begins every DAG id and must be the folder's name.",
        examples=["example"],
    )
    name: Text = Field(
        min_length=1,
        max_length=200,
        description="The firm's name, for pages and reports.",
        examples=["Example Law"],
    )
    time_zone: TimeZone = Field(
        description="IANA time zone of the firm; schedules follow its clocks.",
        examples=["America/New_York"],
    )
    vault: Annotated[VaultPin | None, BeforeValidator(_vault)] = Field(
        description=f"`{NOT_YET}`, or the vault's id and root key.", examples=[NOT_YET]
    )
    destinations: Annotated[Mapping[Id, Destination], Table] = Field(
        min_length=1, description="Stores by name; the inventory's destination column names one."
    )
    staging: Annotated[FilePath, AfterValidator(absolute)] = Field(
        description="Folder for sealed work in progress, on a volume that all workers share.",
        examples=["/var/lib/muniment/example"],
    )
    keys: Annotated[Keys, Table] = Field(
        default_factory=Keys, description="Key files of the roles."
    )
    people: Annotated[Mapping[Id, Person], Table] = Field(
        min_length=1, description="People by id; the other parts refer to these ids."
    )
    roles: Roles = Field(description="Who does what.")
    retention: Annotated[Mapping[Id, RetentionRule], Table] = Field(
        min_length=1,
        description="Retention rules by name; the inventory's retention column names one.",
    )
    matter_rules: Annotated[tuple[MatterRule, ...], Listed] = Field(
        (), description="How a path names a matter; the first rule that matches decides."
    )
    matters: MatterPolicies = Field(
        (), description="Matters that are sealed, or walled off from somebody (docs/MATTERS.md)."
    )
    matters_expected_in: ExpectedIn = Field(
        (),
        description="Sources in which every active matter should have something; `muniment matters` tells where one has"
        " nothing.",
        examples=["file-server"],
    )
    exceptions: Annotated[tuple[AcceptedException, ...], Listed] = Field(
        (), description="Problems that somebody accepted for a time."
    )
    sources: Annotated[Mapping[SourceId, SourceOptions], Table] = Field(
        default_factory=dict, description="Options by source_id."
    )
    approvals: Annotated[Approvals | None, Table] = Field(
        None,
        description="Who approves restores. Without it every restore goes to whoever may trigger it.",
    )
    trust_papers: TrustPapers | None = Field(
        None, description="Which papers of trust accounts must be in the vault, and by when."
    )
    trust_books: Annotated[TrustBooks, Table] = Field(
        default_factory=TrustBooks,
        description="What the trust lawyer is told about trust books.",
    )
    workstations: Annotated[Workstations, Table] = Field(
        default_factory=Workstations,
        description="How it is shown that what lies on workstations is backed up (docs/DISCOVERY.md).",
    )
    clock_tolerance: Duration = Field(
        timedelta(minutes=5),
        ge=timedelta(minutes=1),
        le=timedelta(hours=1),
        description="How far this machine's clock and the store's may differ.",
    )
    alerts: Annotated[Alerts, Table] = Field(default_factory=Alerts, description="Where alerts go.")
    labels: Annotated[Labels, Table] = Field(
        default_factory=Labels, description="What may stand in labels."
    )

    @field_validator("matter_rules", "matters", "exceptions", "matters_expected_in", mode="before")
    @classmethod
    def _empty(cls, value: object) -> object:
        return () if value is None else value

    def pinned(self) -> VaultPin:
        """The pinned vault. Raises ConfigError while there is none."""
        if self.vault is None:
            raise ConfigError(
                "this firm has no vault yet",
                to=f"firm {self.firm}, firm.yaml, key vault",
                todo="Create it with `muniment init-firm` on the managing partner's machine, then"
                " run again.",
            )
        return self.vault
