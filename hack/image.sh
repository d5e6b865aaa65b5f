#!/usr/bin/env bash
# Builds the container image with the given name and version, and runs it as the
# manifests do.
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
echo "hack/image.sh: docker or podman must run here" >&2
exit 1
