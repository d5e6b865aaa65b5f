#!/usr/bin/env bash
# Fails if api/openapi-spec or api/reference.md differs from what the server
# serves now. The tree stays as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

go run ./hack/apidocs -directory "$fresh"

if ! diff -ru api/openapi-spec "$fresh/openapi-spec" || ! diff -u api/reference.md "$fresh/reference.md"; then
  echo "the published API documents are stale: run hack/update-openapi.sh" >&2
  exit 1
fi
