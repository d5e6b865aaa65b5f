#!/usr/bin/env bash
# Fails if api/tiltfile.md differs from the builtins of a Tiltfile. The tree stays
# as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

go test -count=1 -run '^TestReference$' ./pkg/tiltfile
