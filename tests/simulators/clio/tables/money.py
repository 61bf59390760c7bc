"""The money: time and expenses, bills, payments, bank and trust accounts, and rates.

resources.yaml: resources. For the notation see `tables.notation.resources`.
"""

from __future__ import annotations

RESOURCES = """
activities Activity LSCUD
    order: id display_number user.name price total type date note updated_at vendor.name
        expense_category.name non_billable non_billable_total
    filters: activity_description_id calendar_entry_id communication_id contact_note_id
        end_date expense_category_id flat_rate grant_id ids[] matter_id matter_note_id
        only_unaccounted_for query start_date status task_id type user_id
    create: activity_description calendar_entry client_portal communication contact_note
        date* expense_category matter matter_note no_charge non_billable note price quantity
        reference start_timer task tax_setting text_message_conversation type* user
        utbms_expense vendor
    update: same
activity_rates ActivityRate LSCUD
    filters: co_counsel_contact_id contact_id ids[]
    create: co_counsel_contact_id contact_id flat_rate rate
    update: same
activity_descriptions ActivityDescription LSCUD
    filters: flat_rate ids[] rate_for[matter_id] rate_for[user_id] type user_id
    create: currency default groups name* rate visible_to_co_counsel
    update: same
allocations Allocation LS default=date
    order: id date
    filters: bill_id contact_id ids[] matter_id parent_id parent_type status
bank_accounts BankAccount LSCUD
    order: id name institution account_number transit_number currency updated_at type
    filters: ids[] show_empty_accounts status type user_id
    create: account_number balance client controlled_account currency* default_account
        domicile_branch general_ledger_number holder institution matter name swift
        transit_number type*
    update: account_number client controlled_account currency default_account
        domicile_branch general_ledger_number holder institution matter name swift
        transit_number
bank_transactions BankTransaction LSCUD
    order: id
    filters: bank_account_id client_id ids[] matter_id type unreconciled_only
    create: amount* bank_account* bank_account_transaction_type client confirmation currency
        date* description exchange_rate matter source transaction_type
    update: same
bill_themes BillTheme LU
    filters: ids[]
    update: config name
billable_clients BillableClient L limit=25 no-since
    filters: client_id custom_field_values end_date matter_id originating_attorney_id query
        responsible_attorney_id start_date
billable_matters/ids BillableMatter L limit=1000 no-since
    filters: client_id custom_field_values end_date matter_id originating_attorney_id query
        responsible_attorney_id start_date
billable_matters BillableMatter L limit=1000 no-since
    filters: client_id custom_field_values end_date matter_id originating_attorney_id query
        responsible_attorney_id start_date
bills Bill LSUD
    order: id due_at issued_at paid_at last_sent_at client_name matter_display_number
        balance number
    filters: bill_number client_id currency_id custom_field_values due_after due_at
        due_before ids[] issued_after issued_before last_sent_end_date last_sent_start_date
        matter_id originating_attorney_id overdue_only query responsible_attorney_id state
        status type
    update: bill_theme currency_id discount due_at interest issued_at memo number
        purchase_order secondary_tax_rate state subject tax_rate use_grace_period
clio_payments/links ClioPaymentsLink LSCU
    filters: active ids[]
    create: amount currency* description* destination_account* destination_contact duration*
        email_address is_allocated_as_revenue subject*
    update: expired
clio_payments/payments ClioPaymentsPayment LS no-since
    filters: bill_id contact_id ids[] state
credit_memos CreditMemo LS default=date
    order: id date
    filters: contact_id ids[]
currencies Currency L
    filters: ids[]
expense_categories ExpenseCategory LSCUD
    order: id name rate entry_type
    filters: entry_type query
    create: currency entry_type groups name* rate utbms_code
    update: same
grants Grant LSCUD
    filters: ids[] name
    create: name
    update: same
grant_funding_sources GrantFundingSource LCUD
    filters: ids[] name
    create: name
    update: same
interest_charges InterestCharge LD
    filters: bill_id exclude_ids[] ids[]
line_items LineItem LUD
    filters: activity_id bill_id display exclude_ids[] group_ordering ids[] kind matter_id
        query
    update: activity bill date description discount group_ordering kind matter note price
        quantity secondary_taxable taxable update_original_record
outstanding_client_balances OutstandingClientBalance L no-since
    filters: contact_id last_paid_end_date last_paid_start_date newest_bill_due_end_date
        newest_bill_due_start_date originating_attorney_id responsible_attorney_id
settings/billing BillingSetting L unpaged no-since
    filters: duration
timer Timer LC unpaged no-since
    create: activity*
trust_line_items TrustLineItem LU
    order: id
    filters: bill_id ids[] matter_id
    update: date note total
trust_requests TrustRequest C unpaged no-since
    create: approved* client_id* currency_id due_date* issue_date* matter note trust_amount*
        trust_type*
utbms/sets UtbmsSet L
    order: name id
    filters: ids[]
utbms/codes UtbmsCode LS
    order: name id set
    filters: ids[] type utbms_set_id
lauk_civil_certificated_rates LaukCivilCertificatedRate L no-since
    filters: activity activity_sub_category attended_several_hearings_for_multiple_clients
        category_of_law change_of_solicitor court eligible_for_sqm fee_scheme
        first_conducting_solicitor key number_of_clients party
        post_transfer_clients_represented rate_type region session_type user_type
lauk_civil_controlled_rates LaukCivilControlledRate L no-since
    filters: activity category_of_law key matter_type_1 matter_type_2 rate_type region
lauk_criminal_controlled_rates LaukCriminalControlledRate L no-since
    filters: activity category_of_law counsel court key rate_type region solicitor_type
        standard_fee_category
lauk_expense_categories LaukExpenseCategory L no-since
    filters: key name practice_area region*
"""
