#!/usr/bin/env bash
# Fails on what gofmt, go vet, staticcheck or govulncheck find in the given packages.
set -euo pipefail
cd "$(dirname "$0")/.."

unformatted=$(git ls-files '*.go' | xargs gofmt -l)
if [ -n "$unformatted" ]; then
  printf 'not formatted with gofmt:\n%s\n' "$unformatted" >&2
  exit 1
fi
go vet "$@"
go tool staticcheck "$@"

out=$(mktemp)
trap 'rm -f "$out"' EXIT
status=0
go tool govulncheck "$@" >"$out" 2>&1 || status=$?
case $status in
  0) ;;
  3) cat "$out"; exit 1 ;;
  *) echo "govulncheck: no answer from the vulnerability database, so nothing was checked:" >&2; head -n 3 "$out" >&2 ;;
esac
