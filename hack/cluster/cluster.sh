#!/usr/bin/env bash
# Brings up Kubernetes with one node in the namespaces of an engine, or ends both.
#   cluster.sh up DIRECTORY          returns when the node is ready; DIRECTORY/kubeconfig has the context "c"
#   cluster.sh down DIRECTORY        returns when nothing runs any more; the files stay
#   cluster.sh start DIRECTORY PART  starts one of the parts
#   cluster.sh kill DIRECTORY PART   kills it; containers go on without kubelet and containerd
# Parts: etcd kube-apiserver containerd registry kube-controller-manager kube-scheduler kubelet kube-proxy
#
# Images get to the node by the registry at 127.0.0.1:5000, which the cluster names to its users. run.sh runs commands
# that reach API server, registry and Services. Nothing else is reached from within, neither
# other registries nor a cluster DNS: pods find Services by their environment.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
directory=$(realpath -m "$2")

address=10.99.0.1
server=https://$address:6443
registry=127.0.0.1:5000
cgroup=$("$here/cgroup.sh" name "$directory")

# inside runs a command in all of the engine's namespaces.
inside() {
  nsenter --mount --net --pid --target "$(<"$directory/init.pid")" -- "$@"
}

cluster_kubectl() {
  "$here/run.sh" "$directory" kubectl "$@"
}

# await runs a command until it succeeds, for a minute: await WHAT COMMAND...
await() {
  local what=$1 end=$((SECONDS + 60))
  shift
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS > end)); then
      echo "cluster.sh: $what isn't ready after a minute; the logs are in $directory/log" >&2
      exit 1
    fi
    sleep 0.1
  done
}

# start runs a part in the namespaces, where it outlives this script.
start() {
  local -a command
  local kube programs
  kube=$("$here/build.sh" --path)
  programs=$("$here/packages.sh")
  local state=$directory/state
  local client="--kubeconfig=$directory/kubeconfig"
  case $1 in
    etcd)
      command=("$programs/etcd" --data-dir "$state/etcd" --unsafe-no-fsync --log-level warn
        --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379
        --listen-peer-urls http://127.0.0.1:2380)
      ;;
    kube-apiserver)
      # It makes its own serving certificate.
      command=("$kube/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 --cert-dir="$directory/certs"
        --advertise-address="$address" --service-cluster-ip-range=10.96.0.0/24 --allow-privileged
        --authorization-mode=Node,RBAC --token-auth-file="$directory/tokens.csv"
        --service-account-issuer=https://kubernetes.default.svc
        --service-account-key-file="$directory/service-accounts.key"
        --service-account-signing-key-file="$directory/service-accounts.key"
        --kubelet-preferred-address-types=InternalIP)
      ;;
    containerd)
      command=("$programs/containerd" --config "$directory/containerd.toml")
      ;;
    registry)
      command=(docker-registry serve "$directory/registry.yaml")
      ;;
    kube-controller-manager)
      command=("$kube/kube-controller-manager" "$client" --leader-elect=false --bind-address=127.0.0.1
        --use-service-account-credentials --service-account-private-key-file="$directory/service-accounts.key"
        --root-ca-file="$directory/certs/apiserver.crt"
        --node-monitor-period=1s --node-monitor-grace-period=10s)
      ;;
    kube-scheduler)
      command=("$kube/kube-scheduler" "$client" --leader-elect=false --bind-address=127.0.0.1)
      ;;
    kubelet)
      command=("$kube/kubelet" --kubeconfig="$directory/kubelet.kubeconfig" --config="$directory/kubelet.yaml"
        --root-dir="$state/kubelet" --cert-dir="$state/kubelet-certs"
        --hostname-override=node1 --node-ip="$address")
      ;;
    kube-proxy)
      # Without its own settings of conntrack, which a namespace may not change.
      command=("$kube/kube-proxy" "$client" --proxy-mode=iptables --cluster-cidr=10.244.0.0/24
        --hostname-override=node1 --metrics-bind-address=127.0.0.1:10249 --conntrack-max-per-core=0
        --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0)
      ;;
    *)
      echo "cluster.sh: no part is called $1" >&2
      exit 2
      ;;
  esac
  inside env PATH="$programs:$PATH" bash -c 'log=$1 pid=$2; shift 2
    setsid "$@" >>"$log" 2>&1 </dev/null & echo $! >"$pid"' start \
    "$directory/log/$1.log" "$directory/$1.pid" "${command[@]}"
}

