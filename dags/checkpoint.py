"""Airflow DAGs: `<firm>__checkpoint`, daily: the newest snapshots, signed, and a mark to keep outside."""

from muniment.airflow.factory import checkpoint_dags

globals().update(checkpoint_dags())
