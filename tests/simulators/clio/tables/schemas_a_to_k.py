"""The objects of the API from A to K, and their fields. resources.yaml: fields, nested_schemas.

The notation is read by `tables.notation.schemas`. ROW stands for id, etag, created_at and updated_at, KEY for
id and etag. Behind a field's name stands its kind: nothing for text, :i whole number, :n number, :b yes or no,
:d date, :t time, :l list, :o object; >X one object of kind X, *X several (both without further nesting), >>X
and **X the same with one level more; ~X an object that may also be asked for where nesting has ended.
"""

from __future__ import annotations

SCHEMAS = """
Account: ROW name state owner>User
AccountBalance: id:i balance:n type name currency_id:i
Activity: ROW type date:d quantity_in_hours:n rounded_quantity_in_hours:n quantity:n
    rounded_quantity:n quantity_redacted:b price:n note flat_rate:b billed:b on_bill:b total:n
    contingency_fee:b reference non_billable:b non_billable_total:n no_charge:b tax_setting
    currency~Currency activity_description>ActivityDescription expense_category>ExpenseCategory
    bill>Bill communication>Communication client_portal>ClientPortal matter>Matter
    matter_note>Note contact_note>Note subject>PolymorphicObject timer>Timer user>User
    utbms_expense>UtbmsCode vendor>Contact calendar_entry>Activity_CalendarEntry
    task>Activity_Task text_message_conversation>Activity_TextMessageConversation
    document_version>DocumentVersion legal_aid_uk_activity>LegalAidUkActivity
ActivityDescription: ROW name visible_to_co_counsel:b default:b type utbms_activity_id:i
    utbms_task_name utbms_task_id:i xero_service_code accessible_to_user:b category_type
    currency~Currency groups*Group rate>ActivityDescriptionRate utbms_task>UtbmsCode
    utbms_activity>UtbmsCode
ActivityDescriptionRate: amount:n non_billable_amount:n type hierarchy
ActivityRate: ROW rate:n flat_rate:b contact_id:i co_counsel_contact_id:i user>User group>Group
Activity_CalendarEntry: id etag calendar_owner_id:i
Activity_Task: KEY
Activity_TextMessageConversation: KEY
Address: ROW street city province postal_code country name primary:b
Allocation: ROW date:d amount:n interest:b voided_at:t description has_online_payment:b
    destroyable:b payment_type bill>Bill source_bank_account>BankAccount
    destination_bank_account>BankAccount matter>Matter contact>Contact parent>PolymorphicObject
Attendee: ROW type name enabled:b email
AttorneyAllocation: ROW account_id:i resource_id:i resource_type
    originating_attorney_allocation:n responsible_attorney_allocation:n
Avatar: ROW url _destroy:b
Balance: id:i amount:n type interest_amount:n due:n
BankAccount: ROW account_number balance:n bank_transactions_count:i clio_payment_page_link
    clio_payment_page_qr_code clio_payments_enabled:b controlled_account:b currency
    currency_symbol currency_id:n default_account:b domicile_branch general_ledger_number holder
    institution name swift transit_number type user>User
BankTransaction: ROW type bank_account_id:i source confirmation date:d amount:n currency
    currency_id:i description exchange_rate:n transaction_type funds_in:n funds_out:n
    clio_payments_transaction:b current_account_balance:n read_only_confirmation:b
    client>Contact matter>Matter bank_account>BankAccount bill>Bill allocation>Allocation
BankTransfer: ROW amount:n date:t description primary_authorizer secondary_authorizer
    client>Contact destination_account>BankAccount matter>Matter source_account>BankAccount
Bill: ROW number issued_at:d due_at:d tax_rate:n secondary_tax_rate:n subject purchase_order
    type memo start_at:d end_at:d balance:n state kind total:n paid:n paid_at:t pending:n due:n
    discount_services_only can_update:b credits_issued:n shared:b last_sent_at:t
    services_secondary_tax:n services_sub_total:n services_tax:n services_taxable_sub_total:i
    services_secondary_taxable_sub_total:i taxable_sub_total:i secondary_taxable_sub_total:i
    sub_total:n tax_sum:n secondary_tax_sum:n total_tax:n available_state_transitions:l
    user>User client>Contact discount>Discount interest>Interest matters*Matter group>Group
    bill_theme>BillTheme original_bill>Bill destination_account>BankAccount balances*Balance
    matter_totals*MatterBalance currency>Currency billing_setting>BillingSetting
    client_addresses*Address legal_aid_uk_bill>LegalAidUkBill split_invoice>SplitInvoice
BillRecipient: ROW on_all_matters:b recipient>BillRecipient_Contact
BillRecipient_Contact: id:i name first_name middle_name last_name type primary_email_address
BillTheme: ROW account_id:i default:b name config
BillableClient: id:i unbilled_hours:n unbilled_amount:n amount_in_trust:n name
    billable_matters_count:i billable_matters*BillableMatter
BillableMatter: currency_code currency_id:i id:i unbilled_hours:n unbilled_amount:n
    amount_in_trust:n display_number client>Contact
BillingSetting: ROW rounded_duration:n rounding:i use_decimal_rounding:b currency currency_sign
    tax_rate:n tax_name apply_tax_by_default:b apply_secondary_tax_by_default:b
    time_on_flat_rate_contingency_matters_is_non_billable:b use_secondary_tax:b
    secondary_tax_rate:n secondary_tax_rule secondary_tax_name notify_after_bill_created:b
    use_utbms_codes:b multi_currency_billing:b billing_currencies:l
Calendar: ROW color light_color court_rules_default_calendar:b name permission type visible:b
    source creator>User
CalendarEntry: id etag summary description location start_at:t start_date:d start_time end_at:t
    end_date:d end_time all_day:b recurrence_rule parent_calendar_entry_id:i court_rule:b
    created_at:t updated_at:t permission calendar_owner_id:i start_at_time_zone
    time_entries_count:i time_entries*Activity conference_meeting>ConferenceMeeting
    matter>Matter matter_docket>MatterDocket calendar_owner>Calendar
    parent_calendar_entry>CalendarEntry calendar_entry_event_type>CalendarEntryEventType
    attendees*Attendee calendars*Calendar reminders*Reminder
    external_properties*ExternalProperty
CalendarEntryEventType: ROW color name
CalendarVisibility: ROW color light_color visible:b name
CascadingTaskTemplate: id:i name
CascadingTask:
Client: id:i name first_name middle_name last_name type created_at:t updated_at:t prefix title
    initials is_matter_client:b primary_email_address primary_phone_number
    client_connect_user_id:i date_of_birth:d avatar>Avatar company>Contact addresses*Address
    email_addresses*EmailAddress phone_numbers*PhoneNumber web_sites*WebSite
ClientPortal: ROW unread_count:i unread_notifiable_count:i
ClioCreator: ROW account_owner:b clio_connect:b court_rules_default_attendee:b
    default_calendar_id:i email enabled:b type initials first_name last_name name phone_number
    rate:n subscription_type time_zone roles:l
ClioFileSubmissionsReport: KEY
ClioPaymentsLink: KEY active:b amount:n created_at:t currency description email_address
    expires_at:t is_allocated_as_revenue:b redirect_url url bank_account>BankAccount bill>Bill
    clio_payments_payment>ClioPaymentsPayment contact>Contact destination_account>BankAccount
    destination_contact>Contact
ClioPaymentsPayment: amount:n confirmation_number created_at:t currency deposit_as_revenue:b
    description email_address id:i state updated_at:t bank_transaction>BankTransaction
    clio_payments_link>ClioPaymentsLink contact>Contact destination_account>BankAccount
    user>User allocations*Allocation bills*Bill matters*Matter
Comment: ROW message deleted_at:t creator>User document_version>DocumentVersion
Communication: ROW subject body type date:d time_entries_count:i received_at:t user>User
    matter>Matter communication_eml_file>CommunicationEmlFile senders**Participant
    receivers**Participant external_properties*ExternalProperty time_entries*Activity
    documents*Document notification_event_subscribers*NotificationEventSubscriber
CommunicationEmlFile: id:i
ConferenceMeeting: ROW conference_id:i conference_password join_url type source_id:i
Contact: ROW name first_name middle_name last_name date_of_birth:d type prefix title initials
    clio_connect_email locked_clio_connect_email:b client_connect_user_id:i
    primary_email_address secondary_email_address primary_phone_number secondary_phone_number
    ledes_client_id has_clio_for_clients_permission:b is_client:b is_clio_for_client_user:b
    is_co_counsel:b is_bill_recipient:b sales_tax_number currency~Currency
    activity_rates*ActivityRate addresses*Address custom_field_values**CustomFieldValue
    custom_field_set_associations*CustomFieldSetAssociation email_addresses*EmailAddress
    instant_messengers*InstantMessenger phone_numbers*PhoneNumber web_sites*WebSite
    notification_methods*NotificationMethod account_balances*AccountBalance
    related_contacts*Contact kyc_field_values*KycFieldValue primary_work_address>Address
    primary_address>Address secondary_address>Address company>Contact avatar>Avatar
    payment_profile>PaymentProfile folder>Folder co_counsel_rate>ActivityRate
    primary_web_site>WebSite legal_aid_uk_contact>LegalAidUkContact
ContingencyFee: ROW show_contingency_award:b
Conversation: ROW archived:b read_only:b current_user_is_member:b subject message_count:i
    time_entries_count:i read:b last_message>ConversationMessage
    first_message>ConversationMessage matter>Matter messages*ConversationMessage
    documents*Document memberships**ConversationMembership
ConversationMembership: ROW read:b archived:b member>UnredactedParticipant
ConversationMessage: ROW date body sender>UnredactedParticipant document>Document
    conversation>Conversation receivers*UnredactedParticipant
CreditMemo: ROW date:d amount:n description discount:b voided_at:t user>User contact>Contact
    allocations*Allocation
Currency: ROW code sign
CustomAction: ROW label target_url ui_reference
CustomField: ROW name parent_type field_type displayed:b deleted:b required:b display_order:i
    picklist_options*PicklistOption
CustomFieldMatterSelection: id:i display_number
CustomFieldSet: ROW name parent_type displayed:b custom_fields*CustomField
CustomFieldSetAssociation: ROW display_order:i
CustomFieldValue: id etag field_name created_at:t updated_at:t field_type field_required:b
    field_displayed:b field_display_order:i value soft_deleted:b custom_field>>CustomField
    picklist_option>>PicklistOption matter>CustomFieldMatterSelection contact>Contact
Damage: ROW amount:n damage_type description matter>Matter
Discount: rate:n type note early_payment_rate:i early_payment_period:i
Document: ROW deleted_at:t type locked:b name received_at:t filename size:i content_type
    parent>LinkedFolder matter>Matter contact>Contact document_category>DocumentCategory
    creator>ClioCreator latest_document_version>>DocumentVersion group>Group
    external_properties*ExternalProperty
DocumentArchive: ROW size:i progress:n state message
DocumentAutomation: ROW state export_formats filename matter>Matter
    document_template>DocumentTemplate documents*Document
DocumentCategory: ROW name
DocumentTemplate: ROW size:i content_type filename document_category>DocumentCategory
    last_modified_by>User
DocumentVersion: ROW document_id:i uuid filename size:i version_number:i content_type
    received_at:t put_url fully_uploaded:b creator>ClioCreator put_headers*MultipartHeader
    multiparts**Multipart
EmailAddress: ROW address name primary:b
Event: KEY message icon title title_url description description_url primary_detail
    primary_detail_url secondary_detail secondary_detail_url occurred_at:t mobile_icon
    subject_type subject_id:i
EventMetrics: unread_mobile_events:i unread_web_events:i unread_secure_messages:i
    unread_client_portal_messages:i unread_text_messages:i
EvergreenRetainer: ROW minimum_threshold:n
ExpenseCategory: ROW name rate:i entry_type xero_expense_code accessible_to_user:b
    currency~Currency tax_setting groups*Group utbms_code>UtbmsCode
ExternalProperty: ROW name value
Folder: ROW deleted_at:t type locked:b name root:b parent>LinkedFolder matter>Matter
    contact>Contact document_category>DocumentCategory creator>ClioCreator
    latest_document_version>DocumentVersion group>Group external_properties*ExternalProperty
Grant: ROW name funding_code funding_code_and_name funding_source_name balance start_date:d
    end_date:d grant_funding_source>GrantFundingSource
GrantFundingSource: ROW name grants*Grant
Group: KEY client_connect_user:b name type updated_at:t users*User
InstantMessenger: ROW address name
Interest: balance:n period:i rate:n total:n type
InterestCharge: ROW date:d description total:n bill>Bill balances*Balance matters*Matter
Item: ROW deleted_at:t type locked:b name parent>LinkedFolder matter>Matter contact>Contact
    document_category>DocumentCategory creator>ClioCreator
    latest_document_version>DocumentVersion group>Group external_properties*ExternalProperty
JobTitle: KEY name initials
Jurisdiction: ROW system_id:i description default:b display_timezone valid_subscription:b
    is_local_timezone:b service_types*ServiceType
JurisdictionsToTrigger: ROW system_id:i description do_not_recalculate:b is_served:b
    is_requirements_required:b
KycFieldValue: ROW field_name field_label field_type field_value field_possible_values:l group
LaukCivilCertificatedRate: ROW activity activity_sub_category activity_type
    attended_several_hearings_for_multiple_clients:b category_of_law change_of_solicitor:b court
    eligible_for_sqm:b exceptional:n exceptional_warning fee:n fee_scheme
    first_conducting_solicitor:b key number_of_clients party post_transfer_clients_represented
    rate_type region session_type user_type
LaukCivilControlledRate: ROW activity activity_type category_of_law exceptional:n fee:n
    fee_scheme key matter_type_1:i matter_type_2:i post_dec25_exceptional:n post_dec25_fee:n
    rate_type region
LaukCriminalControlledRate: ROW activity activity_type category_of_law counsel court
    exceptional:n fee:n fee_scheme post_nov_24_exceptional:n post_nov_24_fee:n
    post_sept_22_exceptional:n post_sept_22_fee:n post_dec25_exceptional:n post_dec25_fee:n key
    rate_type region solicitor_type
LaukExpenseCategory: ROW certificated:b civil:b criminal:b key name rate:n
"""
