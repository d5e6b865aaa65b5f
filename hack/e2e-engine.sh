#!/usr/bin/env bash
# Runs the tests that need a Docker engine, which comes up for them and ends with them. Arguments are those of go test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! reason=$(hack/cluster/check.sh engine); then
  echo "hack/e2e-engine.sh: $reason" >&2
  exit 1
fi
directory=$(mktemp -d)
finish() {
  local status=$?
  hack/cluster/engine.sh down "$directory" && rm -rf "$directory" || status=1
  exit "$status"
}
trap finish EXIT

hack/cluster/engine.sh up "$directory"
go vet -tags engine ./hack/engine/...
hack/cluster/run.sh "$directory" go test -count=1 -timeout 10m -v -tags engine "$@" ./hack/engine/...
