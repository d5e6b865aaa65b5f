#!/usr/bin/env bash
# Runs what needs a cluster, which comes up for that and ends with it: the tests of pkg/kube, then the stories of people
# who deploy. The first time Kubernetes is built, which takes 5 to 40 minutes. With arguments, which are those of go
# test, only the stories run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

hack/cluster/build.sh >/dev/null
if ! reason=$(hack/cluster/check.sh cluster); then
  echo "hack/e2e-cluster.sh: $reason" >&2
  exit 1
fi
directory=$(mktemp -d)
finish() {
  local status=$?
  hack/cluster/cluster.sh down "$directory" && rm -rf "$directory" || status=1
  exit "$status"
}
trap finish EXIT

inside=(hack/cluster/run.sh "$directory" env "PATH=$(hack/cluster/tools.sh):$PATH")
hack/cluster/cluster.sh up "$directory"

go vet -tags cluster ./hack/e2e-cluster ./pkg/kube/...
if [[ $# == 0 ]]; then
  image=127.0.0.1:5000/workload:1
  context=$directory/workload
  cp -r pkg/kube/workload/testdata/image "$context"
  CGO_ENABLED=0 go build -o "$context/image" "$context/main.go"
  "${inside[@]}" docker build --quiet --tag "$image" "$context"
  user=127.0.0.1:5000/workload-user:1
  "${inside[@]}" docker build --quiet --tag "$user" --build-arg "IMAGE=$image" pkg/kube/workload/testdata/user
  busybox=127.0.0.1:5000/workload-busybox:1
  context=$directory/busybox
  cp -r pkg/kube/workload/testdata/busybox "$context"
  cp /bin/busybox "$context"
  "${inside[@]}" docker build --quiet --tag "$busybox" "$context"
  helper=127.0.0.1:5000/workload-helper:1
  cp pkg/kube/workload/testdata/helper/Dockerfile "$context"
  "${inside[@]}" docker build --quiet --tag "$helper" "$context"
  for pushed in "$image" "$user" "$busybox" "$helper"; do
    "${inside[@]}" docker push --quiet "$pushed"
  done
  "${inside[@]}" env TEST_IMAGE="$image" TEST_USER="$user" TEST_BUSYBOX="$busybox" TEST_HELPER="$helper" \
    go test -count=1 -p 1 -timeout 20m -tags cluster ./pkg/kube/...
fi
"${inside[@]}" go test -count=1 -timeout 40m -parallel 4 -v -tags cluster "$@" ./hack/e2e-cluster -args -cluster="$directory"
