#!/usr/bin/env bash
# Opens pages of reports, and the page that tilt-session serves, in Chromium, which is installed where that is possible,
# and leaves their screenshots in bin/browser. Elsewhere it says that it didn't run. Arguments are those of vitest, such
# as the beginning of a story's file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v chromium >/dev/null; then
  if [[ $(id -u) != 0 ]] || ! grep -qs '^ID=debian$' /etc/os-release; then
    echo "hack/e2e-browser.sh did not run: chromium isn't installed, and only root on Debian can install it" >&2
    exit 1
  fi
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium fonts-dejavu-core >/dev/null
fi
pages=$PWD/bin/browser
rm -rf "$pages"
mkdir -p "$pages"
go test -count=1 ./pkg/report/html -args -pages "$pages"
project=$(mktemp -d)
trap 'rm -rf "$project"' EXIT
cat >"$project/Tiltfile" <<'TILTFILE'
local_resource('db', serve_cmd='echo "</pre><script>document.title=1</script>"; sleep 60',
  readiness_probe=probe(exec=exec_action(['true']), period_secs=1))
local_resource('migrate', 'sleep 0.3; echo migrated', resource_deps=['db'])
local_resource('smoke', 'seq 1 100; echo "<b>no</b>"; exit 3', resource_deps=['migrate'])
local_resource('after', 'true', resource_deps=['smoke'])
TILTFILE
bin/tilt-session ci --port 0 -f "$project/Tiltfile" --report-html "$pages/real.html" && exit 1
go vet -tags browser ./hack/browser
go test -count=1 -timeout 10m -v -tags browser ./hack/browser -args -pages "$pages"

# The stories run against what is checked out: the page is built first, then the program that embeds it.
cd hack/web
[[ node_modules/.package-lock.json -nt package-lock.json ]] || npm ci --ignore-scripts --no-audit --no-fund
npx vite build --logLevel warn
go build -o ../../bin/tilt-session ../../cmd/tilt-session
npx vitest run --config e2e/vitest.config.ts "$@"
