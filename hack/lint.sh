#!/usr/bin/env bash
# Runs the linters of .golangci.yml on every module, and govulncheck where its
# database can be reached.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

unformatted=$(git ls-files '*.go' | xargs gofmt -l)
if [ -n "$unformatted" ]; then
  printf 'not formatted with gofmt:\n%s\n' "$unformatted" >&2
  exit 1
fi

root=$PWD
golangci=$(cd hack/tools && go tool -n golangci-lint)
for module in . hack/e2e hack/interop hack/bench; do
  (cd "$module" && "$golangci" run --config "$root/.golangci.yml" ./...)
done

# What only engine and cluster run.
go vet -tags 'engine cluster browser' ./hack/... ./pkg/kube/...

out=$(mktemp)
trap 'rm -f "$out"' EXIT
status=0
go tool govulncheck ./... >"$out" 2>&1 || status=$?
case $status in
  0) ;;
  3)
    cat "$out"
    exit 1
    ;;
  *)
    echo "govulncheck: the vulnerability database can't be reached, so nothing was checked:" >&2
    head -n 3 "$out" >&2
    ;;
esac
