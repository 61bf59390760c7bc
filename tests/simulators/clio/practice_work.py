"""What the firm did and wrote: notes, messages, tasks, the calendar, documents and their versions."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from tests.simulators.clio import names
from tests.simulators.clio.clock import stamp
from tests.simulators.clio.documents import trash
from tests.simulators.clio.files import Object
from tests.simulators.clio.founding import Founding
from tests.simulators.clio.practice_lists import BACKUP
from tests.simulators.clio.store import Ref
from tests.simulators.clio.world import World

LARGE = 6_000_000
SHORT = 400


def add(firm: Founding) -> None:
    for number, matter in enumerate(firm.matters):
        _matter(firm, number, matter)
    for client in firm.clients[::3]:
        at = firm.after(firm.moment(client))
        firm.world.create(
            "notes", at, type="Contact", subject="Intake", detail=names.sentence(firm.rng),
            detail_text_type="plain_text", date=at.date().isoformat(), contact=client, author=firm.users[1],
        )  # fmt: skip
    _trash(firm)
    _awkward(firm)
    _conversation(firm)
    _one_of_each(firm)
    _short(firm)


def _matter(firm: Founding, number: int, matter: Ref) -> None:
    world, rng = firm.world, firm.rng
    opened = firm.moment(matter)
    client = world.row(matter)["client"]
    for _ in range(rng.randrange(1, 4)):
        note(world, firm, matter, firm.after(opened))
    messages = [
        communication(world, firm, matter, client, firm.after(opened))
        for _ in range(rng.randrange(1, 4))
    ]
    for _ in range(rng.randrange(1, 3)):
        task(world, firm, matter, firm.after(opened))
    if rng.random() < 0.6:
        calendar_entry(world, firm, matter, firm.after(opened))
    [root] = world.store.referrers("folders", "_matter_root", matter)
    folders = [Ref("folders", root)]
    for name in rng.sample(("Pleadings", "Letters", "Evidence", "Drafts"), rng.randrange(1, 3)):
        folders.append(folder(world, firm, folders[rng.randrange(len(folders))], name, opened))
    for _ in range(rng.randrange(1, firm.size.documents_per_matter * 2)):
        at = firm.after(opened)
        paper = document(world, firm, rng.choice(folders), at)
        if rng.random() < 0.15:
            # resources.yaml: communications.notes - attachments are documents linked by communication_id
            world.change(paper, at=at, quiet=True, _communication=rng.choice(messages))
    if number < firm.size.large_documents:
        document(world, firm, folders[0], firm.after(opened), size=LARGE + rng.randrange(10_000))


def note(world: World, firm: Founding, matter: Ref, at: datetime) -> Ref:
    rich, text = firm.rng.random() < 0.3, names.sentence(firm.rng)
    return world.create(
        "notes", at, type="Matter", subject=firm.rng.choice(names.SUBJECTS), date=stamp(at)[:10], matter=matter,
        detail=f"<p><b>{text}</b></p>" if rich else text, detail_text_type="rich_text" if rich else "plain_text",
        author=firm.rng.choice(firm.users),
    )  # fmt: skip


def communication(
    world: World, firm: Founding, matter: Ref | None, contact: Ref, at: datetime
) -> Ref:
    kind = firm.rng.choice(("EmailCommunication", "PhoneCommunication"))
    user = firm.rng.choice(firm.users[:6])
    return world.create(
        "communications", at, subject=firm.rng.choice(names.SUBJECTS), body=names.sentence(firm.rng), type=kind,
        date=stamp(at)[:10], received_at=stamp(at), user=user, matter=matter, senders=[contact], receivers=[user],
        external_properties=[], communication_eml_file=None,
    )  # fmt: skip


def task(world: World, firm: Founding, matter: Ref, at: datetime) -> Ref:
    rng = firm.rng
    done = rng.random() < 0.4
    made = world.create(
        "tasks", at, name=rng.choice(names.PAPERS), description=names.sentence(rng),
        description_text_type="plain_text", status="complete" if done else rng.choice(("pending", "in_progress")),
        priority=rng.choice(("High", "Normal", "Low")), due_at=stamp(at + timedelta(days=rng.randrange(60)))[:10],
        permission="public", completed_at=stamp(at + timedelta(days=3)) if done else None, notify_completion=False,
        statute_of_limitations=False, time_estimated=3600, task_type=rng.choice(firm.task_types),
        assigner=firm.users[0], matter=matter, assignee=rng.choice(firm.users[:6]),
    )  # fmt: skip
    if rng.random() < 0.3:
        reminder(world, firm, made, at)
    return made


def reminder(world: World, firm: Founding, subject: Ref, at: datetime) -> Ref:
    method = world.row(firm.users[0])["notification_methods"][0]
    return world.create(
        "reminders", at, duration=firm.rng.choice((900, 3600, 86_400)), next_delivery_at=stamp(at), state="scheduled",
        notification_method=method, subject=subject,
    )  # fmt: skip


def calendar_entry(world: World, firm: Founding, matter: Ref | None, at: datetime) -> Ref:
    rng = firm.rng
    starts = (at + timedelta(days=rng.randrange(90))).replace(minute=0, second=0)
    ends = starts + timedelta(hours=1)
    all_day = rng.random() < 0.1
    return world.create(
        "calendar_entries", at, summary=f"{rng.choice(('Hearing', 'Call', 'Meeting'))}: {rng.choice(names.SUBJECTS)}",
        description=names.sentence(rng), location=rng.choice(names.CITIES)[0], start_at=stamp(starts),
        end_at=stamp(ends), start_date=stamp(starts)[:10], end_date=stamp(ends)[:10], start_time=stamp(starts)[11:16],
        end_time=stamp(ends)[11:16], all_day=all_day, court_rule=False, permission="owner",
        recurrence_rule="RRULE:FREQ=WEEKLY;COUNT=6" if rng.random() < 0.1 else None,
        start_at_time_zone="America/Los_Angeles", matter=matter, calendar_owner=rng.choice(firm.calendars),
        calendar_entry_event_type=Ref("calendar_entry_event_types", 101), calendars=[],
        attendees=[world.part("attendees", at, type="Calendar", name="Firm", enabled=True, email=None)],
        external_properties=[],
    )  # fmt: skip


def folder(world: World, firm: Founding, parent: Ref, name: str, at: datetime) -> Ref:
    above = world.row(parent)
    return world.create(
        "folders", at, name=name, root=False, locked=False, deleted_at=None, parent=parent,
        matter=above.get("matter"), contact=above.get("contact"), creator=firm.rng.choice(firm.users),
        external_properties=[], document_category=None,
    )  # fmt: skip


def document(
    world: World,
    firm: Founding,
    parent: Ref,
    at: datetime,
    size: int | None = None,
    named: str | None = None,
    versions: int | None = None,
) -> Ref:
    """A document of one to three versions, or of `versions`; about one in twenty is empty."""
    rng = firm.rng
    name, content_type = names.file_name(rng) if named is None else (named, "text/plain")
    above = world.row(parent)
    made = world.create(
        "documents", at, name=name, locked=False, deleted_at=None, received_at=stamp(at), parent=parent,
        matter=above.get("matter"), contact=above.get("contact"), creator=rng.choice(firm.users), group=None,
        document_category=rng.choice(firm.categories), external_properties=[], latest_document_version=None,
        _uploaded=True,
    )  # fmt: skip
    count = rng.choice((1, 1, 1, 2, 3)) if versions is None else versions
    for number in range(1, count + 1):
        bytes_ = size if size is not None else rng.choice((0, *[rng.randrange(1, 60_000)] * 19))
        version(world, firm, made, number, name, content_type, bytes_, at + timedelta(hours=number))
    return made


def version(
    world: World, firm: Founding, document: Ref, number: int, filename: str, content_type: str, size: int, at: datetime
) -> Ref:  # fmt: skip
    name = str(uuid.UUID(int=firm.rng.getrandbits(128), version=4))
    paper = world.files.paper(filename, firm.rng) if size else None
    size = len(paper) if paper is not None else size
    made = world.create(
        "document_versions", at, _document=document, filename=filename, size=size, version_number=number,
        content_type=content_type, received_at=stamp(at), fully_uploaded=True, put_url=None, put_headers=[],
        uuid=name, multiparts=[], creator=firm.rng.choice(firm.users),
    )  # fmt: skip
    if paper is not None:
        world.files.keep(name, paper)
    world.files.objects[name] = Object(size, content_type, filename)
    world.change(document, at=at, quiet=number == 1, latest_document_version=made)
    return made


def _trash(firm: Founding) -> None:
    """Some documents lie in the trash, not yet 30 days (platform.yaml: deletions)."""
    ids = firm.world.store.ids("documents")
    for id_ in firm.rng.sample(ids, max(1, len(ids) // 30)):
        at = firm.now - timedelta(days=firm.rng.randrange(1, 25))
        firm.world.change(Ref("documents", id_), at=at, deleted_at=stamp(at))


def _awkward(firm: Founding) -> None:
    """A folder of files with awkward names, and one with its files in the trash."""
    at = firm.now - timedelta(days=30)
    for name, papers in (("Awkward names", names.AWKWARD), ("Thrown away", ("one.txt", "two.txt"))):
        made = folder(firm.world, firm, firm.root, name, at)
        for paper in papers:
            document(firm.world, firm, made, at, named=paper)
    trash(firm.world, made, firm.now - timedelta(days=3))


def _short(firm: Founding) -> None:
    """Many documents of little, of all matters in turn."""
    world = firm.world
    roots = [
        Ref("folders", root)
        for matter in firm.matters
        for root in world.store.referrers("folders", "_matter_root", matter)
    ]
    for number in range(firm.size.short_documents):
        at = firm.when(number, firm.size.short_documents)
        paper = document(world, firm, roots[number % len(roots)], at, versions=0)
        name, content_type = world.row(paper)["name"], "text/plain"
        version(world, firm, paper, 1, name, content_type, firm.rng.randrange(1, SHORT), at)


def _conversation(firm: Founding) -> None:
    world, at = firm.world, firm.early()
    talk = world.create(
        "conversations", at, archived=False, read_only=False, current_user_is_member=True, subject="Key to the vault",
        read=True, time_entries_count=0, matter=firm.matters[0] if firm.matters else None, documents=[],
        memberships=[world.part("memberships", at, read=True, archived=False, member=firm.users[1])],
    )  # fmt: skip
    for text in ("Who has the key?", "It is in the safe."):
        world.create(
            "conversation_messages", at, date=stamp(at), body=text, conversation=talk, sender=firm.users[1],
            receivers=[firm.users[0]], document=None,
        )  # fmt: skip


def _one_of_each(firm: Founding) -> None:
    """Rarer things, so that no resource is empty."""
    if not firm.matters:
        return
    world, at, matter = firm.world, firm.after(firm.moment(firm.matters[0])), firm.matters[0]
    paper = Ref("documents", world.store.ids("documents")[0])
    world.create("comments", at, message="Please check page 2.", deleted_at=None, creator=firm.users[1], _item=paper,
                 document_version=world.row(paper)["latest_document_version"])  # fmt: skip
    world.create("comments", at, message="Done.", deleted_at=stamp(at), creator=firm.users[2], _item=paper,
                 document_version=None)  # fmt: skip
    world.create(
        "damages",
        at,
        amount=18_500.0,
        damage_type="special",
        description="Loss of stock",
        matter=matter,
    )
    world.create(
        "medical_records_details", at, bills_status="requested", records_status="received", in_treatment=False,
        description="Examination", matter=matter, medical_provider=firm.contacts[0],
        medical_bills=[world.create("medical_bills", at, name="Clinic", amount=420.0, adjustment=0.0, damage_type=None,
                                    bill_date=stamp(at)[:10], document_id=paper.id, matter=matter)],
        medical_records=[world.create("medical_records", at, document_id=paper.id, matter=matter,
                                      start_date=stamp(at), end_date=stamp(at))],
    )  # fmt: skip
    docket = world.create(
        "court_rules/matter_dockets", at, name="Superior Court", start_date=stamp(at)[:10], start_time=stamp(at),
        status="completed", deleted_at=None, matter=matter, jurisdiction=Ref("court_rules/jurisdictions", 101),
        trigger=Ref("court_rules/triggers", 101), service_type=Ref("court_rules/service_types", 101),
    )  # fmt: skip
    entry = calendar_entry(world, firm, matter, at)
    world.change(entry, at=at, quiet=True, matter_docket=docket, court_rule=True)
    reminder(world, firm, entry, at)
    sample = world.files.paper("Engagement.docx", firm.rng)
    if sample is not None:
        world.files.keep("template-1", sample)
    held = Object(
        4_096 if sample is None else len(sample), dict(names.TYPES)["docx"], "Engagement.docx"
    )
    world.files.objects["template-1"] = held
    template = world.create(
        "document_templates", at, filename="Engagement.docx", size=held.size, _object="template-1", document_category=firm.categories[0],
        content_type=dict(names.TYPES)["docx"], last_modified_by=firm.users[0],
    )  # fmt: skip
    world.create(
        "document_automations", at, state="completed", export_formats="original", filename="Engagement.docx",
        matter=matter, document_template=template, documents=[paper],
    )  # fmt: skip
    world.create(
        "log_entries",
        at,
        type="MatterLogEntry",
        accessed_at=stamp(at),
        item=matter,
        user=firm.users[BACKUP],
    )
    event = world.create(
        "events", at, message="A task was finished", icon="task", title="Task", occurred_at=stamp(at),
        subject_type="Task", subject_id=101,
    )  # fmt: skip
    world.create("internal_notifications/my_events", at, event=event, _user=firm.users[BACKUP])
    world.create("internal_notifications/event_metrics", at, unread_mobile_events=0, unread_web_events=1,
                 unread_secure_messages=0, unread_client_portal_messages=0, unread_text_messages=0)  # fmt: skip
    world.create("activity_rates", at, rate=275.0, flat_rate=False, contact_id=firm.clients[0].id, user=firm.users[2],
                 co_counsel_contact_id=None, group=None, _contact=firm.clients[0])  # fmt: skip
