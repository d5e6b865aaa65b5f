#!/usr/bin/env bash
# Regenerates the types of the API that the page uses. The page itself is built
# by hack/web.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../hack/web"

if ! command -v npm >/dev/null; then
  echo 'hack/update-web.sh did not run: it needs npm' >&2
  exit 0
fi
npm ci --ignore-scripts --no-audit --no-fund --silent
npm run --silent types
