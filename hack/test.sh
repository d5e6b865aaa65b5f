#!/usr/bin/env bash
# Runs all tests of the main module once and lists the slowest: the packages in
# which goroutines share state under the race detector, the others without it.
#   --short  runs the quick half, without the race detector
#   --race   runs everything under the race detector
# Results are never taken from the cache.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

concurrent='/pkg/(apiserver|certs|controller|engine|filewatch|host|image|kube/(cluster|deploy|workload)|local|logs|probe|process|registry/.*|storage/.*|storage|view/live)$'
# What takes longer than a few seconds.
slow='/(pkg/(apiserver|certs|controller|storage|storage/bolt|testing/.*|tiltfile|generated)|hack/.*)$'
packages=$(go list ./cmd/... ./pkg/... ./hack/...)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

run() {
  local part=$1 status=0
  shift
  go tool gotestsum --format pkgname --hide-summary skipped --jsonfile "$log" -- -count=1 -timeout=30m "$@" || status=$?
  echo
  echo "Slowest tests ($part):"
  go tool gotestsum tool slowest --num 8 --threshold 1s --jsonfile "$log"
  echo
  return "$status"
}

# -race also checks pointer arithmetic, which bbolt doesn't pass in files that a test
# has damaged: there it ends the process, and no one can catch that.
race=(-race -gcflags=go.etcd.io/bbolt/...=-d=checkptr=0)

# The race detector needs cgo.
can_race() {
  [ "$(go env CGO_ENABLED)" = 1 ] && command -v "$(go env CC)" >/dev/null
}

case ${1:-} in
  --short)
    run short -short $(grep -vE "$slow" <<<"$packages")
    ;;
  --race)
    run race "${race[@]}" $packages
    ;;
  *)
    if ! can_race; then
      echo "no C compiler: the race detector is left out" >&2
      run all $packages
      exit
    fi
    status=0
    run "race detector" "${race[@]}" $(grep -E "$concurrent" <<<"$packages") || status=$?
    run "the others" $(grep -vE "$concurrent" <<<"$packages") || status=$?
    exit "$status"
    ;;
esac
