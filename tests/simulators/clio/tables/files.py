"""Documents, folders and reports. resources.yaml: resources; for the notation see `tables.notation.resources`."""

from __future__ import annotations

RESOURCES = """
reports Report LSC
    filters: category created_before ids[] kind output_format query source state
    create: client end_date format* kind* matter originating_attorney practice_area
        responsible_attorney start_date user year
report_presets ReportPreset LSCUD
    order: id created_at last_generated_at last_modified_at name next_scheduled_date
    filters: category has_schedule ids[] output_format query schedule_frequency
    create: format* kind* name* options*
    update: same
report_schedules ReportSchedule LSCUD
    filters: ids[]
    create: day_of_month days_of_week effective_from every_no_of_months frequency*
        report_preset_id* time_of_day* time_zone*
    update: same
comments Comment LSCUD
    filters: item_id
    create: item* message*
    update: same
document_archives DocumentArchive SC unpaged no-since
    create: items*
documents Document LSCUD
    order: created_at document_number id name received_at updated_at
    filters: contact_id document_category_id external_property_name external_property_value
        ids[] include_deleted locked matter_id parent_id query scope show_uncompleted
    create: communication_id content_type document_category external_properties filename
        multiparts name* parent* received_at
    update: communication_id copy_version document_category external_properties
        fully_uploaded multiparts name parent received_at restore uuid
document_automations DocumentAutomation LSC
    order: id
    filters: ids[]
    create: document_template* filename* formats* matter*
document_categories DocumentCategory LSCUD
    order: id name
    filters: ids[] query
    create: name*
    update: same
document_templates DocumentTemplate LSCUD
    order: id filename category.name last_modified last_modified_by.name
    filters: ids[]
    create: document_category file* filename
    update: same
folders/list Item L
    order: id document_number name updated_at created_at received_at
    filters: contact_id document_category_id external_property_name external_property_value
        ids[] include_deleted matter_id parent_id query scope show_uncompleted
folders Folder LSCUD
    order: id name updated_at
    filters: contact_id document_category_id external_property_name external_property_value
        ids[] include_deleted matter_id parent_id query scope
    create: document_category external_properties name* parent* restore
    update: same
"""
