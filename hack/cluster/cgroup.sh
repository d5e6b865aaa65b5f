#!/usr/bin/env bash
# The control group of all containers of an engine or cluster, which no other one on the machine uses.
#   cgroup.sh name DIRECTORY    prints its name
#   cgroup.sh create DIRECTORY  makes it
#   cgroup.sh remove DIRECTORY  removes it with those below; fails while one has processes
set -euo pipefail
name=/tilt-session$(realpath -m "$2" | tr -c 'a-zA-Z0-9\n' -)

case $1 in
  name) echo "$name" ;;
  create) for controller in /sys/fs/cgroup/*/; do mkdir -p "$controller/$name"; done ;;
  remove)
    for controller in /sys/fs/cgroup/*/; do
      if [[ -d $controller/$name ]]; then
        find "$controller/$name" -depth -type d -exec rmdir {} + 2>/dev/null
      fi
    done
    ;;
esac
