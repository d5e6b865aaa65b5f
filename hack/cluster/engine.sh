#!/usr/bin/env bash
# Brings up a Docker engine in namespaces of its own, or ends it with all that runs in them, such as a cluster.
#   engine.sh up DIRECTORY    returns when the engine answers at DIRECTORY/docker.sock
#   engine.sh down DIRECTORY  returns when nothing runs any more; the files stay
# Both may be called again. Its network is reached by run.sh alone, its sockets from everywhere.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
directory=$(realpath -m "$2")

# The engine runs as long as this process of the host does: with it ends the first process of the namespaces, and so
# all others.
holder() {
  [[ -f $directory/holder.pid ]] && pgrep --full --list-full "^unshare .* $directory( |$)" |
    cut -d ' ' -f 1 | grep -x "$(<"$directory/holder.pid")"
}

# Succeeds while a process of the namespace is left.
inhabited() {
  [[ $(find /proc -maxdepth 3 -path '/proc/[0-9]*/ns/pid' -lname "$1" 2>/dev/null) ]]
}

up() {
  if ! holder >/dev/null; then
    local programs
    programs=$("$here/packages.sh")
    mkdir -p "$directory/config"
    ln -sfT "$programs/cli-plugins" "$directory/config/cli-plugins"
    # What an engine that was killed says about its processes.
    rm -rf "$directory"/{docker.sock,dockerd.pid,init.pid,exec}
    setsid unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private \
      "$here/init.sh" "$directory" "$programs" >"$directory/engine.log" 2>&1 </dev/null &
    echo $! >"$directory/holder.pid"
  fi
  local end=$((SECONDS + 60))
  until docker --host "unix://$directory/docker.sock" version >/dev/null 2>&1; do
    if ! holder >/dev/null || ((SECONDS > end)); then
      echo "engine.sh: the engine doesn't answer; the end of $directory/engine.log:" >&2
      tail -n 5 "$directory/engine.log" >&2
      down
      exit 1
    fi
    sleep 0.1
  done
  pgrep --parent "$(<"$directory/holder.pid")" >"$directory/init.pid"
}

down() {
  local process end=$((SECONDS + 30))
  process=$(holder) || return 0
  local namespace
  namespace=$(readlink "/proc/$(pgrep --parent "$process")/ns/pid")
  kill -KILL "$process"
  # Processes of a namespace end after its first one, and cgroups when they are empty.
  while inhabited "$namespace" || ! "$here/cgroup.sh" remove "$directory"; do
    if ((SECONDS > end)); then
      echo "engine.sh: processes or cgroups of $directory are left" >&2
      exit 1
    fi
    sleep 0.1
  done
  rm -f "$directory"/{holder,init}.pid
}

case $1 in
  up | down) "$1" ;;
  *)
    echo "usage: engine.sh up|down DIRECTORY" >&2
    exit 2
    ;;
esac
