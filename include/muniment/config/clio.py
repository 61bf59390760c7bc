"""ClioOptions: how a source that is a Clio Manage account is reached and read.

Invariants: no secret stands here, only where it is kept; a host is reached by TLS; every number that the
vendor does not document is a setting with a sane default.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from muniment.config.reached import Address, Redirect, SecretReference
from muniment.config.schema import AfterValidator, Field, model_validator
from muniment.config.values import Duration, FilePath, Model, SourceId, Text, TimeZone, absolute


class ClioPeak(Model):
    """Hours of the working days in which Clio lets fewer requests through."""

    time_zone: TimeZone = Field(description="By whose clocks.", examples=["America/Los_Angeles"])
    first_hour: int = Field(ge=0, le=23, description="The hour in which they begin.", examples=[4])
    last_hour: int = Field(ge=1, le=24, description="The hour with which they end.", examples=[19])

    @model_validator(mode="after")
    def _in_order(self) -> ClioPeak:
        if self.first_hour >= self.last_hour:
            raise ValueError("ends before it begins; choose a last_hour after first_hour")
        return self


class ClioRestore(Model):
    """The application with which a matter is written back; another one than that of the backup, which only reads."""

    client_id: Text = Field(
        max_length=200,
        description="The key of the application that may write, from Clio's developer page.",
        examples=["Zr5pYfVtB1kLq0aWmXcUeN7sHdGj3oTi9RwQ2bEv"],
    )
    client_secret: SecretReference = Field(
        description="Where its secret is kept: an absolute path (mode 0600), `secret:<name>`, or"
        " `env:<VARIABLE>`. Only on the machine that restores, and never in an Airflow connection.",
        examples=["secret:clio-restore"],
    )
    state: Annotated[FilePath, AfterValidator(absolute)] | None = Field(
        None,
        description="Folder for its sealed consent and its count of requests; by default the account's `state`.",
        examples=["/var/lib/muniment/example-restore"],
    )


class ClioOptions(Model):
    """A Clio Manage account; see docs/CLIO.md."""

    state: Annotated[FilePath, AfterValidator(absolute)] = Field(
        description="Folder for the sealed consent and the count of requests, on a volume that all"
        " workers share. Without it consent has to be given again.",
        examples=["/var/lib/muniment/example-state"],
    )
    region: Literal["us", "ca", "eu", "au"] = Field(
        "us", description="Where the account lives; application and consent belong to it."
    )
    client_id: Text = Field(
        "",
        max_length=200,
        description="The application's key from Clio's developer page, where no Airflow connection"
        " gives it.",
        examples=["fzaXZvrLWZX747wQQRNuASeVCBxaXpJaPGDi7F96"],
    )
    client_secret: SecretReference | None = Field(
        None,
        description="Where the application's secret is kept, where no Airflow connection gives it: an"
        " absolute path (mode 0600), `secret:<name>`, or `env:<VARIABLE>`. Never the secret itself.",
        examples=["/etc/muniment/example/clio.secret"],
    )
    redirect_uri: Redirect = Field(
        "http://127.0.0.1:8917/clio",
        description="Where the browser goes after consent; it must stand on the developer page. At"
        " 127.0.0.1 `muniment consent` waits for it there.",
        examples=["http://127.0.0.1:8917/clio"],
    )
    consent: SourceId | None = Field(
        None,
        description="The source whose consent this one uses too. Both then share the allowed rate.",
        examples=["clio"],
    )
    api_version: str = Field(
        "4.0.13",
        pattern=r"\A4\.[0-9]{1,3}\.[0-9]{1,3}\Z",
        description="The version of the API that is asked for.",
        examples=["4.0.13"],
    )
    overlap: Duration = Field(
        timedelta(minutes=15),
        ge=timedelta(0),
        le=timedelta(days=7),
        description="How far a question for changes reaches back behind the last one.",
    )
    full_compare: Duration = Field(
        timedelta(days=7),
        ge=timedelta(hours=1),
        le=timedelta(days=31),
        description="After how long every row is read and compared, not only what changed.",
    )
    ledger_reports: bool = Field(
        True,
        description="For `clio-trust`: have Clio work out its own trust ledgers once a week, as independent"
        " evidence. They stay in the firm's list of reports; the application needs the right to write"
        " reports.",
    )
    first_load: Literal["any time", "off peak"] = Field(
        "any time",
        description="Whether files of a first load are read in Clio's busy hours too, in which it"
        " lets fewer requests through.",
    )
    peak: ClioPeak | None = Field(
        None, description="Clio's busy hours, where they are not those of the region."
    )
    restore: ClioRestore | None = Field(
        None,
        description="The application with which a matter is written back into Clio, and its consent; without it"
        " nothing is ever written.",
    )
    host: Address | None = Field(
        None,
        description="Another address than the region's, for tests.",
        examples=["https://localhost:8443"],
    )
    ca: Annotated[FilePath, AfterValidator(absolute)] | None = Field(
        None,
        description="File with the certificate authority of a proxy that opens TLS (PEM).",
        examples=["/etc/ssl/certs/proxy.pem"],
    )
