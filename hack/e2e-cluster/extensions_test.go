// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package cluster

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// extensions is a mirror with a repository whose extensions work as restart_process, secret and helm_resource do. Its
// helm is a script: it keeps what it installs in a file.
const extensions = `
-- mirror/github.com/tilt-dev/tilt-extensions/again/Tiltfile --
def build_again(ref, context, entrypoint, live_update, file='/again', **kwargs):
    docker_build(ref + '-once', context, **kwargs)
    watched = ['/watch', file] + entrypoint
    lines = ['FROM %s-once' % ref, 'COPY --from=busybox /bin/busybox /watched', 'RUN ["touch", "%s"]' % file,
        'ENTRYPOINT [%s]' % ', '.join(['"%s"' % word for word in watched])]
    docker_build(ref, '.', only='none', entrypoint=watched, dockerfile_contents='\n'.join(lines),
        live_update=live_update + [run('date > ' + file)])
-- mirror/github.com/tilt-dev/tilt-extensions/secrets/Tiltfile --
def secret(name, from_literal):
    k8s_yaml(local(['kubectl', 'create', 'secret', 'generic', name, '--from-literal', from_literal, '-o=yaml',
        '--dry-run=client'], quiet=True, echo_off=True))
-- mirror/github.com/tilt-dev/tilt-extensions/chart/Tiltfile --
load('ext://secrets', 'secret')
helper = os.path.abspath('helper.py')
def chart(name, path, image_deps, image_keys, flags=[]):
    env = {'RELEASE_NAME': name, 'CHART': path, 'TILT_IMAGE_COUNT': str(len(image_keys))}
    for i in range(len(image_keys)):
        env['TILT_IMAGE_KEY_REPO_%s' % i], env['TILT_IMAGE_KEY_TAG_%s' % i] = image_keys[i]
    k8s_custom_deploy(name, apply_cmd=['python3', helper, 'apply'] + flags, apply_env=env,
        delete_cmd=['python3', helper, 'delete'], delete_env=env, deps=[path], image_deps=image_deps)
-- mirror/github.com/tilt-dev/tilt-extensions/chart/release.py --
import os
name, chart = os.environ['RELEASE_NAME'], os.environ['CHART']
-- mirror/github.com/tilt-dev/tilt-extensions/chart/helper.py --
import os, subprocess, sys
from release import name, chart

if sys.argv[1] == 'delete':
    sys.exit(subprocess.call(['helm', 'uninstall', name]))
flags = sys.argv[2:]
for i in range(int(os.environ['TILT_IMAGE_COUNT'])):
    repo, tag = os.environ['TILT_IMAGE_%s' % i].rsplit(':', 1)
    flags += ['--set', '%s=%s' % (os.environ['TILT_IMAGE_KEY_REPO_%s' % i], repo)]
    flags += ['--set', '%s=%s' % (os.environ['TILT_IMAGE_KEY_TAG_%s' % i], tag)]
print('tilt is', subprocess.check_output(['tilt', 'version']).decode().split(',')[0], file=sys.stderr)
subprocess.check_call(['helm', 'upgrade', '--install'] + flags + [name, chart], stdout=sys.stderr)
manifest = subprocess.check_output(['helm', 'get', 'manifest', name])
subprocess.run(['kubectl', 'get', '-oyaml', '-f', '-'], input=manifest).check_returncode()
-- bin/helm --
#!/bin/sh
set -e
case $1 in
get) cat "$3.release";;
uninstall) kubectl delete -f "$2.release" --wait=false && rm "$2.release";;
upgrade)
    shift 2
    edits=
    while test "$1" = --set; do
        edits="$edits;s|{{${2%%=*}}}|${2#*=}|"
        shift 2
    done
    sed "$edits" "$2/pod.yaml" > "$1.release"
    kubectl apply -f "$1.release";;
esac
-- chart/pod.yaml --
apiVersion: v1
kind: Pod
metadata: {name: shop}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: shop
    image: '{{image.repository}}:{{image.tag}}'
    env: [{name: WORD, valueFrom: {secretKeyRef: {name: login, key: word}}}]
-- image/Dockerfile --
FROM busybox
COPY watch /watch
-- image/watch --
#!/bin/sh
file=$1; shift
test -f "$file" && echo "watches $file"
exec "$@"
-- Tiltfile --
allow_k8s_contexts('c')
ci_settings(timeout='5m', readiness_timeout='2m')
load('ext://again', 'build_again')
load('ext://secrets', 'secret')
load('ext://chart', 'chart')
secret('login', 'word=correct-horse')
build_again('shop', 'image', ['sh', '-c', 'echo it is $WORD; exec sleep 1000'], [sync('image/static', '/static')])
chart('shop', './chart', ['shop'], [('image.repository', 'image.tag')])
`

// Extensions from a git repository build an image on another one, make a Secret with kubectl, and install a chart with a
// helper in Python. down uninstalls it.
func TestExtensions(t *testing.T) {
	t.Parallel()
	p := newProject(t, strings.ReplaceAll(extensions, "--from=busybox", "--from="+busybox))
	repository := p.directory + "/mirror/github.com/tilt-dev/tilt-extensions"
	p.run("git", "init", "--quiet", repository)
	p.run("git", "-C", repository, "add", ".")
	p.run("git", "-C", repository, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message=first")
	p.environ = append(p.environ, "TILT_SESSION_EXTENSIONS_MIRROR=file://"+p.directory+"/mirror",
		"XDG_DATA_HOME="+p.directory+"/data", "PATH="+p.directory+"/bin:"+p.run("printenv", "PATH"))
	up := p.up()
	up.awaitReady("shop:runtime", "uncategorized:update")
	up.awaitOutput("tilt is v0.")
	up.awaitOutput("watches /again")
	up.awaitOutput("it is [redacted secret login:word]")
	var pod corev1.Pod
	p.get("pod/shop", &pod)
	if image := pod.Spec.Containers[0].Image; !strings.Contains(image, "shop:tilt-") {
		t.Errorf("the image is %s", image)
	}
	p.run(*binary, "down")
	p.eventually("the chart is uninstalled", func() bool { return len(p.objects("pods,secrets")) == 0 })
}