kill_part() {
  inside kill -KILL "$(<"$directory/$1.pid")"
}

# user prints a kubeconfig's entry of a user: the name, and the token that tokens.csv has.
kubeconfig() {
  cat <<Y
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, user: $1}}]
clusters: [{name: c, cluster: {server: "$server", certificate-authority: $directory/certs/apiserver.crt}}]
users: [{name: $1, user: {token: $1-token}}]
Y
}

configure() {
  mkdir -p "$directory"/{certs,log,cni} "$directory/state/sysctl"
  cat >"$directory/tokens.csv" <<Y
admin-token,admin,admin,system:masters
kubelet-token,system:node:node1,node1,system:nodes
Y
  kubeconfig admin >"$directory/kubeconfig"
  kubeconfig kubelet >"$directory/kubelet.kubeconfig"
  if [[ ! -f $directory/service-accounts.key ]]; then
    openssl genrsa -out "$directory/service-accounts.key" 2048 2>/dev/null
  fi
  cat >"$directory/registry.yaml" <<Y
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $directory/state/registry}, delete: {enabled: true}}
http: {addr: "$registry"}
Y
  cat >"$directory/cni/10-pods.conflist" <<Y
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true, "ipam": {"type": "host-local",
    "dataDir": "$directory/state/cni", "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
Y
  cat >"$directory/containerd.toml" <<Y
version = 2
root = "$directory/state/containerd"
state = "$directory/state/containerd-run"
[grpc]
  address = "$directory/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$registry/pause:1"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$directory/cni"
Y
  cat >"$directory/kubelet.yaml" <<Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
containerRuntimeEndpoint: unix://$directory/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: $cgroup
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
resolvConf: ""
podLogsDir: $directory/state/pod-logs
volumePluginDir: $directory/state/plugins
nodeStatusUpdateFrequency: 2s
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 100Mi}
Y
}

# network gives the node its address, and lets kubelet believe that it sets what a namespace may not.
network() {
  inside bash -euc '
    ip link add node0 type bridge
    ip address add "$1/24" dev node0
    ip link set node0 up
    ip route add default dev node0
    cd "$2"
    echo 1 >overcommit_memory
    echo 10 >panic
    echo 1 >panic_on_oops
    mount --bind overcommit_memory /proc/sys/vm/overcommit_memory
    mount --bind panic /proc/sys/kernel/panic
    mount --bind panic_on_oops /proc/sys/kernel/panic_on_oops
  ' network "$address" "$directory/state/sysctl"
}

# sandbox_image puts the image of every pod's first process into the registry.
sandbox_image() {
  local context
  context=$(mktemp -d)
  CGO_ENABLED=0 go build -o "$context/pause" "$here/pause/main.go"
  "$here/run.sh" "$directory" docker build -q -f "$here/pause/Dockerfile" -t "$registry/pause:1" "$context" >/dev/null
  "$here/run.sh" "$directory" docker push -q "$registry/pause:1" >/dev/null
  rm -r "$context"
}

up() {
  "$here/build.sh" >/dev/null
  "$here/engine.sh" up "$directory"
  if [[ -f $directory/kubelet.pid ]] && inside kill -0 "$(<"$directory/kubelet.pid")" 2>/dev/null; then
    return
  fi
  configure
  "$here/cgroup.sh" create "$directory"
  network
  start etcd
  start kube-apiserver
  start registry
  start containerd
  await registry "$here/run.sh" "$directory" curl -sf "http://$registry/v2/"
  sandbox_image
  await kube-apiserver cluster_kubectl get --raw /readyz
  start kube-controller-manager
  start kube-scheduler
  start kubelet
  start kube-proxy
  await "the node" cluster_kubectl wait node/node1 --for=condition=Ready --timeout=1s
  cluster_kubectl apply -f - >/dev/null <<Y
apiVersion: v1
kind: ConfigMap
metadata: {name: local-registry-hosting, namespace: kube-public}
data: {localRegistryHosting.v1: 'host: "$registry"'}
Y
  await "the default service account" cluster_kubectl get serviceaccount default
}

down() {
  "$here/engine.sh" down "$directory"
  rm -f "$directory"/*.pid
}

case $1 in
  up | down) "$1" ;;
  start) start "$3" ;;
  kill) kill_part "$3" ;;
  *)
    echo "usage: cluster.sh up|down DIRECTORY, cluster.sh start|kill DIRECTORY PART" >&2
    exit 2
    ;;
esac
