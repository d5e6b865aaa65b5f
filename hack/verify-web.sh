#!/usr/bin/env bash
# Fails if the sources of the page have errors, if its tests fail, if the types
# of the API or pkg/web/dist are stale, or if the page is too large. The tree
# stays as it is, but for hack/web/node_modules.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v npm >/dev/null || ! node -e '
    const [major, minor] = process.versions.node.split(".").map(Number)
    process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' 2>/dev/null; then
  echo 'hack/verify-web.sh did not run: it needs node 20.19 or later' >&2
  exit 0
fi

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

hack/web.sh "$fresh/dist"
if ! diff -rq pkg/web/dist "$fresh/dist"; then
  echo 'pkg/web/dist is stale: run "make web"' >&2
  exit 1
fi
(
  cd hack/web
  node types.mjs "$fresh/schema.d.ts"
  if ! diff -u src/api/schema.d.ts "$fresh/schema.d.ts"; then
    echo 'hack/web/src/api/schema.d.ts is stale: run "npm run types" in hack/web' >&2
    exit 1
  fi
  npm run --silent check
  npm test --silent
)
