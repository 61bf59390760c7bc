"""The work of the firm: contacts, matters, notes, tasks, calendars, and the firm's own lists.

resources.yaml: resources. The notation is read by `tables.notation.resources`: a line names the path, the
schema and the operations (List, Show, Create, Update, Delete); a star marks what is required.
"""

from __future__ import annotations

RESOURCES = """
calendar_entries CalendarEntry LSCUD
    filters: calendar_id expanded external_property_name external_property_value from
        has_court_rule ids[] is_all_day matter_id owner_entries_across_all_users query
        source to visible
    create: _deleted all_day attendees calendar_entry_event_type calendar_owner*
        conference_meeting description end_at* external_properties location matter
        recurrence_rule send_email_notification start_at* summary*
    update: same
calendar_entry_event_types CalendarEntryEventType LSCUD
    filters: ids[]
    create: color* name*
    update: same
calendars Calendar LSCUD
    order: name id
    filters: filter_inactive_users ids[] owner source type visible writeable
    create: color name* source visible
    update: same
clio_file/submissions_reports ClioFileSubmissionsReport L
    order: id submitted_date
    filters: ids[] submitted_after submitted_before
communications Communication LSCUD default=date
    order: id date received_at matter
    filters: contact_id date external_property_name external_property_value
        having_time_entries ids[] matter_id query received_at received_before received_since
        type user_id
    create: body* external_properties matter notification_event_subscribers received_at*
        receivers senders subject* type*
    update: same
contacts Contact LSCUD
    order: id name shared_at
    filters: client_only clio_connect_only custom_field_ids[] custom_field_values email_only
        exclude_ids[] ids[] initial query shared_resource_id type
    create: addresses avatar clio_connect_email co_counsel_rate company currency
        custom_field_set_associations custom_field_values date_of_birth email_addresses
        first_name instant_messengers kyc_field_values last_name ledes_client_id middle_name
        name* phone_numbers prefix sales_tax_number title type* web_sites
    update: same
conversation_messages ConversationMessage LSC
    order: id
    filters: conversation_id* ids[] query
    create: attachment body* conversation matter receivers* subject*
conversations Conversation LSU
    order: id last_message_id matter_id
    filters: archived contact_id date for_user ids[] matter_id read_status time_entries
    update: archived matter read
court_rules/jurisdictions Jurisdiction LS
    order: description id
    filters: for_current_account ids[] query
court_rules/matter_dockets/preview CalendarEntry L unpaged no-since
    filters: event_prefix jurisdiction[id]* service_type[id]* start_date* start_time*
        trigger[id]*
court_rules/matter_dockets MatterDocket LSCD
    order: id date
    filters: ids[] matter_id matter_status query service_type_id status
    create: jurisdiction* name* start_date* start_time trigger*
court_rules/service_types ServiceType LS
    order: description id
    filters: ids[]
custom_fields CustomField LSCUD
    order: id name display_order
    filters: deleted field_type ids[] parent_type query visible_and_required
    create: display_order displayed field_type* name* parent_type* picklist_options required
    update: display_order displayed name picklist_options required
custom_field_sets CustomFieldSet LSCUD
    order: name id parent_type
    filters: displayed ids[] parent_type query
    create: custom_field_ids displayed name* parent_type
    update: same
custom_actions CustomAction LSCUD
    filters: ids[]
    create: label* target_url* ui_reference*
    update: same
damages Damage LSCUD
    filters: ids[]
    create: amount* damage_type* description* matter_id*
    update: amount damage_type description
groups Group LSCUD
    order: id name
    filters: archived ids[] name query type user_id
    create: name
    update: same
internal_notifications/event_metrics EventMetrics L unpaged no-since
internal_notifications/my_events MyEvent LUD no-since
    update: marked_as_read
log_entries LogEntry L
    order: id accessed_at
    filters: ids[]
matters Matter LSCUD
    order: display_number custom_number id client.name clients open_date practice_area.name
        matter_stage.name responsible_attorney.name close_date pending_date updated_at
        created_at statute_of_limitations.due_at originating_attorney.name grants
        matter_stage_updated_at
    filters: billable client_id close_date[] currency_id custom_field_ids[]
        custom_field_values grant_id group_id ids[] notification_event_subscriber_user_id
        open_date[] originating_attorney_id pending_date[] practice_area_id query
        responsible_attorney_id responsible_staff_id status subscriber_user_id
    create: billable client* client_reference close_date currency
        custom_field_set_associations custom_field_values custom_rate description*
        display_number evergreen_retainer group kyc_field_values location matter_budget
        matter_stage open_date originating_attorney pending_date practice_area relationships
        reset_matter_number responsible_attorney responsible_staff split_invoice_payers
        status statute_of_limitations task_template_list_instances
    update: same
matter_stages MatterStage L
    filters: ids[] practice_area_id
medical_records_details MedicalRecordsRequest LSCUD
    filters: ids[] treatment_end_date treatment_start_date
    create: bills_follow_up_date bills_request_date bills_status* description in_treatment*
        matter_id* medical_bills medical_provider_id* medical_records records_follow_up_date
        records_request_date records_status* treatment_end_date treatment_start_date
    update: bills_follow_up_date bills_request_date bills_status description in_treatment
        medical_bills medical_provider_id medical_records records_follow_up_date
        records_request_date records_status treatment_end_date treatment_start_date
notes Note LSCUD
    order: id date author updated_at
    filters: contact_id has_time_entries ids[] matter_id query type*
    create: contact* date detail detail_text_type matter* notification_event_subscribers
        subject type*
    update: date detail detail_text_type notification_event_subscribers subject
practice_areas PracticeArea LSCUD
    order: id name category code
    filters: code ids[] matter_id name
    create: category code name*
    update: same
relationships Relationship LSCUD
    filters: contact_id ids[] matter_id
    create: contact description matter
    update: same
reminders Reminder LSCUD
    order: next_delivery_at id
    filters: ids[] notification_method_id state subject_id subject_type user_id
    create: duration_unit duration_value notification_method* subject*
    update: duration_unit duration_value notification_method
settings/text_snippets TextSnippet LSCUD
    order: id snippet phrase whole_word
    filters: ids[] query
    create: phrase* snippet* whole_word
    update: same
tasks Task LSCUD
    order: name task_type.name id priority matter.display_number due_at due_at_strict
        completed_at
    filters: assignee_id assignee_type assigner_id cascading_source_id client_id complete
        due_at_from due_at_present due_at_to ids[] matter_id permission priority query
        responsible_attorney_id status statuses[] statute_of_limitations task_type_id
        time_entries_present
    create: assignee* cascading cascading_offset cascading_offset_polarity
        cascading_offset_type cascading_source description* description_text_type due_at
        matter name* notify_assignee notify_completion permission priority status
        statute_of_limitations task_type time_estimated
    update: assignee cascading cascading_offset cascading_offset_polarity
        cascading_offset_type cascading_source description description_text_type due_at
        matter name notify_assignee notify_completion permission priority status task_type
        time_estimated
task_calendars CalendarVisibility LSU
    filters: ids[]
    update: color visible
task_templates TaskTemplate LSCUD
    order: assignee.name days_from_assignment id name permission priority
    filters: ids[] priority query task_template_list_id
    create: cascading cascading_offset cascading_offset_polarity cascading_offset_type
        cascading_source description description_text_type name* priority private
        reminder_templates task_template_list
    update: cascading cascading_offset cascading_offset_polarity cascading_offset_type
        cascading_source description description_text_type name priority private
        reminder_templates
task_template_lists TaskTemplateList LSCUD
    order: id name practice_area.name
    filters: empty ids[] practice_area_id query
    create: description* name* practice_area
    update: same
task_types TaskType LSCU
    order: name id
    filters: enabled ids[] name query
    create: deleted_at name*
    update: same
users/who_am_i User L unpaged no-since
users User LS limit=2000
    order: enabled id name first_name last_name initials subscription_type
    filters: enabled ids[] include_co_counsel name pending_setup role subscription_type
webhooks Webhook LSCUD
    order: id
    filters: ids[]
    create: events expires_at fields* model* url*
    update: same
"""
