#!/usr/bin/env bash
# Tests Sessions with Tilt's own Go types and controller-runtime, and that the
# binary doesn't link them. Needs only the module proxy.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

linked=$(go list -deps ./cmd/... ./pkg/apis/... ./pkg/generated/... | grep -E 'tilt-apiserver|controller-runtime|/tiltapiserver$' || true)
if [[ -n $linked ]]; then
  printf 'they depend on:\n%s\n' "$linked" >&2
  exit 1
fi

echo
echo "Tilt's own Go types through controller-runtime, at a running tilt-session"
cd hack/interop
go test -count=1 -v "$@" ./...
