#!/usr/bin/env bash
# Builds a kube-apiserver into the user's cache, if it isn't there, and prints its
# path. It takes some minutes, and only the module proxy.
set -euo pipefail

version=1.36.3
directory=${XDG_CACHE_HOME:-$HOME/.cache}/tilt-session/kube-apiserver
program=$directory/kube-apiserver-v$version
if [[ ! -x $program ]]; then
  mkdir -p "$directory"
  module=$(mktemp -d "$directory/build-XXXXXX")
  trap 'rm -rf "$module"' EXIT
  cd "$module"
  go mod init kube-apiserver >&2
  # Kubernetes is built with parts of its own tree, which are published as modules.
  kubernetes=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/.*"GoMod": "\(.*\)",*/\1/p')
  sed -n 's|^\t*\(replace \)\{0,1\}\(k8s\.io/[^ ]*\) => \./staging/.*|\2|p' "$kubernetes" |
    while read -r part; do go mod edit -replace "$part=$part@v0.${version#*.}"; done
  go get -tool "k8s.io/kubernetes/cmd/kube-apiserver@v$version" >&2
  go build -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=v$version" -o kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver >&2
  mv kube-apiserver "$program"
fi
echo "$program"
