#!/usr/bin/env bash
# Shows that Sessions work with what others have: tilt-apiserver, Tilt's own Go
# types and controller-runtime. Needs nothing but the module proxy.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo "What is built without tilt-apiserver and controller-runtime: the program, the types, the clients"
linked=$(go list -deps ./cmd/... ./pkg/apis/... ./pkg/generated/... | grep -E 'tilt-apiserver|controller-runtime|/tiltapiserver$' || true)
if [[ -n $linked ]]; then
  printf 'they depend on:\n%s\n' "$linked" >&2
  exit 1
fi

echo
echo "Sessions served by tilt-apiserver's builder, compared with our own server"
go test -count=1 -v "$@" ./pkg/tiltapiserver

echo
echo "Tilt's own Go types through controller-runtime, at a running tilt-session"
cd hack/interop
go vet ./...
go test -count=1 -v "$@" ./...
