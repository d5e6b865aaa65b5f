// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// settings is a project with a ConfigMap for each name.
func settings(names ...string) string {
	var b strings.Builder
	b.WriteString("-- Tiltfile --\nallow_k8s_contexts('c')\nci_settings(timeout='3m')\nk8s_yaml('settings.yaml')\n")
	for _, name := range names {
		fmt.Fprintf(&b, "k8s_resource(new_name='%s', objects=['%s'])\n", name, name)
	}
	b.WriteString("-- settings.yaml --\n")
	for _, name := range names {
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n", name)
	}
	return b.String()
}

// has returns true if the namespace has a ConfigMap.
func (p *project) has(name string) bool {
	p.Helper()
	return slices.Contains(p.objects("configmaps"), "configmap/"+name)
}

// wantSettings checks which of the ConfigMaps there are.
func (p *project) wantSettings(want map[string]bool) {
	p.Helper()
	for name, wanted := range want {
		if p.has(name) != wanted {
			p.Errorf("ConfigMap %s: %t, want %t", name, !wanted, wanted)
		}
	}
}

// What left the YAML between two runs is removed by the next one, and nothing else.
func TestPrune(t *testing.T) {
	t.Parallel()
	p := newProject(t, settings("kept", "first", "second", "third"))
	p.kubectl("create", "configmap", "foreign")
	p.ci().wantExit(0)

	p.write(settings("kept", "second", "third"))
	p.ci().wantExit(0, "first")
	p.wantSettings(map[string]bool{"kept": true, "first": false, "second": true, "third": true, "foreign": true})

	p.write(settings("kept", "third"))
	p.ci("--no-prune").wantExit(0)
	p.wantSettings(map[string]bool{"second": true})

	// A resource that isn't selected has not left.
	p.ci("kept").wantExit(0)
	p.wantSettings(map[string]bool{"kept": true, "third": true})

	// A Tiltfile that fails says nothing about what left.
	p.write("-- Tiltfile --\nallow_k8s_contexts('c')\nfail('broken')\n")
	p.ci().wantExit(2, "broken")
	p.wantSettings(map[string]bool{"kept": true, "third": true})
}

// What a person has taken out of the project's hands stays.
func TestPruneSparesWhatIsUnmarked(t *testing.T) {
	t.Parallel()
	p := newProject(t, settings("kept", "taken"))
	p.ci().wantExit(0)
	p.kubectl("annotate", "configmap", "taken", "session.tilt.dev/inventory-")
	p.write(settings("kept"))
	p.ci().wantExit(0)
	p.wantSettings(map[string]bool{"kept": true, "taken": true})
}

func TestTwoProjects(t *testing.T) {
	t.Parallel()
	one := newProject(t, settings("one", "one-more"))
	two := newDirectory(t, one.namespace)
	two.write(settings("two"))
	one.ci().wantExit(0)
	two.ci().wantExit(0)
	one.wantSettings(map[string]bool{"one": true, "one-more": true, "two": true})

	one.write(settings("one"))
	one.ci().wantExit(0)
	one.wantSettings(map[string]bool{"one": true, "one-more": false, "two": true})

	two.run(*binary, "down")
	one.wantSettings(map[string]bool{"one": true, "two": false})
}

// newUser returns the same project in the hands of another user: of this machine, and of the cluster, where the user may
// edit the namespace and no more.
func (p *project) newUser(name, files string) *project {
	p.Helper()
	u := newDirectory(p.TB, p.namespace)
	u.write(files)
	p.kubectl("create", "serviceaccount", name)
	p.kubectl("create", "rolebinding", name, "--clusterrole=edit", "--serviceaccount="+p.namespace+":"+name)
	token := strings.TrimSpace(p.kubectl("create", "token", name))
	u.kubectl("config", "set-credentials", name, "--token", token)
	u.kubectl("config", "set-context", "c", "--user", name)
	u.kubectl("config", "set-cluster", "c", "--embed-certs", "--certificate-authority",
		filepath.Join(*clusterDirectory, "certs", "apiserver.crt"))

	account, err := user.Lookup(name)
	p.ok(err)
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	p.ok(err)
	home := filepath.Dir(u.directory)
	p.ok(os.Chmod(filepath.Dir(home), 0o755))
	u.environ = append(u.environ, "HOME="+home, "USER="+name)
	u.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
	p.ok(filepath.WalkDir(home, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chown(path, int(uid), int(uid)))
	}))
	return u
}

// Two users whose projects have the same name, in one namespace. They have accounts that each Debian has.
func TestTwoUsers(t *testing.T) {
	t.Parallel()
	p := newProject(t, "")
	ann := p.newUser("games", settings("by-ann", "more-by-ann"))
	bob := p.newUser("news", settings("by-bob"))
	ann.ci("--inventory=shop").wantExit(0)
	bob.ci("--inventory=shop").wantExit(0)
	p.wantSettings(map[string]bool{"by-ann": true, "more-by-ann": true, "by-bob": true})

	ann.write(settings("by-ann"))
	ann.ci("--inventory=shop").wantExit(0)
	p.wantSettings(map[string]bool{"by-ann": true, "more-by-ann": false, "by-bob": true})

	bob.run(*binary, "down", "--inventory=shop")
	p.wantSettings(map[string]bool{"by-ann": true, "by-bob": false})
}

// A user's rights end at the namespace, which the run says and survives.
func TestRightsInOneNamespace(t *testing.T) {
	t.Parallel()
	p := newProject(t, "")
	ann := p.newUser("games", tiltfile+workload("echo up; exec sleep 1000"))
	ann.ci().wantExit(0, "up")
}

// down says which Namespaces it leaves, and goes on as told.
func TestDownAndNamespaces(t *testing.T) {
	t.Parallel()
	p := newProject(t, "")
	own := p.namespace + "-own"
	p.write(strings.ReplaceAll(`
-- Tiltfile --
allow_k8s_contexts('c')
k8s_yaml('objects.yaml')
-- objects.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: OWN}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: inside, namespace: OWN}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: forever, annotations: {tilt.dev/down-policy: keep}}
`, "OWN", own))
	p.ci().wantExit(0)
	if output := p.run(*binary, "down"); !strings.Contains(output, own) {
		t.Errorf("down doesn't name the Namespace that it leaves: %s", output)
	}
	if got := p.objects("namespaces"); !slices.Contains(got, "namespace/"+own) {
		t.Fatal("down has deleted a Namespace")
	}
	p.wantSettings(map[string]bool{"forever": true})
	if got := strings.Fields(p.kubectl("get", "configmaps", "--namespace", own, "--output=name")); slices.Contains(got, "configmap/inside") {
		t.Errorf("down has left %v", got)
	}
	p.ci().wantExit(0)
	p.run(*binary, "down", "--delete-namespaces")
	if got := p.objects("namespaces"); slices.Contains(got, "namespace/"+own) {
		t.Error("down --delete-namespaces has left the Namespace")
	}
}
