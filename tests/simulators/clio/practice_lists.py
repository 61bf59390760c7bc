"""The firm's own lists: people, groups, calendars, custom fields, accounts, rates and the vendor's reference data."""

from __future__ import annotations

from typing import Any

from tests.simulators.clio.founding import Founding
from tests.simulators.clio.store import Ref

# Roles: resources.yaml: users.filters (admin, accounts, billing, reports). The names are trees, not people.
STAFF = (
    ("Partner", "Alder", "Attorney", ("admin", "accounts", "billing", "reports"), 450),
    ("Partner", "Birch", "Attorney", ("accounts", "billing", "reports"), 425),
    ("Associate", "Cedar", "Attorney", (), 280),
    ("Associate", "Elm", "Attorney", (), 260),
    ("Counsel", "Fir", "Attorney", ("reports",), 390),
    ("Paralegal", "Hazel", "NonAttorney", (), 140),
    ("Clerk", "Larch", "NonAttorney", ("billing",), 95),
    ("Backup", "Rowan", "NonAttorney", ("admin", "accounts", "billing", "reports"), 0),
)
ADMINISTRATOR, RESTRICTED, BACKUP = 0, 2, 7  # places in STAFF

CUSTOM_FIELDS = (
    ("Court file number", "Matter", "text_line", True),
    ("Opposing party", "Matter", "contact", False),
    ("Amount in dispute", "Matter", "currency", False),
    ("Limitation date", "Matter", "date", False),
    ("Conflict checked", "Matter", "checkbox", True),
    ("Fee arrangement", "Matter", "picklist", False),
    ("Related matter", "Matter", "matter", False),
    ("Intake notes", "Matter", "text_area", False),
    ("Registry", "Contact", "url", False),
    ("Employees", "Contact", "numeric", False),
    ("Invoice e-mail", "Contact", "email", False),
    ("Best time to call", "Contact", "time", False),
    ("Client since", "Contact", "date", False),
    ("Risk class", "Contact", "picklist", False),
)
OPTIONS = {
    "Fee arrangement": ("Hourly", "Flat", "Contingent"),
    "Risk class": ("Low", "Middle", "High"),
}


def add(firm: Founding) -> None:
    _people(firm)
    _areas(firm)
    _custom_fields(firm)
    _accounts(firm)
    _work_lists(firm)
    _reference(firm)
    _settings(firm)


def add_bare(firm: Founding) -> None:
    """What a new account has: people and calendars, currencies, settings."""
    _people(firm)
    _currencies(firm)
    _settings(firm)


def _simple(firm: Founding, collection: str, rows: list[dict[str, Any]]) -> list[Ref]:
    return [firm.world.create(collection, firm.early(), **row) for row in rows]


def _people(firm: Founding) -> None:
    world = firm.world
    if firm.size.empty:
        world.store.new_id("accounts")  # a new account is another one than the firm's old one
    account = world.part("accounts", firm.early(), name="Alder & Birch Example Law", state="active")
    everyone = world.create(
        "groups", firm.early(), name="Firm", type="AccountGroup", client_connect_user=False
    )
    litigation = world.create(
        "groups", firm.early(), name="Litigation", type="AdhocGroup", client_connect_user=False
    )
    for number, (title, last, kind, roles, rate) in enumerate(STAFF):
        at = firm.early()
        name = f"{title} {last}"
        calendar = world.create(
            "calendars", at, name=name, type="UserCalendar", color="#367B9C", light_color="#5DA5C7",
            court_rules_default_calendar=False, permission="owner", visible=True, source="web",
        )  # fmt: skip
        firm.calendars.append(calendar)
        email = f"{last.lower()}@firm.example"
        user = world.create(
            "users", at,
            account_owner=number == 0, clio_connect=False, court_rules_default_attendee=False,
            default_calendar_id=calendar.id, email=email, enabled=number != 4, first_name=title, last_name=last,
            name=name, initials=title[0] + last[0], phone_number=None, rate=float(rate), roles=list(roles),
            subscription_type=kind, time_zone="America/Los_Angeles", account=account,
            notification_methods=[
                world.part("notification_methods", at, type="Email", email_address=email, is_default_email_address=True)
            ],
            job_title=world.part("job_titles", at, name=title, initials=title[0]),
            groups=[everyone] + ([litigation] if number in (0, 2, 3) else []),
        )  # fmt: skip
        world.change(calendar, at=at, quiet=True, creator=user)
        firm.users.append(user)
    firm.calendars.append(
        world.create(
            "calendars", firm.early(), name="Firm", type="AccountCalendar", color="#83D17F", light_color="#209412",
            court_rules_default_calendar=True, permission="editor", visible=True, source="web", creator=firm.users[0],
        )
    )  # fmt: skip
    _simple(
        firm, "calendar_entry_event_types",
        [{"name": "Hearing", "color": "#C75300"}, {"name": "Filing", "color": "#8E3F64"}],
    )  # fmt: skip
    _simple(
        firm, "task_calendars",
        [{"name": "Tasks", "color": "#658CDA", "light_color": "#5DA5C7", "visible": True}],
    )  # fmt: skip


