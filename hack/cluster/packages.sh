#!/usr/bin/env bash
# Installs what the engine and the cluster need of Debian 12, and unpacks the engine of the release after it into the
# user's cache: that one has BuildKit, buildx and compose as people use them. Nothing of the newer release is
# installed. Prints the directory of the unpacked programs.
set -euo pipefail

release=trixie
directory=${XDG_CACHE_HOME:-$HOME/.cache}/tilt-session/engine-$release
installed=(runc iptables iproute2 procps busybox-static containernetworking-plugins conntrack openssl docker-registry)
unpacked=(docker.io containerd docker-buildx docker-compose etcd-server)

export DEBIAN_FRONTEND=noninteractive
if ! dpkg-query --show "${installed[@]}" >/dev/null 2>&1; then
  apt-get -qq update >&2
  apt-get -qq install -y --no-install-recommends "${installed[@]}" >/dev/null
fi

if [[ ! -d $directory/bin ]]; then
  # apt with lists of its own: the system's stay as they are.
  apt=$(mktemp -d)
  trap 'rm -rf "$apt"' EXIT
  mkdir -p "$apt"/{lists/partial,packages,root}
  site=$(apt-get indextargets --format '$(REPO_URI)' | head -n 1)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site $release main" >"$apt/sources.list"
  cat >"$apt/apt.conf" <<C
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$apt/lists";
Dir::Cache::pkgcache "$apt/pkgcache.bin";
Dir::Cache::srcpkgcache "$apt/srcpkgcache.bin";
APT::Sandbox::User "root";
C
  export APT_CONFIG=$apt/apt.conf
  apt-get -qq update >&2
  (cd "$apt/packages" && apt-get -qq download "${unpacked[@]}" >&2)
  for package in "$apt"/packages/*.deb; do
    dpkg -x "$package" "$apt/root"
  done
  # Its runc needs a newer C library, so Debian 12's is used.
  mkdir -p "$directory"
  rm -rf "$directory/new"
  mkdir -p "$directory/new"
  cp "$apt"/root/usr/sbin/{dockerd,docker-proxy} "$apt"/root/usr/bin/{containerd,containerd-shim-runc-v2,ctr,etcd} \
    "$directory/new/"
  cp -r "$apt/root/usr/libexec/docker/cli-plugins" "$directory/new/"
  mv "$directory/new" "$directory/bin"
fi
echo "$directory/bin"
