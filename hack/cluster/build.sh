#!/usr/bin/env bash
# Builds Kubernetes into the user's cache, if it isn't there, and prints the directory: the program kube, and links to
# it named kube-apiserver, kubelet and so on. It takes 5 to 40 minutes, and only the module proxy.
#   --path  prints the directory without building
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/kube"

version=$(sed -n 's|^require k8s.io/kubernetes v||p; s|^\tk8s.io/kubernetes v||p' go.mod)
directory=${XDG_CACHE_HOME:-$HOME/.cache}/tilt-session/kubernetes-v$version
if [[ ${1:-} != --path && ! -x $directory/kube ]]; then
  echo "building Kubernetes $version, which takes 5 to 40 minutes" >&2
  mkdir -p "$directory"
  part=$(mktemp "$directory/kube-XXXXXX")
  trap 'rm -f "$part"' EXIT
  IFS=. read -r major minor _ <<<"$version"
  package=k8s.io/component-base/version
  CGO_ENABLED=0 go build -o "$part" -ldflags "-s -w -X $package.gitVersion=v$version \
    -X $package.gitMajor=$major -X $package.gitMinor=$minor" . >&2
  for name in kube-apiserver kube-controller-manager kube-proxy kube-scheduler kubelet; do
    ln -sf kube "$directory/$name"
  done
  chmod 755 "$part"
  mv "$part" "$directory/kube"
fi
echo "$directory"
