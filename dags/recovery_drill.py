"""Airflow DAGs: `<firm>__recovery_drill`, quarterly: a matter comes back on an empty folder, timed and looked at.

draw_matter -> prepare_sandbox -> restore -> verify -> record_elapsed -> partner_review -> wipe_sandbox
"""

from muniment.airflow.factory import drill_dags

globals().update(drill_dags())
