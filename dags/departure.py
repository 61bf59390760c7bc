"""Airflow DAGs: `<firm>__departure`, by hand, with a form: everything of somebody who leaves, backed up, proven, certified.

inventory_user -> confirm -> full_backup -> verify -> certify -> sign_off -> wipe_sandbox
"""

from muniment.airflow.factory import departure_dags

globals().update(departure_dags())
