"""The command line: for whoever is left on the day Airflow is down. Files and keys, no Airflow.

Nouns
- Session: what one call was told: a firm's folder, or a store with the two numbers of the key card;
  which identities open it.
- Screen: where answers go. A person gets tables, a program one JSON document.
- Exit code: the answer in a number; see `muniment.cli.exits`.

Invariants
- Standard output carries the answer and nothing else; progress, questions and errors go to standard
  error. With `--json` it carries exactly one JSON document, also when the command fails.
- What destroys or overwrites is planned, shown and confirmed first.
- Errors carry no names of clients or files. `ls`, `show`, `diff` and `matters` do: that is what
  they are for, and the vault's keys decide who can run them.
- Nothing heavy is imported before a command needs it, and no module of another command (`commands`).
"""
