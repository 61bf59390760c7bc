"""What the vendor's objects look like: their fields, and what may be asked of them."""

from __future__ import annotations

from tests.simulators.clio.tables import files, money, schemas_a_to_k, schemas_l_to_z, work
from tests.simulators.clio.tables.notation import Field, Resource, Schema, resources, schemas

SCHEMAS: dict[str, Schema] = schemas(schemas_a_to_k.SCHEMAS + schemas_l_to_z.SCHEMAS)
RESOURCES: dict[str, Resource] = resources(work.RESOURCES + money.RESOURCES + files.RESOURCES)

# Where the objects of a kind are kept: for kinds that are a nested object elsewhere.
HOMES: dict[str, str] = {
    resource.schema: name
    for name, resource in RESOURCES.items()
    if name not in ("court_rules/matter_dockets/preview", "billable_matters/ids", "users/who_am_i")
} | {
    "LinkedFolder": "folders",
    "DocumentVersion": "document_versions",
    "ClioCreator": "users",
    "Activity_Task": "tasks",
    "Activity_CalendarEntry": "calendar_entries",
    "JurisdictionsToTrigger": "court_rules/triggers",
    "BankTransfer": "bank_transfers",
    "MedicalBill": "medical_bills",
    "MedicalRecord": "medical_records",
    "Event": "events",
}

__all__ = ["HOMES", "RESOURCES", "SCHEMAS", "Field", "Resource", "Schema"]
