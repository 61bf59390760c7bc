"""Sources: systems of a firm that items come out of and can be given back to.

A source knows nothing of storage, keys, Airflow or other sources. It lists what is there, opens
one item at a time, and - only through an approved restore - takes items back. The protocol is in
`base`; each system has a package of its own beside it.
"""
