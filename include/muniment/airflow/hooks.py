"""Hooks: one for each connection type, so that Airflow's forms and pages know them.

They hand over the connection and nothing else: what a vendor wants to hear is `muniment.sources`'
business, which takes plain values and knows no Airflow. Where a vendor is backed up already, the button Test
asks it.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseHook


class _SettingsHook(BaseHook):
    conn_name_attr = "connection_id"
    conn_type = ""
    hook_name = ""

    def __init__(self, connection_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.connection_id = connection_id

    def get_conn(self) -> Any:
        """The Airflow connection. Raises AirflowNotFoundException."""
        return self.get_connection(self.connection_id)


class FilesHook(_SettingsHook):
    """A file share."""

    conn_type = "muniment_files"
    hook_name = "Muniment: file share"

    def test_connection(self) -> tuple[bool, str]:
        """What the button Test answers: does the server let this account into the share, and is it Samba?"""
        # Airflow imports hooks to list them.
        from muniment.airflow.smb_login import smb_login_of
        from muniment.clock import SystemClock
        from muniment.errors import MunimentError
        from muniment.sources.smb.place import PORT, Account, Place
        from muniment.sources.smb.source import ONCE, SmbSource

        try:
            found = self.get_conn()
            login = smb_login_of(found, self.connection_id)
            given = {
                "server": found.host, "share": found.schema, "user": login.user, "password": login.password,
            }  # fmt: skip
            missing = [name for name, value in given.items() if not value]
            if missing:
                return False, f"Missing: {', '.join(missing)}."
            place = Place(found.host.strip(), found.schema.strip(), "", login.port or PORT)
            account = Account(login.user, login.password, login.domain)
            source = SmbSource("SOURCE", place, account, ONCE, SystemClock())
            try:
                facts = source.probe().facts
            finally:
                source.close()
        except MunimentError as error:
            return False, f"[{error.code}] {error.what}. {error.todo}"
        writes = " It may also write there, which a backup does not need." if "could_write" in facts else ""  # fmt: skip
        return (
            True,
            f"The server lets this account into the share ({facts['dialect']}, encrypted).{writes}",
        )


class ClioHook(_SettingsHook):
    """A Clio Manage application."""

    conn_type = "clio"
    hook_name = "Muniment: Clio Manage"

    def test_connection(self) -> tuple[bool, str]:
        """What the button Test answers: does Clio know this application in this region? No consent is needed."""
        # Airflow imports hooks to list them.
        from muniment.airflow.stores import login_of
        from muniment.clock import SystemClock
        from muniment.errors import MunimentError
        from muniment.sources.clio.oauth import OAuth
        from muniment.sources.web.oauth import Application

        try:
            login = login_of(self.get_conn(), self.connection_id)
            if not login.client_id or not login.client_secret:
                missing = "secret" if login.client_id else "key"
                return False, f"The app {missing} is missing: it stands on Clio's developer page."
            application = Application(login.client_id, login.client_secret)
            OAuth(login.place, application, SystemClock(), "SOURCE").prove()
        except MunimentError as error:
            return False, f"[{error.code}] {error.what}. {error.todo}"
        return True, (
            f"Clio knows this application in the region `{login.place.region}`. Consent of the backup user is given"
            " on a worker: `muniment consent SOURCE`."
        )


class NetDocumentsHook(_SettingsHook):
    """A NetDocuments application."""

    conn_type = "netdocuments"
    hook_name = "Muniment: NetDocuments"

    def test_connection(self) -> tuple[bool, str]:
        """What the button Test answers: does the application get in, and does its service account see a cabinet?"""
        import tempfile
        from pathlib import Path

        from muniment.airflow.stores import netdocuments_login_of
        from muniment.clock import SystemClock
        from muniment.errors import MunimentError
        from muniment.sources.netdocuments.client import SCOPE, connect, oauth_of
        from muniment.sources.netdocuments.place import place_of
        from muniment.sources.netdocuments.standing import identify
        from muniment.sources.web.oauth import Application
        from muniment.sources.web.tokens import HeldTokens

        try:
            login = netdocuments_login_of(self.get_conn(), self.connection_id)
            given = {
                "API address": login.api, "client id": login.client_id, "client secret": login.client_secret,
                "repository id": login.repository,
            }  # fmt: skip
            missing = [name for name, value in given.items() if not value]
            if missing:
                return False, f"Missing: {', '.join(missing)}."
            clock, place = SystemClock(), place_of(login.api, "", login.ca)
            application = Application(login.client_id, login.client_secret)
            oauth = oauth_of(place, application, clock, "SOURCE", SCOPE, login.repository)
            with tempfile.TemporaryDirectory() as state:
                client = connect(
                    place, oauth, HeldTokens(), Path(state), clock, source_id="SOURCE", account="test",
                    repository=login.repository, cabinets=login.cabinets,
                )  # fmt: skip
                found = identify(client.reader, login.repository, login.cabinets)
        except MunimentError as error:
            return False, f"[{error.code}] {error.what}. {error.todo}"
        return True, (
            f"NetDocuments lets this application into {found.repository}, and its service account sees"
            f" {len(found.cabinets)} cabinets. Whether it administers them, a backup looks at its beginning."
        )


class Microsoft365Hook(_SettingsHook):
    """An application registered in a Microsoft 365 tenant."""

    conn_type = "m365"
    hook_name = "Muniment: Microsoft 365"

    def test_connection(self) -> tuple[bool, str]:
        """What the button Test answers: does Entra know this application in this tenant, and what may it do?"""
        from muniment.airflow.stores import m365_login_of
        from muniment.errors import MunimentError
        from muniment.wiring_m365 import rights_by_login

        try:
            login = m365_login_of(self.get_conn(), self.connection_id)
            if not login.tenant or not login.client_id:
                missing = "client id" if login.tenant else "tenant id"
                return False, f"The {missing} is missing: it stands in Entra, App registrations."
            rights = rights_by_login(login)
        except MunimentError as error:
            return False, f"[{error.code}] {error.what}. {error.todo}"
        missing = f" It lacks {', '.join(rights.missing)}." if rights.missing else ""
        writes = f" It could write ({', '.join(rights.writing)})." if rights.writing else ""
        return not rights.missing, f"Entra knows this application.{missing}{writes}"


class MariaDbHook(_SettingsHook):
    """A server of MariaDB or MySQL."""

    conn_type = "muniment_mariadb"
    hook_name = "Muniment: MariaDB or MySQL server"

    def test_connection(self) -> tuple[bool, str]:
        """What the button Test answers: does the server let this user in, over TLS, and what is it?"""
        # Airflow imports hooks to list them.
        from pathlib import Path

        import pymysql

        from muniment.airflow.database_login import database_login_of
        from muniment.errors import MunimentError
        from muniment.sources.databases.access import Access, Tls
        from muniment.sources.databases.mariadb_server import connect, make_of

        try:
            found = self.get_conn()
            login = database_login_of(found, self.connection_id, "mariadb")
            ca = str(found.extra_dejson.get("ca") or "").strip()
            access = Access(
                login.host, login.port, login.user, login.password,
                Tls.VERIFY if ca else Tls.ENCRYPT, Path(ca) if ca else None,
            )  # fmt: skip
            with connect(access) as connection:
                return True, f"{make_of(connection).text} lets this user in."
        except MunimentError as error:
            return False, f"[{error.code}] {error.what}. {error.todo}"
        except (pymysql.err.MySQLError, OSError, ValueError) as error:
            return False, f"The server does not let this user in: {type(error).__name__}."


class SqlServerHook(_SettingsHook):
    """A SQL Server."""

    conn_type = "muniment_sql_server"
    hook_name = "Muniment: SQL Server"

    def test_connection(self) -> tuple[bool, str]:
        """What the button Test answers: does the server let this user in, over TLS, and what is it?"""
        # Airflow imports hooks to list them.
        from contextlib import closing
        from pathlib import Path

        import pymssql

        from muniment.airflow.database_login import database_login_of
        from muniment.errors import MunimentError
        from muniment.sources.databases.access import Access, Tls
        from muniment.sources.databases.sqlserver_server import connect, version_of

        try:
            found = self.get_conn()
            login = database_login_of(found, self.connection_id, "sql-server")
            ca = str(found.extra_dejson.get("ca") or "").strip()
            access = Access(
                login.host, login.port, login.user, login.password,
                Tls.VERIFY if ca else Tls.ENCRYPT, Path(ca) if ca else None,
            )  # fmt: skip
            with closing(connect(access)) as connection:
                return True, f"{version_of(connection)} lets this user in."
        except MunimentError as error:
            return False, f"[{error.code}] {error.what}. {error.todo}"
        except (pymssql.Error, OSError, ValueError) as error:
            return False, f"The server does not let this user in: {type(error).__name__}."
