"""Place: where the demonstration keeps everything, all below one folder that may be deleted."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

FIRM_ID = "harrow"
SOURCE = "file-server"
CLIO = "clio"
TRUST = "trust-books"
TENANT = "m365"
NETDOCS = "netdocuments"
DATABASE = "practice-database"
OLD_MAIL = "old-mail"
SOURCES = (SOURCE, CLIO, TRUST, TENANT, NETDOCS, DATABASE, OLD_MAIL)
BUCKET = "harrow-vault"


@dataclass(frozen=True, slots=True)
class Place:
    """`home` is `.demo` in the checkout; `repository` is the checkout."""

    home: Path
    repository: Path

    @property
    def share(self) -> Path:
        """The example firm's file share: the source."""
        return self.home / "share"

    @property
    def truth(self) -> Path:
        return self.home / "truth"

    @property
    def firms(self) -> Path:
        return self.home / "firms"

    @property
    def firm(self) -> Path:
        return self.firms / FIRM_ID

    @property
    def keys(self) -> Path:
        return self.home / "keys"

    @property
    def staging(self) -> Path:
        return self.home / "staging"

    @property
    def restores(self) -> Path:
        return self.home / "restores"

    @property
    def opened(self) -> Path:
        """What was delivered, unsealed with the key of the person for whom it was."""
        return self.home / "opened"

    @property
    def store(self) -> Path:
        """The vault, where there is no S3 server."""
        return self.home / "store"

    @property
    def s3(self) -> Path:
        return self.home / "s3"

    @property
    def mail(self) -> Path:
        """The firm's mail server, and below it `mails/`: what it took."""
        return self.home / "mail"

    @property
    def clio(self) -> Path:
        """The vendor's side of the firm's Clio account."""
        return self.home / "clio"

    @property
    def tenant(self) -> Path:
        """Microsoft's side of the firm's tenant."""
        return self.home / "m365"

    @property
    def netdocs(self) -> Path:
        """The vendor's side of the firm's NetDocuments repository."""
        return self.home / "netdocuments"

    @property
    def state(self) -> Path:
        """The firm's side of all three: the sealed consent, the counts of requests."""
        return self.home / "state"

    @property
    def old_mail(self) -> Path:
        """The share with the mails of closed matters."""
        return self.home / "old-mail"

    @property
    def practice(self) -> Path:
        """The server of the firm's practice database."""
        return self.home / "practice"

    @property
    def postgres(self) -> Path:
        return self.home / "postgres"

    @property
    def airflow(self) -> Path:
        return self.home / "airflow"

    def clear(self) -> None:
        """Removes everything of an earlier demonstration; its servers must be stopped."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True, mode=0o700)


def here() -> Place:
    repository = Path(__file__).resolve().parents[1]
    return Place(repository / ".demo", repository)
