#!/usr/bin/env bash
# Runs a command in the network of an engine or cluster, with what reaches them in its environment.
#   run.sh DIRECTORY COMMAND...
set -euo pipefail
directory=$(realpath "$1")
shift

export DOCKER_HOST=unix://$directory/docker.sock DOCKER_CONFIG=$directory/config
if [[ -f $directory/kubeconfig ]]; then
  export KUBECONFIG=$directory/kubeconfig
fi
exec nsenter --net --target "$(<"$directory/init.pid")" -- "$@"
