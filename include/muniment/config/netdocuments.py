"""NetDocumentsOptions: how a source that is a NetDocuments repository is reached and read.

Invariants: no secret stands here, only where it is kept; a host is reached by TLS; every number and word that the
vendor does not document is a setting with a sane default.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from muniment.config.reached import Redirect, SecretReference
from muniment.config.schema import AfterValidator, Field, model_validator
from muniment.config.values import Duration, FilePath, Listed, Model, SourceId, Text, absolute

Part = Literal["acl", "links", "attachments", "signatures", "approvals", "history"]
_PARTS: tuple[Part, ...] = ("acl", "links", "attachments", "signatures", "approvals")
_RANGE = re.compile(r"\{(from|to)\}")


def _host(value: str) -> str:
    try:
        parts = urlsplit(value if "://" in value else f"https://{value}")
        good = parts.scheme == "https" and parts.hostname and not parts.username
        good = good and parts.path in ("", "/") and not parts.query
    except ValueError:
        good = False
    if not good:
        raise ValueError("is no host that is reached by TLS; write https://api.vault.netvoyage.com")
    return value.rstrip("/")


def _id(prefix: str, value: str) -> str:
    text = value.strip().upper()
    if not re.fullmatch(rf"{prefix}-[A-Z0-9]{{1,40}}", text):
        raise ValueError(
            f"is no id of this kind; it begins with {prefix}-, such as {prefix}-4F1C9A2B"
        )
    return text


def _repository(value: str) -> str:
    return _id("CA", value)


def _cabinet(value: str) -> str:
    return _id("NG", value)


def _changed(value: str) -> str:
    if set(_RANGE.findall(value)) != {"from", "to"}:
        raise ValueError("does not name both ends of the range; write =7(^{from}-{to})")
    return value


class NetDocumentsQueries(Model):
    """The vendor's search language. Its numbers of fields are documented for no repository: compare them once."""

    containers: Text = Field(
        "=11(ndws OR ndfld OR ndflt OR ndsq OR ndcs)",
        description="Finds workspaces, folders, filters, saved searches and CollabSpaces: field 11 is the extension.",
    )
    documents: Text = Field(
        "not =11(ndws OR ndfld OR ndflt OR ndsq OR ndcs)", description="Finds everything else."
    )
    changed: Annotated[Text, AfterValidator(_changed)] = Field(
        "=7(^{from}-{to})",
        description="Put before one of the two, finds what was changed: field 7 is the date of change. `{from}` and"
        " `{to}` are days since 1899-12-30.",
    )
    order: str = Field(
        "7|asc",
        pattern=r"\A(\d+\|(asc|desc))?\Z",
        description="The order of lists, so that what is changed meanwhile goes to the end; empty for the vendor's own.",
    )


class NetDocumentsRestore(Model):
    """The application with which documents are written back; another one than that of the backup, which only reads."""

    client_id: Text = Field(
        max_length=200,
        description="The id of the application that may write, from the vendor's developer page.",
        examples=["AP-7D2E51B0"],
    )
    client_secret: SecretReference = Field(
        description="Where its secret is kept: an absolute path (mode 0600), `secret:<name>`, or"
        " `env:<VARIABLE>`. Only on the machine that restores, and never in an Airflow connection.",
        examples=["secret:netdocuments-restore"],
    )
    grant: Literal["service account", "consent"] = Field(
        "service account",
        description="Whether the application signs in by itself, or by a person's consent, which `muniment consent"
        " SOURCE --for restore` asks for.",
    )
    scope: Text = Field(
        "read organize edit",
        description="What is asked for when signing in: `edit` makes documents and versions, `organize` folders, filing"
        " and rights. Nothing deletes.",
        examples=["full"],
    )
    state: Annotated[FilePath, AfterValidator(absolute)] | None = Field(
        None,
        description="Folder for its sealed token and its count of requests; by default the repository's `state`.",
        examples=["/var/lib/muniment/example-restore"],
    )


