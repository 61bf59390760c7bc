"""Names for an invented firm. No person and no company is meant: the words are put together by lot."""

from __future__ import annotations

import random

THINGS = [
    "Lantern",
    "Kettle",
    "Anvil",
    "Pebble",
    "Thistle",
    "Compass",
    "Teacup",
    "Umbrella",
    "Windmill",
    "Accordion",
    "Marble",
    "Bobbin",
    "Sundial",
    "Hammock",
    "Trellis",
    "Paddle",
    "Gazebo",
    "Satchel",
    "Spindle",
    "Cobble",
    "Flagon",
    "Inkwell",
    "Parasol",
    "Turnip",
    "Quill",
    "Barrel",
    "Candle",
    "Button",
    "Ladder",
    "Puddle",
    "Saucer",
    "Wicket",
    "Bramble",
    "Cork",
    "Dumpling",
    "Ferret",
    "Gherkin",
    "Hatbox",
    "Juniper",
    "Kazoo",
]
COLOURS = [
    "Amber",
    "Teal",
    "Crimson",
    "Ochre",
    "Indigo",
    "Mauve",
    "Scarlet",
    "Umber",
    "Violet",
    "Saffron",
    "Russet",
    "Cobalt",
    "Ivory",
    "Jade",
]
TRADES = [
    "Works",
    "Supply",
    "Trading",
    "Holdings",
    "Foundry",
    "Mills",
    "Freight",
    "Orchards",
    "Logistics",
    "Ceramics",
    "Bakeries",
    "Instruments",
]
FORMS = ("LLC", "Inc.", "Ltd.", "Corp.", "LLP")
STREETS = ("Invented Way", "Sample Street", "Specimen Road", "Mock Lane", "Placeholder Avenue")
CITIES = (("Exampleton", "CA"), ("Sampleville", "OR"), ("Mockford", "NV"), ("Specimen Bay", "WA"))
SUBJECTS = (
    "Supply agreement", "Lease of premises", "Trademark filing", "Wage claim", "Boundary dispute",
    "Shareholder agreement", "Purchase of equipment", "Insurance coverage", "Delivery default",
    "Licence of designs", "Zoning appeal", "Refinancing", "Franchise review", "Warranty claim",
)  # fmt: skip
PAPERS = (
    "Engagement letter", "Complaint", "Answer", "Motion to compel", "Settlement draft", "Exhibit list",
    "Deposition notes", "Invoice scan", "Board minutes", "Inspection report", "Title search", "Retainer receipt",
)  # fmt: skip
SENTENCES = (
    "The other side asks for two more weeks.",
    "Client approved the draft; naïve wording in § 4 is to be changed.",
    "Called the clerk: filing accepted, fee of $120 paid.",
    "Waiting for the signed copy from the registry.",
    "Café meeting moved; see the calendar — no change to the deadline.",
    "Reviewed 34 pages, flagged three clauses.",
    "Sent the revised schedule. 合同 attached.",
    "No reply yet to the letter of last week.",
)
TYPES = (
    ("pdf", "application/pdf"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("txt", "text/plain"),
    ("png", "image/png"),
    ("eml", "message/rfc822"),
)


# Names a file system may not like: what a client makes of them is the client's affair.
AWKWARD = (
    'Exhibit: "A" <draft> / 2?.pdf', "Übergabe – 合同 📎.docx", "  leading and trailing. ", "NUL.txt",
    "../../up.pdf", "same.txt", "same.txt", "Same.TXT", f"{'long ' * 48}.pdf", "נספח א.pdf",
)  # fmt: skip


def company(rng: random.Random) -> str:
    return f"{rng.choice(COLOURS)} {rng.choice(THINGS)} {rng.choice(TRADES)} {rng.choice(FORMS)}"


def person(rng: random.Random) -> tuple[str, str]:
    """First and last name, of nobody."""
    return f"{rng.choice(COLOURS)}", f"{rng.choice(THINGS)}-{rng.choice(THINGS)}"


def mailbox(name: str) -> str:
    """An address under a domain that is kept for examples (RFC 2606)."""
    return "".join(c for c in name.lower().replace(" ", ".") if c.isalnum() or c in ".-").strip(
        "."
    ) + ("@clients.example")


def telephone(rng: random.Random) -> str:
    """555-0100 to 555-0199 are kept for fiction."""
    return f"+1 {rng.randrange(201, 990)} 555 01{rng.randrange(100):02d}"


def sentence(rng: random.Random) -> str:
    return " ".join(rng.sample(SENTENCES, rng.randrange(1, 4)))


def file_name(rng: random.Random) -> tuple[str, str]:
    """A document's name and its type."""
    ending, kind = rng.choice(TYPES)
    return f"{rng.choice(PAPERS)} {rng.randrange(1, 100)}.{ending}", kind
