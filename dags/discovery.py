"""Airflow DAGs: `<firm>__discovery`, twice a day: what vendors list and no row of the inventory covers."""

from muniment.airflow.factory import discovery_dags

globals().update(discovery_dags())
