#!/usr/bin/env bash
# Builds the tools that people have beside a cluster into the user's cache, if they aren't there, and prints their
# directories as PATH has them: helm, and kwok with the stages.yaml of nodes and pods that aren't real.
set -euo pipefail

cache=${XDG_CACHE_HOME:-$HOME/.cache}/tilt-session
helm=v3.21.4
kwok=v0.8.0

if [[ ! -x $cache/helm-$helm/helm ]]; then
  GOBIN=$cache/helm-$helm CGO_ENABLED=0 go install -ldflags "-s -w -X helm.sh/helm/v3/internal/version.version=$helm" \
    "helm.sh/helm/v3/cmd/helm@$helm" >&2
fi
if [[ ! -f $cache/kwok-$kwok/stages.yaml ]]; then
  GOBIN=$cache/kwok-$kwok CGO_ENABLED=0 go install -ldflags "-s -w" "sigs.k8s.io/kwok/cmd/kwok@$kwok" >&2
  stages=$(go mod download -json "sigs.k8s.io/kwok@$kwok" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')/kustomize/stage
  for stage in node/{fast/node-initialize,heartbeat-with-lease/node-heartbeat-with-lease} pod/fast/pod-{ready,complete,delete}; do
    echo ---
    cat "$stages/$stage.yaml"
  done >"$cache/kwok-$kwok/stages.new"
  mv "$cache/kwok-$kwok"/stages.{new,yaml}
fi
echo "$cache/helm-$helm:$cache/kwok-$kwok"
