#!/usr/bin/env bash
# Builds an archive for each platform, their checksums, and the notes of the
# release from the changelog. Arguments: the version, then the platforms.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1
shift

dist=bin/dist
rm -rf "$dist"
mkdir -p "$dist"
for platform in "$@"; do
  name=tilt-session_${version}_${platform/\//_}
  mkdir "$dist/$name"
  GOOS=${platform%/*} GOARCH=${platform#*/} CGO_ENABLED=0 \
    go build -trimpath -ldflags "-s -w -X main.version=$version" -o "$dist/$name/tilt-session" ./cmd/tilt-session
  cp LICENSE README.md "$dist/$name"
  tar -C "$dist" -czf "$dist/$name.tar.gz" "$name"
  rm -r "${dist:?}/$name"
done
(cd "$dist" && sha256sum ./*.tar.gz >SHA256SUMS)
awk -v heading="## ${version#v}" 'index($0, "## ") == 1 {inside = index($0, heading) == 1; next} inside' \
  .github/CHANGELOG.md >"$dist/NOTES.md"
