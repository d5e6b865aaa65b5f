#!/usr/bin/env bash
# Regenerates api/tiltfile.md from the builtins of a Tiltfile and from
# pkg/tiltfile/testdata/reference.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

go test -count=1 -run '^TestReference$' ./pkg/tiltfile -args -update
