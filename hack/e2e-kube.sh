#!/usr/bin/env bash
# Runs the stories of a team's API with a kube-apiserver in front. The first time it's
# built, which takes some minutes. Arguments are those of go test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

program=$(hack/cluster/build.sh)/kube-apiserver
cd hack/e2e
go vet -tags kube ./...
go test -count=1 -timeout 30m -v -tags kube -run '^TestKube$' "$@" . -args -kube-apiserver="$program"
