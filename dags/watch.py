"""Airflow DAGs: `<firm>__watch`, every 30 minutes: what is wrong, who was told, and a sign of life."""

from muniment.airflow.factory import watch_dags

globals().update(watch_dags())
