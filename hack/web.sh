#!/usr/bin/env bash
# Builds the page into pkg/web/dist, which is embedded and checked in. With a
# directory as its argument it builds there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=${1:-$PWD/pkg/web/dist}
cd hack/web
npm ci --ignore-scripts --no-audit --no-fund --silent
npx vite build --logLevel warn --outDir "$out" --emptyOutDir
node sizes.mjs "$out"