def _areas(firm: Founding) -> None:
    names = (("Commercial", "commercial_litigation"), ("Real estate", "real_estate"), ("Employment", "employment_and_labor"),
             ("Business", "business_formation_and_compliance"))  # fmt: skip
    firm.areas = _simple(
        firm, "practice_areas",
        [{"name": name, "category": category, "code": name[:3].upper()} for name, category in names],
    )  # fmt: skip
    for area in firm.areas:
        for order, name in enumerate(("Intake", "Discovery", "Closing"), 1):
            firm.world.create(
                "matter_stages", firm.early(), _practice_area=area, name=name, order=order
            )


def _custom_fields(firm: Founding) -> None:
    world = firm.world
    for order, (name, parent, kind, required) in enumerate(CUSTOM_FIELDS):
        at = firm.early()
        firm.custom_fields.append(
            world.create(
                "custom_fields", at, name=name, parent_type=parent, field_type=kind, displayed=order % 2 == 0,
                deleted=False, required=required, display_order=order,
                picklist_options=[
                    world.part("picklist_options", at, option=option, deleted_at=None)
                    for option in OPTIONS.get(name, ())
                ],
            )
        )  # fmt: skip
    # resources.yaml: custom_fields.notes - also read deleted=true
    world.create(
        "custom_fields", firm.early(), name="Old docket number", parent_type="Matter", field_type="text_line",
        displayed=False, deleted=True, required=False, display_order=99, picklist_options=[],
    )  # fmt: skip
    matter_fields = [ref for ref in firm.custom_fields if world.row(ref)["parent_type"] == "Matter"]
    world.create(
        "custom_field_sets", firm.early(), name="Litigation", parent_type="Matter", displayed=True,
        custom_fields=matter_fields[:3],
    )  # fmt: skip


def _currencies(firm: Founding) -> Ref:
    rows = [
        {"code": "USD", "sign": "$"},
        {"code": "CAD", "sign": "$"},
        {"code": "EUR", "sign": "€"},
    ]
    return _simple(firm, "currencies", rows)[0]


def _accounts(firm: Founding) -> None:
    world = firm.world
    dollar = _currencies(firm)
    for name, kind, institution, closed in (
        ("IOLTA trust", "Trust", "Example Trust Bank", False),
        ("Client trust, special", "Trust", "Sample Savings", False),
        ("Operating", "Operating", "Example Trust Bank", False),
        ("Old IOLTA trust", "Trust", "Mock Bank", True),
    ):
        ref = world.create(
            "bank_accounts", firm.early(), name=name, type=kind, institution=institution,
            account_number=f"{firm.rng.randrange(10**8):08d}", transit_number="0000", holder="Alder & Birch Example Law",
            currency="USD", currency_symbol="$", currency_id=dollar.id, default_account=kind == "Operating",
            clio_payments_enabled=False, controlled_account=kind == "Trust", domicile_branch=None,
            general_ledger_number=f"{firm.rng.randrange(1000, 9999)}", swift=None, user=firm.users[0], _closed=closed,
        )  # fmt: skip
        if kind == "Operating":
            firm.operating = ref
        elif not closed:
            firm.trust_accounts.append(ref)


