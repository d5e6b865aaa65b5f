#!/usr/bin/env bash
# The first process of the engine's namespaces. Arguments: the engine's directory, and that of its programs.
set -euo pipefail
directory=$1
PATH=$2:$PATH

# What the programs keep at fixed places is this engine's own, and goes with it.
for place in /run/{containerd,docker} /var/lib/{cni,kubelet} /var/log/containers; do
  mkdir -p "$place"
  mount -t tmpfs tmpfs "$place"
done

ip link set lo up
# An engine that has to turn this on itself drops what isn't its own, such as the traffic of pods.
sysctl -qw net.ipv4.ip_forward=1
dockerd --host "unix://$directory/docker.sock" --data-root "$directory/docker" --exec-root "$directory/exec" \
  --pidfile "$directory/dockerd.pid" --cgroup-parent "$("$(dirname "$0")/cgroup.sh" name "$directory")" &
# Others that start here are children of this process once their own parent ends, and it reaps them.
wait
