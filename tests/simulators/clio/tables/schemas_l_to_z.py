"""The objects of the API from L to Z, and their fields. resources.yaml: fields, nested_schemas.

The notation is read by `tables.notation.schemas`. ROW stands for id, etag, created_at and updated_at, KEY for
id and etag. Behind a field's name stands its kind: nothing for text, :i whole number, :n number, :b yes or no,
:d date, :t time, :l list, :o object; >X one object of kind X, *X several (both without further nesting), >>X
and **X the same with one level more; ~X an object that may also be asked for where nesting has ended.
"""

from __future__ import annotations

SCHEMAS = """
LegalAidUkActivity: activity_sub_category advocacy:i base_rate:n bolt_ons bolt_ons_summary
    court:i eligible_for_sqm:b expert:i form_of_civil_legal_service:i id:i is_custom_rate:b
    json_key region:i tax_exclusive:b uplift:n user_type:i
LegalAidUkBill: additional_travel_payment:b adjourned_hearing_fee advocacy_costs:n advice_time:i
    bill_type:i case_concluded:d case_stage_level:i cla_exemption_code cla_reference cmrh_oral:i
    cmrh_telephone:i cost_of_counsel costs_are_those_of:i court_location date_of_claim:d
    designated_accredited_representative:i detention_travel_and_waiting_costs
    disbursements_vat:n exceptional_case_funding_reference exemption_criteria_satisfied:i
    fee_code follow_on_work:i ho_interview:i ho_ucn:i id:i independent_medical_reports_claimed
    jr_form_filling maat_id meetings_attended:i mht_ref_no net_disbursements:n
    net_profit_costs:n niat_disbursement_prior_authority_number number_of_attendances:i
    outcome_for_the_client:i profit_costs_ex_vat:i prior_authority_reference
    representation_order_date:d stage_reached:i substantive_hearing:i travel_and_waiting_costs:n
    travel_time:i value_of_costs waiting_time:i
LegalAidUkContact: id:i disability:i disability_code ethnicity:i ethnicity_title
    financially_eligible:b gender:i gender_title national_insurance_number
LegalAidUkMatter: ROW access_point laa_office_number ait_hearing_centre:i
    attended_several_hearings_acting_for_multiple_clients:b bill_ho_ucn
    bill_number_of_attendances:i bill_outcome_for_the_client_code:i bill_stage_reached_code:i
    case_reference case_start_date:d category:i category_as_string certificate_effective_date:d
    certificate_expiration_date:d certificate_number certificate_scope certification_type:i
    change_of_solicitor:b client_equal_opportunity_monitoring client_type:i clr_start_date:d
    clr_total_profit_costs cost_limit counsel:i court:i court_id:i court_id_code
    delivery_location dscc_number duty_solicitor:b exceptional_case_funding_reference
    expense_limit fee_scheme:i first_conducting_solicitor:b irc_surgery legacy_case
    legal_representation_number lh_total_disbursements lh_start_date lh_total_profit_costs
    linked_matter_id:i local_authority_number maat_id matter_type:i matter_type_code
    matter_type_1:i matter_type_1_code matter_type_1_title matter_type_2:i matter_type_2_code
    matter_type_2_title matter_types_combined number_of_clients_seen_at_surgery:i
    number_of_clients:i party:i police_station post_transfer_clients_represented:i
    postal_application_accepted prior_authority_reference prison_id:i
    prison_law_prior_approval_number procurement_area region:i related_claims_number
    representation_order_date:d schedule_reference_number scheme_id session_type:i
    solicitor_type:i standard_fee_category:i
    surgery_clients_resulting_in_a_legal_help_matter_opened:i surgery_clients:i surgery_date:d
    transfer_date:d type_of_advice:i type_of_service ucn ufn undesignated_area_court:b
    user_type:i youth_court:b
Lien: ROW amount:n description lien_type mark_as_lien:b
LineItem: ROW type description date:d price:n taxable:b kind note secondary_taxable:b total:n
    tax:n secondary_tax:n sub_total:n quantity:n group_ordering:i bill>Bill activity>Activity
    matter>Matter user>User discount>Discount included_line_item_totals>LineItemTotals
LineItemTotals: quantity:n price:n discount_percent:n total:n sub_total:n
LinkedFolder: ROW deleted_at:t type locked:b name root:b
LogEntry: ROW type accessed_at:t item>PolymorphicObject user>User
Matter: ROW number:i display_number custom_number currency~Currency description status location
    client_reference client_id:i billable:b maildrop_address billing_method open_date:d
    close_date:d pending_date:d shared:b has_tasks:b last_activity_date:d
    matter_stage_updated_at:t client>Contact contingency_fee>ContingencyFee
    custom_rate>>MatterCustomRate evergreen_retainer>EvergreenRetainer folder>Folder group>Group
    matter_budget>MatterBudget matter_stage>MatterStage originating_attorney>User
    practice_area>PracticeArea responsible_attorney>User responsible_staff>User
    statute_of_limitations>Task user>User legal_aid_uk_matter>LegalAidUkMatter
    attorney_allocation>AttorneyAllocation account_balances*AccountBalance
    custom_field_values**CustomFieldValue
    custom_field_set_associations*CustomFieldSetAssociation
    matter_bill_recipients**MatterBillRecipient relationships*Relationship
    task_template_list_instances*TaskTemplateListInstace kyc_field_values*KycFieldValue
    split_invoice_payers*SplitInvoicePayer
MatterBalance: id:i amount:n
MatterBillRecipient: ROW recipient>Contact
MatterBudget: ROW budget:n include_expenses:b notification_threshold:i notify_users:b
MatterContacts: ROW contact_created_at:t contact_updated_at:t description first_name initials
    is_client:b last_name matter_id:i matter_number middle_name name prefix
    primary_email_address primary_phone_number relationship_name secondary_email_address
    secondary_phone_number title type client_connect_user_id:i avatar>Avatar company>Contact
    primary_address>Address primary_web_site>WebSite secondary_address>Address
    secondary_web_site>WebSite addresses*Address custom_field_values*CustomFieldValue
    email_addresses*EmailAddress phone_numbers*PhoneNumber web_sites*WebSite
    relationship>Relationship
MatterCustomRate: type on_invoice:b rates**PolymorphicCustomRate
MatterDocket: ROW name start_date:d start_time:t status deleted_at:t matter>Matter
    jurisdiction>Jurisdiction trigger>JurisdictionsToTrigger service_type>ServiceType
    calendar_entries*CalendarEntry
MatterStage: ROW practice_area_id name order:i
MedicalBill: ROW adjustment:n amount:n bill_date:d bill_received_date:d damage_type
    document_id:i name matter>Matter liens*Lien
MedicalRecord: ROW document_id:i end_date:t start_date:t matter>Matter
MedicalRecordsRequest: ROW bills_follow_up_date:t bills_request_date:t bills_status description
    in_treatment:b records_follow_up_date:t records_request_date:t records_status
    treatment_end_date:t treatment_start_date:t matter>Matter medical_provider>Contact
    medical_bills*MedicalBill medical_records*MedicalRecord
Multipart: part_number:i put_url put_headers*MultipartHeader
MultipartHeader: name value
MyEvent: event>Event
Note: ROW type subject detail detail_text_type date:d time_entries_count:i matter>Matter
    contact>Contact author>User time_entries*Activity
    notification_event_subscribers*NotificationEventSubscriber
NotificationEventSubscriber: ROW user_id:i name
NotificationMethod: ROW type email_address is_default_email_address:b
OutstandingClientBalance: ROW associated_matter_ids:l last_payment_date:d last_shared_date:d
    newest_issued_bill_due_date:d pending_payments_total:n reminders_enabled:b
    total_outstanding_balance:n outstanding_bills*Bill contact>Contact currency>Currency
Participant: ROW type identifier secondary_identifier enabled:b name initials job_title_name
    avatar>Avatar
Payment: ROW description reference amount:n date:d source_fund_type payment_source_type
    voided_at:t contact>Contact user>User source_bank_account>BankAccount
    destination_bank_account>BankAccount allocations*Allocation
PaymentProfile: ROW billing_setting_id:i name terms:i discount_rate:n discount_period:i
    interest_rate:n interest_period:i interest_type
PhoneNumber: ROW number name primary:b
PicklistOption: ROW option deleted_at:t
PolymorphicCustomRate: ROW rate:n award:n note date:d user>PolymorphicCustomRate_User
    group>PolymorphicCustomRate_Group
    activity_description>PolymorphicCustomRate_ActivityDescription
PolymorphicCustomRate_ActivityDescription: KEY name
PolymorphicCustomRate_Group: KEY name
PolymorphicCustomRate_User: KEY enabled:b name
PolymorphicObject: id:i type identifier secondary_identifier tertiary_identifier
PracticeArea: ROW name category code
RelatedContacts: id:i contact_id:i name first_name middle_name last_name type created_at:t
    updated_at:t prefix title initials is_matter_client:b primary_email_address
    primary_phone_number client_connect_user_id:i avatar>Avatar company>Contact
    primary_address>Address primary_web_site>WebSite secondary_address>Address
    secondary_web_site>WebSite addresses*Address custom_field_values*CustomFieldValue
    email_addresses*EmailAddress phone_numbers*PhoneNumber web_sites*WebSite
    relationship>Relationship
Relationship: ROW description matter>Matter contact>Contact
Reminder: ROW duration:i next_delivery_at:t state notification_method>NotificationMethod
    subject>PolymorphicObject
ReminderTemplate: ROW duration:i notification_type
Report: ROW name state kind format progress:i category source
ReportPreset: ROW name kind format last_generated_at:t category options
    report_schedule>ReportSchedule
ReportSchedule: ROW time_of_day:t frequency days_of_week:l day_of_month:i status
    status_updated_at:t next_scheduled_date:t time_zone report_preset_id:i every_no_of_months:i
    effective_from:d
ServiceType: ROW system_id:i description default:b
SplitInvoicePayer: ROW contact_id:i matter_id:i send_to_bill_recipients:b split_portion:n
SplitInvoice: ROW bill_id:i linked_invoices_display_numbers:l linked_invoices_ids:l
    split_connection_id split_portion:n
Task: ROW name status description description_text_type priority due_at:d permission
    completed_at:t notify_completion:b statute_of_limitations:b time_estimated:i
    time_entries_count:i time_entries*Activity task_type>TaskType assigner>User matter>Matter
    assignee>>Participant reminders*Reminder
TaskTemplate: ROW name description description_text_type priority private:b
    cascading_source>CascadingTaskTemplate assignee>User task_template_list>TaskTemplateList
    task_type>TaskType template_creator>User reminder_templates*ReminderTemplate
TaskTemplateList: ROW description name templates_count:i practice_area>PracticeArea creator>User
TaskTemplateListInstace: ROW
TaskType: ROW name deleted_at:t
TextSnippet: ROW snippet phrase whole_word:b
Timer: ROW start_time:t elapsed_time:n activity>Activity
TrustLineItem: ROW date:d total:n note bill>Bill matter>Matter client>Contact
TrustRequest: ROW
UnredactedParticipant:
User: ROW account_owner:b clio_connect:b court_rules_default_attendee:b default_calendar_id:i
    email enabled:b first_name initials last_name name phone_number rate:n roles:l
    subscription_type time_zone default_activity_description>ActivityDescription
    notification_methods*NotificationMethod account>Account avatar>Avatar contact>Contact
    job_title>JobTitle groups*Group
UtbmsCode: ROW name code description type utbms_set_id:i
UtbmsSet: ROW name enabled:b
WebSite: ROW address name default_web_site:b
Webhook: ROW url fields shared_secret model status events:l expires_at:t user>User
"""