def _work_lists(firm: Founding) -> None:
    firm.task_types = _simple(
        firm,
        "task_types",
        [{"name": "Filing", "deleted_at": None}, {"name": "Call", "deleted_at": None}],
    )
    _simple(firm, "task_types", [{"name": "Fax", "deleted_at": "2025-03-01T09:00:00-08:00"}])
    firm.categories = _simple(
        firm,
        "document_categories",
        [{"name": n} for n in ("Pleadings", "Correspondence", "Evidence")],
    )
    groups = [Ref("groups", firm.world.store.ids("groups")[0])]
    firm.descriptions = _simple(
        firm, "activity_descriptions",
        [
            {"name": n, "visible_to_co_counsel": True, "default": False, "type": "ActivityDescription", "groups": groups,
             "accessible_to_user": True, "category_type": "clio", "currency": Ref("currencies", 101),
             "rate": {"amount": 300.0, "non_billable_amount": 0.0, "type": "User", "hierarchy": "Default"}}
            for n in ("Drafting", "Court attendance", "Correspondence")
        ],
    )  # fmt: skip
    firm.expenses = _simple(
        firm, "expense_categories",
        [{"name": n, "rate": r, "entry_type": "hard_cost", "accessible_to_user": True, "tax_setting": "no_tax",
          "currency": Ref("currencies", 101), "groups": groups} for n, r in (("Filing fee", 120), ("Courier", 25))],
    )  # fmt: skip
    templates = firm.world.create(
        "task_template_lists", firm.early(), name="New matter", description="What opens a matter",
        practice_area=firm.areas[0], creator=firm.users[0],
    )  # fmt: skip
    for name in ("Conflict check", "Engagement letter"):
        firm.world.create(
            "task_templates", firm.early(), name=name, description="", description_text_type="plain_text",
            priority="Normal", private=False, assignee=firm.users[5], task_template_list=templates,
            task_type=firm.task_types[0], template_creator=firm.users[0], reminder_templates=[],
        )  # fmt: skip
    _simple(
        firm,
        "settings/text_snippets",
        [{"phrase": "tct", "snippet": "telephone call to", "whole_word": True}],
    )
    _simple(firm, "custom_actions", [
        {"label": "Open in archive", "target_url": "https://archive.firm.example/", "ui_reference": "matters/show"}])  # fmt: skip
    source = firm.world.create("grant_funding_sources", firm.early(), name="Example Legal Fund")
    firm.world.create(
        "grants", firm.early(), name="Tenants", funding_code="T-1", funding_code_and_name="T-1 Tenants",
        funding_source_name="Example Legal Fund", balance="5000.0", start_date="2025-01-01", end_date="2026-12-31",
        grant_funding_source=source,
    )  # fmt: skip
    preset = firm.world.create(
        "report_presets", firm.early(), name="Trust listing, monthly", kind="trust_listing", format="csv",
        last_generated_at=None, category="financial", options="{}",
    )  # fmt: skip
    schedule = firm.world.create(
        "report_schedules", firm.early(), frequency="monthly", day_of_month=1, days_of_week=[], status="initial",
        time_of_day="2026-01-01T08:00:00-08:00", time_zone="America/Los_Angeles", report_preset_id=preset.id,
        every_no_of_months=1, effective_from="2026-01-01", next_scheduled_date="2026-12-01T08:00:00-08:00",
    )  # fmt: skip
    firm.world.change(preset, at=firm.now, quiet=True, report_schedule=schedule)


def _reference(firm: Founding) -> None:
    [codes] = _simple(firm, "utbms/sets", [{"name": "Litigation code set", "enabled": True}])
    _simple(firm, "utbms/codes", [
        {"name": "Pleadings", "code": "L210", "description": "Pleadings", "type": "UtbmsTask", "utbms_set_id": codes.id},
        {"name": "Travel", "code": "E110", "description": "Out-of-town travel", "type": "UtbmsExpense", "utbms_set_id": codes.id}])  # fmt: skip
    [service] = _simple(
        firm,
        "court_rules/service_types",
        [{"system_id": 7, "description": "By mail", "default": True}],
    )
    [court] = _simple(firm, "court_rules/jurisdictions", [
        {"system_id": 70, "description": "Exampleton Superior Court", "default": True, "is_local_timezone": True,
         "display_timezone": "America/Los_Angeles", "valid_subscription": True, "service_types": [service]}])  # fmt: skip
    _simple(firm, "court_rules/triggers", [
        {"system_id": 700, "description": "Complaint served", "do_not_recalculate": False, "is_served": True,
         "is_requirements_required": False, "_jurisdiction": court}])  # fmt: skip
    _simple(firm, "clio_file/submissions_reports", [{}])
    rate = {"activity": "Advice", "activity_type": "preparation", "category_of_law": "Housing", "fee": 51.62, "fee_scheme": "A",
            "key": "K1", "rate_type": "hourly", "region": "London", "exceptional": 100.0}  # fmt: skip
    _simple(
        firm,
        "lauk_civil_certificated_rates",
        [rate | {"court": "county", "session_type": "advice"}],
    )
    _simple(firm, "lauk_civil_controlled_rates", [rate | {"matter_type_1": 1, "matter_type_2": 2}])
    _simple(
        firm,
        "lauk_criminal_controlled_rates",
        [rate | {"court": "magistrates", "solicitor_type": "duty"}],
    )
    _simple(firm, "lauk_expense_categories", [
        {"certificated": True, "civil": True, "criminal": False, "key": "E1", "name": "Travel", "rate": 0.45, "_region": "London"}])  # fmt: skip


def _settings(firm: Founding) -> None:
    _simple(firm, "settings/billing", [
        {"rounded_duration": 6.0, "rounding": 6, "use_decimal_rounding": True, "currency": "USD", "currency_sign": "$",
         "tax_rate": 0.0, "tax_name": "Tax", "apply_tax_by_default": False, "apply_secondary_tax_by_default": False,
         "time_on_flat_rate_contingency_matters_is_non_billable": False, "use_secondary_tax": False,
         "secondary_tax_rate": 0.0, "secondary_tax_rule": "Pre", "secondary_tax_name": "Second tax",
         "notify_after_bill_created": False, "use_utbms_codes": False, "multi_currency_billing": False,
         "billing_currencies": []}])  # fmt: skip
    _simple(
        firm,
        "bill_themes",
        [{"account_id": 1, "default": True, "name": "Standard", "config": "{}"}],
    )
