#!/usr/bin/env bash
# Runs the stories of a team's API: replicas over etcd, behind an aggregator. Needs Go,
# the module proxy and kubectl. Arguments are those of go test, such as -run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cd hack/e2e
# One after the other: what is measured is whether anything fails under load.
go test -count=1 -p 1 -timeout 30m -v "$@" ./...
