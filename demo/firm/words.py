"""The words the example firm is made of. Every person, company, court and address is invented."""

from __future__ import annotations

FIRM = "Harrow, Okafor & Lindqvist LLP"
FIRM_DOMAIN = "harrow-okafor.example"

STAFF = (
    ("Miriam", "Harrow"),
    ("Chidi", "Okafor"),
    ("Zoë", "Lindqvist"),
    ("Rafael", "Ibáñez"),
    ("Nguyễn Thị", "Mai"),
    ("Siobhán", "O’Leary"),
    ("Tomasz", "Wójcik"),
    ("Grace", "Whitfield"),
    ("Dmitri", "Antonov"),
    ("Aiko", "Tanabe"),
    ("Louis", "Béranger"),
    ("Hannah", "Kessler"),
)

GIVEN = (
    "Maria", "James", "Aisha", "Robert", "Elena", "Kwame", "Patricia", "Daniel", "Priya", "Thomas",
    "Ingrid", "Samuel", "Yuki", "Margaret", "Omar", "Caroline", "Diego", "Ruth", "Viktor", "Leila",
    "Walter", "Noemi", "George", "Anika", "Peter", "Rosalind", "Hassan", "Judith", "Mateo", "Fiona",
    "Renée", "Björn", "Łukasz", "Açelya", "José", "Zoë",
)  # fmt: skip

SURNAMES = (
    "Alvarez", "Bennett", "Castellano", "Delacroix", "Eriksen", "Farouk", "Gallagher", "Hashimoto",
    "Iwuji", "Jankowski", "Kowalczyk", "Lombardi", "Mbeki", "Novak", "O'Rourke", "Petrov", "Quist",
    "Rahman", "Santoro", "Thibodeaux", "Underhill", "Vasquez", "Whitaker", "Xiong", "Yamamoto",
    "Zielinski", "Abernathy", "Brandt", "Chowdhury", "Dvořák", "Esposito", "Fitzgerald", "Greene",
    "Hollis", "Ivanova", "Jensen", "Keller", "Lund", "Marchetti", "Nakamura", "Oyelaran", "Pruitt",
    "Ramírez", "Schäfer", "Tran", "Ulrich", "Villanueva", "Weiss", "Yilmaz", "Zhou", "Boateng",
    "Carmichael", "D'Angelo", "Engström", "Fontaine", "Grimaldi", "Haddad", "Isaksson", "Joshi",
    "Kaminski", "Le Clerc", "Moreau", "Ndiaye", "Osei", "Pappas", "Rosenthal", "Sørensen", "Teller",
)  # fmt: skip

COMPANY_NAMES = (
    "Northgate", "Blue Heron", "Castle Rock", "Delmar", "Eastfield", "Fairhaven", "Greystone",
    "Hollow Creek", "Ironbridge", "Juniper", "Kestrel", "Larkspur", "Meridian", "Nine Elms",
    "Oakhurst", "Pinecrest", "Quayside", "Redwater", "Saltmarsh", "Three Rivers", "Upland",
    "Vantage Point", "Westbrook", "Yellowtail", "Ashgrove", "Birchwood", "Coppermine", "Duskfield",
    "Emberline", "Foxglove", "Gull Island", "Hawthorn", "Kiln Lane", "Lantern", "Millrace",
    "Otter Bay", "Plumtree", "Rookery", "Stillwater", "Tallgrass",
)  # fmt: skip

COMPANY_TRADES = (
    "Logistics", "Holdings LLC", "Dental Group", "Foods Inc.", "Robotics", "Development Corp.",
    "Insurance Company", "Medical Center", "Properties LP", "Outfitters", "Analytics", "Breweries",
    "Marine Supply", "Builders", "Pharmaceuticals", "School District", "Energy Partners",
    "Staffing", "Textiles", "Software GmbH", "Credit Union", "Trucking", "Orchards", "Press",
)  # fmt: skip

STREETS = (
    "Mill Street", "Harbor Road", "Juniper Avenue", "Old Post Road", "Larch Lane", "Quarry Hill",
    "Canal Street", "Orchard Terrace", "Bay View Drive", "Foundry Row", "Chapel Street",
)  # fmt: skip

TOWNS = ("Ellery", "Port Cassin", "Wexcombe", "Marlow Falls", "Dunmere", "Highcastle", "Sedgeford")

COURTS = (
    "Superior Court, County of Ellery",
    "District Court, Port Cassin Division",
    "Probate and Family Court, Wexcombe County",
    "Court of Appeals, Second Circuit of Dunmere",
    "Land Court, Highcastle County",
)

JUDGES = ("Aldana", "Birnbaum", "Cho", "Eversley", "Fordham", "Ogunleye", "Prescott", "Tamura")

INVENTIONS = (
    "LOCKING HINGE ASSEMBLY", "METHOD FOR DRYING SEED", "ADAPTIVE CONVEYOR CONTROL", "FOLDING BOAT",
    "LOW-NOISE PUMP", "TAMPER-EVIDENT CLOSURE",
)  # fmt: skip
