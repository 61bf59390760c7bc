#!/bin/sh
# The suite behind `make test`: linters, types, import contracts, tests with coverage.
# Under CI=true it installs the system's packages first, and a skipped test is a failure.
set -eu
cd "$(dirname "$0")/.."
BIN=$(pwd)/${VENV:-.venv}/bin
PATH=$BIN:$PATH
export PATH PYTHONDONTWRITEBYTECODE=

PACKAGES="acl age attr busybox chromium e2fsprogs gawk libarchive-tools mksh original-awk zstd"
missing() {
  for program in age bsdtar busybox chromium gawk mkfs.ext4 mksh original-awk setfacl setfattr zstd; do
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

echo "== ruff"
ruff check .
ruff format --check .
echo "== mypy"
mypy
echo "== imports"
lint-imports --no-cache
[ "${1:-}" = check ] && exit 0
echo "== tests"
exec python -m slipcover -m pytest -n "${WORKERS:-2}" -q "$@"
