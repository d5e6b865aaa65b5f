#!/usr/bin/env bash
# Fails and prints the reason if this machine can't run the engine, or with the argument "cluster" the cluster. The
# cluster also wants the Kubernetes program to be built: see build.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

lacks() {
  echo "$1"
  exit 1
}

[[ $(uname) == Linux ]] || lacks "it needs Linux"
[[ $(id -u) == 0 ]] || lacks "it needs root, for namespaces and packages"
grep -qs '^ID=debian$' /etc/os-release || lacks "it takes its programs from Debian's packages"
unshare --mount --net --pid --fork --mount-proc true 2>/dev/null || lacks "this machine allows no new namespaces"
for program in go docker; do
  command -v "$program" >/dev/null || lacks "$program isn't installed"
done
if [[ ${1:-} == cluster ]]; then
  command -v kubectl >/dev/null || lacks "kubectl isn't installed"
  [[ -d /sys/fs/cgroup/memory ]] || lacks "the node is set up for cgroup v1, and this machine has cgroup v2"
  [[ -x $(./build.sh --path)/kube ]] || lacks "the Kubernetes program isn't built: run hack/cluster/build.sh (5 to 40 minutes)"
fi
