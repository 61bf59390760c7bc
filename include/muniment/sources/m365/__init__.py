"""Microsoft 365 over Microsoft Graph v1.0: mail, calendars, contacts, OneDrive and SharePoint of one tenant.

Nouns
- Cloud (`cloud`): which of Microsoft's clouds the tenant lives in; sign-in, Graph and scope move together.
- Application (`identity`): the firm's registration, with a certificate, a secret or a managed identity; its roles.
- Pace (`pace`): how much may be asked of a service, and how many requests at a time, over all processes here.
- Client (`client`): all that asks the tenant; pages and delta rounds (`rounds`).
- Mailbox (`mailbox`): the folders and messages of one user; what changed since the last run, or all.
- Clues (`items`): what an item shows of its matter, which the firm's rules are held against.

Invariants: nothing is written in the tenant; a link that the vendor gives is followed on the configured host
only; a delta link is remembered by the commit that has all it covers, and by nothing else; the bytes of a
message are kept as they came.
"""
