#!/usr/bin/env bash
# Fails if generated code differs from what generation would write now. Works on
# a copy: the tree stays as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

mkdir "$copy/pkg"
cp go.mod go.sum "$copy"
cp -R hack "$copy"
cp -R pkg/apis pkg/generated "$copy/pkg"

"$copy/hack/update-codegen.sh"

if ! diff -ru pkg/apis "$copy/pkg/apis" || ! diff -ru pkg/generated "$copy/pkg/generated"; then
  echo "generated code is stale: run hack/update-codegen.sh" >&2
  exit 1
fi
