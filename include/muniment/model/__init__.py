"""The nouns, as frozen values: Item, Location, Row, Matter, counts and completeness.

Nothing here does anything. Whatever is written into the store has its written form in
`muniment.vault.format`; these are the forms that sources, backup and recovery hand to each other.
"""
