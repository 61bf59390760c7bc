"""Airflow DAGs: `<firm>__configuration`, there only while a firm's documents are wrong; it says where."""

from muniment.airflow.factory import configuration_dags

globals().update(configuration_dags())
