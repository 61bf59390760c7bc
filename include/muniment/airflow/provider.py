"""The `apache_airflow_provider` entry point: connection types with a form of their own.

Imported by every Airflow process at its start, hence plain data and no import. Which fields a system
needs follows its vendor: a Clio application is regional, a NetDocuments one is bound to a repository,
a Microsoft 365 one to a tenant. Passwords stand in Airflow's `password` (encrypted, or in a secrets
backend), never in `extra`, which Airflow shows to whoever may read connections.
"""

from __future__ import annotations

from typing import Any

PACKAGE = "muniment"
_HOOKS = "muniment.airflow.hooks"

_TEXT = {"type": ["string", "null"]}

_FILES: dict[str, Any] = {
    "connection-type": "muniment_files",
    "hook-class-name": f"{_HOOKS}.FilesHook",
    "hook-name": "Muniment: file share",
    "ui-field-behaviour": {
        "hidden-fields": [],
        "relabeling": {
            "host": "Server",
            "schema": "Share",
            "login": "User",
            "password": "Password",
        },
        "placeholders": {
            "host": "fileserver.firm.example",
            "schema": "Matters",
            "login": "backup-reader",
            "port": "445",
        },
    },
    "conn-fields": {
        "domain": {
            "label": "Domain",
            "description": "The Windows domain of the user, if the server asks for one.",
            "schema": _TEXT,
        },
        "folder": {
            "label": "Mounted at",
            "description": "Where the workers see the share, when it is mounted by the system.",
            "schema": {**_TEXT, "pattern": "^(/.*)?$"},
        },
    },
}

_CLIO: dict[str, Any] = {
    "connection-type": "clio",
    "hook-class-name": f"{_HOOKS}.ClioHook",
    "hook-name": "Muniment: Clio Manage",
    "ui-field-behaviour": {
        # Airflow 3.3.2 refuses to test a stored connection without a port ("Bad Request"): its list sends 0 for none.
        "hidden-fields": ["host", "schema"],
        "relabeling": {"login": "App key", "password": "App secret"},
        "placeholders": {"login": "from the developer page of Clio", "port": "443"},
    },
    "conn-fields": {
        "region": {
            "label": "Region",
            "description": "Where the firm's account lives; the app is registered in the same region.",
            "schema": {"type": "string", "enum": ["us", "ca", "eu", "au"], "default": "us"},
        },
        "ca": {
            "label": "Certificate authority",
            "description": "Only where a proxy of the firm opens TLS: the file with its authority (PEM), on "
            "workers and API server.",
            "schema": {**_TEXT, "pattern": "^(/.*)?$"},
        },
    },
}

_NETDOCUMENTS: dict[str, Any] = {
    "connection-type": "netdocuments",
    "hook-class-name": f"{_HOOKS}.NetDocumentsHook",
    "hook-name": "Muniment: NetDocuments",
    "ui-field-behaviour": {
        # The port for the same reason as Clio's.
        "hidden-fields": ["schema"],
        "relabeling": {"host": "API address", "login": "Client id", "password": "Client secret"},
        "placeholders": {
            "host": "https://api.vault.netvoyage.com",
            "login": "AP-XXXXXXXX",
            "port": "443",
        },
    },
    "conn-fields": {
        "repository_id": {
            "label": "Repository id",
            "description": "The firm's repository; begins with CA-.",
            "schema": {"type": "string", "pattern": "^(CA-.*)?$"},
        },
        "cabinets": {
            "label": "Cabinets",
            "description": "Cabinet ids (NG-...), separated by commas. Empty: every cabinet that the "
            "application sees.",
            "schema": _TEXT,
        },
        "ca": {
            "label": "Certificate authority",
            "description": "Only where a proxy of the firm opens TLS: the file with its authority (PEM), on "
            "workers and API server.",
            "schema": {**_TEXT, "pattern": "^(/.*)?$"},
        },
    },
}

_M365: dict[str, Any] = {
    "connection-type": "m365",
    "hook-class-name": f"{_HOOKS}.Microsoft365Hook",
    "hook-name": "Muniment: Microsoft 365",
    "ui-field-behaviour": {
        # The port stays for the button Test; see Clio's.
        "hidden-fields": ["host", "schema"],
        "relabeling": {"login": "Application (client) id", "password": "Client secret"},
        "placeholders": {
            "port": "443",
            "login": "00000000-0000-0000-0000-000000000000",
            "password": "empty when a certificate is used",
        },
    },
    "conn-fields": {
        "tenant_id": {
            "label": "Tenant id",
            "description": "Directory (tenant) id of the firm.",
            "schema": {"type": "string"},
        },
        "certificate": {
            "label": "Certificate file",
            "description": "PEM file with key and certificate on the worker (mode 0600), in place "
            "of a client secret.",
            "schema": {**_TEXT, "pattern": "^(/.*)?$"},
        },
        "cloud": {
            "label": "Cloud",
            "description": "Which Microsoft cloud the tenant lives in.",
            "schema": {
                "type": "string",
                "enum": ["global", "usgov", "usgov-dod", "china"],
                "default": "global",
            },
        },
    },
}

_MARIADB: dict[str, Any] = {
    "connection-type": "muniment_mariadb",
    "hook-class-name": f"{_HOOKS}.MariaDbHook",
    "hook-name": "Muniment: MariaDB or MySQL server",
    "ui-field-behaviour": {
        "hidden-fields": ["schema"],
        "relabeling": {"host": "Server", "login": "User", "password": "Password"},
        "placeholders": {"host": "db.firm.example", "port": "3306", "login": "muniment"},
    },
    "conn-fields": {
        "ca": {
            "label": "Certificate authority",
            "description": "File with the authority of the server's certificate (PEM), for the button Test; a backup "
            "takes `tls` and `ca` from firm.yaml.",
            "schema": {**_TEXT, "pattern": "^(/.*)?$"},
        },
    },
}

_SQL_SERVER: dict[str, Any] = {
    **_MARIADB,
    "connection-type": "muniment_sql_server",
    "hook-class-name": f"{_HOOKS}.SqlServerHook",
    "hook-name": "Muniment: SQL Server",
    "ui-field-behaviour": {
        **_MARIADB["ui-field-behaviour"],
        "placeholders": {"host": "sql.firm.example", "port": "1433", "login": "muniment"},
    },
}


def provider_info() -> dict[str, Any]:
    """What Airflow's providers manager reads; the form of `provider.yaml` of Airflow 3.3."""
    return {
        "package-name": PACKAGE,
        "name": "Muniment",
        "description": "Backup and recovery that a law firm can prove.",
        "connection-types": [_FILES, _CLIO, _NETDOCUMENTS, _M365, _MARIADB, _SQL_SERVER],
    }
