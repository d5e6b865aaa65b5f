#!/usr/bin/env bash
# Fails if go.mod or go.sum isn't what "go mod tidy" makes of it.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! go mod tidy -diff; then
  echo "go.mod or go.sum is stale: run 'go mod tidy' and look at what changes" >&2
  exit 1
fi
