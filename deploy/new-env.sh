#!/bin/sh
# Prints a .env with fresh secrets:  (umask 077; sh deploy/new-env.sh > .env)
set -eu

hex() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

cat <<END
# Secrets of this installation. Readable by its owner only; never in version control.
POSTGRES_PASSWORD=$(hex)
AIRFLOW_FERNET_KEY=$(head -c 32 /dev/urandom | base64 | tr '+/' '-_')
AIRFLOW_SECRET_KEY=$(hex)
AIRFLOW_JWT_SECRET=$(hex)$(hex)
AIRFLOW_ADMIN_PASSWORD=$(hex)
END
