#!/usr/bin/env bash
# Runs go test with the given flags and packages, and lists the slowest tests.
# A second run does the work again: cached results are not taken.
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT

status=0
go tool gotestsum --format pkgname --hide-summary skipped --jsonfile "$log" -- -count=1 -timeout=30m "$@" || status=$?
echo
echo "Slowest tests:"
go tool gotestsum tool slowest --num 10 --threshold 500ms --jsonfile "$log"
exit "$status"
