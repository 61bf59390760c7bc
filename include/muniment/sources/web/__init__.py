"""Web: what every source asks for over HTTPS needs, whoever the vendor is. Knows no vendor.

Nouns
- Place (`place`): the one host that a token may be sent to, and the certificate authority behind it.
- Tokens, Access (`tokens`): a consent, kept sealed, renewed by one process at a time.
- OAuth (`oauth`): how consent is given, and tokens for it.
- Budget (`budget`): the requests that one consent may make, shared by all processes here.
- Wire (`wire`): one exchange over HTTPS, read whole or in pieces, with patience.
- Transport (`transport`): requests to an API under a consent; retries, rate limits, redirects.
- Change (`changes`): one change, sent once.
- Opened (`opened`): one item, a row or bytes in pieces, as an ItemReader.
- Download (`download`): a file behind a signed link, whole or not at all.
- Exact (`exact`): JSON that keeps every number as it came.

A vendor says what it does its own way as data: `transport.Vendor`, `oauth.Grant`, `budget.LimitHeaders`,
`place.Place`.
"""
