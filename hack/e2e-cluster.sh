#!/usr/bin/env bash
# Runs the stories of people who deploy to a cluster, which comes up for them and ends with them. The first time
# Kubernetes is built, which takes 5 to 40 minutes. Arguments are those of go test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

hack/cluster/build.sh >/dev/null
if ! reason=$(hack/cluster/check.sh cluster); then
  echo "hack/e2e-cluster.sh: $reason" >&2
  exit 1
fi
directory=$(mktemp -d)
finish() {
  local status=$?
  hack/cluster/cluster.sh down "$directory" && rm -rf "$directory" || status=1
  exit "$status"
}
trap finish EXIT

tools=$(hack/cluster/tools.sh)
hack/cluster/cluster.sh up "$directory"
go vet -tags cluster ./hack/e2e-cluster/...
PATH=$tools:$PATH hack/cluster/run.sh "$directory" \
  go test -count=1 -timeout 40m -v -tags cluster "$@" ./hack/e2e-cluster -args -cluster="$directory"
