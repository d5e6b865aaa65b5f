#!/usr/bin/env bash
# Builds the container image with the name and the version given, and runs it as the
# manifests have it run. Where there's no engine, its Dockerfile is checked instead.
set -euo pipefail
cd "$(dirname "$0")/.."
image=$1 version=$2

for engine in docker podman; do
  if command -v "$engine" >/dev/null && "$engine" info >/dev/null 2>&1; then
    "$engine" build -f api/deploy/Dockerfile --build-arg "VERSION=$version" -t "$image" .
    "$engine" run --rm --read-only --user 65532:65532 --cap-drop ALL "$image" version
    exit
  fi
done
echo "neither docker nor podman has an engine here: the Dockerfile is checked, and no image is built" >&2
cd hack/image
go vet ./...
go test -count=1 ./...
