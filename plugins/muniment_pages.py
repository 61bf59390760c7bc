"""Airflow plugin: the pages of Muniment inside Airflow, behind its login."""

from airflow.plugins_manager import AirflowPlugin

from muniment.airflow.pages import EXTERNAL_VIEWS, FASTAPI_APPS


class MunimentPages(AirflowPlugin):
    name = "muniment_pages"
    fastapi_apps = FASTAPI_APPS
    external_views = EXTERNAL_VIEWS
