#!/bin/sh
# The suite behind `make test`: linters, types, import contracts, tests with coverage.
# Under CI=true it installs the system's packages first, and a skipped test is a failure.
set -eu
cd "$(dirname "$0")/.."
BIN=$(pwd)/${VENV:-.venv}/bin
PATH=$BIN:$PATH
export PATH PYTHONDONTWRITEBYTECODE=

PACKAGES="acl age attr busybox chromium e2fsprogs gawk libarchive-tools mariadb-server mksh original-awk pst-utils samba samba-vfs-modules zstd"
missing() {
  for program in age bsdtar busybox chromium gawk mariadb-dump mkfs.ext4 mksh original-awk readpst setfacl setfattr smbd zstd; do
    command -v "$program" >/dev/null 2>&1 || return 0
  done
  return 1
}
if [ "${CI:-}" = true ] && missing; then
  echo "== system packages: $PACKAGES"
  SUDO=$([ "$(id -u)" = 0 ] || echo sudo)
  # Another installation on the same machine is waited for, not an error.
  $SUDO apt-get update -qq -o DPkg::Lock::Timeout=300
  DEBIAN_FRONTEND=noninteractive $SUDO apt-get install -y -qq -o DPkg::Lock::Timeout=300 --no-install-recommends $PACKAGES >/dev/null
fi

# What the tests write is gone with them, and they wait for the medium thousands of times: a third of their time on a disk.
if [ -z "${TMPDIR:-}" ] && [ "$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 {print int($4 / 1048576)}')" -ge 8 ] 2>/dev/null &&
  [ "$(awk '/^MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo)" -ge 14 ]; then
  TMPDIR=$(mktemp -d /dev/shm/mt.XXXXXX)
  chmod 755 "$TMPDIR"
  export TMPDIR
  MEMORY=$TMPDIR
fi
SAID=$(mktemp)
trap 'rm -rf "$SAID" "${MEMORY:-$SAID}"' EXIT
echo "== ruff"
ruff check .
ruff format --check .
types() {
  echo "== mypy"
  mypy || return 1
  echo "== imports"
  lint-imports --no-cache || return 1
}
if [ "${1:-}" = check ]; then
  types
  exit 0
fi
# Types are checked beside the tests: one processor of two would have nothing to do meanwhile.
types >"$SAID" 2>&1 &
TYPES=$!
FAILED=0
# One more than processors: a quarter of the time one waits, mostly for Airflow's scheduler. On two: 740 s instead of 930.
echo "== tests"
python -m tests.support.measured -n "${WORKERS:-3}" -q "$@" || FAILED=$?
wait "$TYPES" || FAILED=1
cat "$SAID"
exit "$FAILED"