class NetDocumentsOptions(Model):
    """A NetDocuments repository; see docs/NETDOCUMENTS.md."""

    state: Annotated[FilePath, AfterValidator(absolute)] = Field(
        description="Folder for the sealed token and the count of requests, on a volume that all workers share.",
        examples=["/var/lib/muniment/example-state"],
    )
    api: Annotated[str, AfterValidator(_host)] | None = Field(
        None,
        description="The API's host of the region in which the repository lives, where no Airflow connection gives it.",
        examples=["https://api.vault.netvoyage.com"],
    )
    login: Annotated[str, AfterValidator(_host)] | None = Field(
        None,
        description="The host on which people sign in, where it is not that of the API without its `api.`.",
        examples=["https://vault.netvoyage.com"],
    )
    repository: Annotated[str, AfterValidator(_repository)] | None = Field(
        None,
        description="The repository, where no Airflow connection gives it. A service account signs in to it.",
        examples=["CA-4F1C9A2B"],
    )
    cabinets: Annotated[tuple[Annotated[str, AfterValidator(_cabinet)], ...], Listed] = Field(
        (),
        description="The cabinets that are backed up; without any, all that the account sees. One that is named and not"
        " seen is an error.",
        examples=[["NG-1A2B3C4D"]],
    )
    grant: Literal["service account", "consent"] = Field(
        "service account",
        description="Whether the application signs in by itself (client credentials), or by a person's consent, which"
        " `muniment consent` asks for.",
    )
    scope: Text = Field(
        "read admin",
        description="What is asked for when signing in. `admin` shows the members of groups; where the vendor refuses the"
        " two, `full`.",
        examples=["full"],
    )
    client_id: Text = Field(
        "",
        max_length=200,
        description="The application's id, where no Airflow connection gives it.",
        examples=["AP-4F1C9A2B"],
    )
    client_secret: SecretReference | None = Field(
        None,
        description="Where the application's secret is kept, where no Airflow connection gives it: an absolute path (mode"
        " 0600), `secret:<name>`, or `env:<VARIABLE>`. Never the secret itself.",
        examples=["/etc/muniment/example/netdocuments.secret"],
    )
    redirect_uri: Redirect = Field(
        "http://127.0.0.1:8918/netdocuments",
        description="With `consent`: where the browser goes after it; it must be registered with the application.",
        examples=["http://127.0.0.1:8918/netdocuments"],
    )
    consent: SourceId | None = Field(
        None,
        description="The source whose token this one uses too. Both then share the allowed rate.",
    )
    requests_per_minute: int = Field(
        240,
        ge=4,
        le=1_000_000,
        description="How many requests a minute are made at most. The vendor publishes no number: ask for the firm's.",
        examples=[240],
    )
    details: Annotated[tuple[Part, ...], Listed] = Field(
        _PARTS,
        description="What is asked for of each document besides profile and versions, by one request each.",
        examples=[["acl", "links", "attachments"]],
    )
    queries: NetDocumentsQueries = Field(
        default_factory=NetDocumentsQueries, description="How rows are searched for."
    )
    overlap: Duration = Field(
        timedelta(minutes=15),
        ge=timedelta(0),
        le=timedelta(days=7),
        description="How far a question for changes reaches back behind the last one.",
    )
    full_compare: Duration = Field(
        timedelta(days=28),
        ge=timedelta(hours=1),
        le=timedelta(days=180),
        description="In how long the details of every item are asked for once, a share each day: rights, filing and links"
        " may change without the date of change.",
    )
    listing: Duration = Field(
        timedelta(hours=10),
        ge=timedelta(minutes=1),
        le=timedelta(days=7),
        description="How long one run asks for details; the rest is left for the next run, and this one is incomplete.",
    )
    ca: Annotated[FilePath, AfterValidator(absolute)] | None = Field(
        None,
        description="File with the certificate authority of a proxy that opens TLS (PEM).",
        examples=["/etc/ssl/certs/proxy.pem"],
    )

    restore: NetDocumentsRestore | None = Field(
        None,
        description="The application with which documents are written back, where the firm wants that.",
    )

    @model_validator(mode="after")
    def _two_applications(self) -> NetDocumentsOptions:
        if self.restore is not None and self.restore.client_id == self.client_id:
            raise ValueError(
                "names in `restore` the application of the backup; register another one, which may write"
            )
        return self

    @model_validator(mode="after")
    def _each_part_once(self) -> NetDocumentsOptions:
        if len(set(self.details)) != len(self.details):
            raise ValueError("names one of `details` twice; name each once")
        return self
