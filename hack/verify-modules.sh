#!/usr/bin/env bash
# Fails if go.mod or go.sum of a module isn't what "go mod tidy" makes of it.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0
for file in $(git ls-files '*go.mod'); do
  if ! (cd "$(dirname "$file")" && go mod tidy -diff); then
    echo "$file or its go.sum is stale: run 'go mod tidy' there and look at what changes" >&2
    status=1
  fi
done
exit "$status"
