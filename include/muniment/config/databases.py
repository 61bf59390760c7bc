"""DatabaseOptions: how a source that is a database server is reached, and what of it is dumped.

Invariants: no secret stands here, only where it is kept; what a restore may write into is a server of its own.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from muniment.config.reached import SecretReference
from muniment.config.schema import AfterValidator, Field
from muniment.config.values import Duration, FilePath, Listed, Model, Text, absolute

Protection = Literal["verify", "encrypt", "off"]
_TLS = (
    "`verify` encrypts and looks whose certificate it is, `encrypt` only encrypts, `off` is for a server on the same"
    " machine."
)


class DatabaseServer(Model):
    """A database server and a user of it."""

    host: Text = Field(
        "",
        max_length=253,
        description="Name or address of the server, where no Airflow connection gives it.",
        examples=["db.firm.example"],
    )
    port: int | None = Field(
        None,
        ge=1,
        le=65_535,
        description="Its port, where it is not the usual one.",
        examples=[5432],
    )
    user: Text = Field(
        "",
        max_length=128,
        description="The user, where no Airflow connection gives it.",
        examples=["muniment"],
    )
    password: SecretReference | None = Field(
        None,
        description="Where the password is kept, where no Airflow connection gives it: an absolute path (mode 0600),"
        " `secret:<name>`, or `env:<VARIABLE>`. Never the password itself.",
        examples=["secret:practice-database"],
    )
    tls: Protection = Field("verify", description=_TLS)
    ca: Annotated[FilePath, AfterValidator(absolute)] | None = Field(
        None,
        description="File with the authority of the server's certificate (PEM), where it is not one of the system's.",
        examples=["/etc/muniment/example/database-ca.pem"],
    )
    tools: Annotated[FilePath, AfterValidator(absolute)] | None = Field(
        None,
        description="Folder of the vendor's own programs (`pg_dump`, `mariadb-dump`); the newest on this machine if left"
        " out.",
        examples=["/usr/lib/postgresql/17/bin"],
    )


class BackupShare(Model):
    """The folder in which a SQL Server and the worker meet."""

    server: Text = Field(
        min_length=1,
        description="The folder as the database server writes it.",
        examples=["\\\\files.firm.example\\sql-backups"],
    )
    worker: Annotated[FilePath, AfterValidator(absolute)] = Field(
        description="The same folder as this machine sees it.",
        examples=["/mnt/sql-backups"],
    )


class DatabaseOptions(DatabaseServer):
    """A database server; see docs/DATABASES.md."""

    databases: Annotated[tuple[Text, ...], Listed] = Field(
        (),
        description="Which databases are dumped; all of the server if left out. One that is named and missing makes the"
        " run incomplete.",
        examples=[["practice"]],
    )
    lock_wait: Duration = Field(
        timedelta(seconds=60),
        ge=timedelta(seconds=1),
        le=timedelta(hours=1),
        description="How long a dump waits for a table that somebody has locked, before it is a problem of the run.",
    )
    share: BackupShare | None = Field(
        None,
        description="For `sql-server`, and needed there: where the server writes its backups, and the worker takes them.",
    )
    restore: DatabaseServer | None = Field(
        None,
        description="The server that `muniment restore-database` restores into; never the one that is backed up.",
    )
