#!/usr/bin/env bash
# Regenerates api/openapi-spec and api/reference.md from what the server serves.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

go run ./hack/apidocs -directory api
