"""Hooks: one for each connection type, so that Airflow's forms and pages know them.

They hand over the connection and nothing else: what a vendor wants to hear is `muniment.sources`'
business, which takes plain values and knows no Airflow.
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


class ClioHook(_SettingsHook):
    """A Clio Manage application."""

    conn_type = "clio"
    hook_name = "Muniment: Clio Manage"


class NetDocumentsHook(_SettingsHook):
    """A NetDocuments application."""

    conn_type = "netdocuments"
    hook_name = "Muniment: NetDocuments"


class Microsoft365Hook(_SettingsHook):
    """An application registered in a Microsoft 365 tenant."""

    conn_type = "m365"
    hook_name = "Muniment: Microsoft 365"
