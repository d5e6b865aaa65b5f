#!/usr/bin/env bash
# Runs the parity corpus against the built binary. Arguments go to the runner.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v python3 >/dev/null; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "hack/parity.sh: python3 is needed and not installed" >&2
    exit 1
  fi
  apt-get update -qq && apt-get install -qqy python3 >/dev/null
fi

home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3 hack/parity/run.py --bin bin/tilt-session --ours --jobs 2 --home "$home" "$@"
