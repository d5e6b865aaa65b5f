// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// entry returns an entry whose every field is unique to the port.
func entry(port int) Entry {
	return Entry{
		Port:   port,
		Server: fmt.Sprintf("https://127.0.0.1:%d", 40000+port%1000),
		CA:     fmt.Appendf(nil, "certificate %d", port),
		Token:  fmt.Sprintf("token-%d", port),
	}
}

// emptyLocation is one in a new directory that doesn't exist yet.
func emptyLocation(t *testing.T) Location {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tilt")
	return Location{Files: []string{filepath.Join(dir, "config")}}
}

// locationWith is a location whose only file holds text.
func locationWith(t *testing.T, text string) Location {
	t.Helper()
	l := emptyLocation(t)
	if err := os.Mkdir(filepath.Dir(l.Files[0]), 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, l.Files[0], text)
	return l
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// addIgnored adds an entry and ignores the warnings.
func addIgnored(ctx context.Context, l Location, e Entry) error {
	return l.Add(ctx, e, func(error) {})
}

func add(t *testing.T, l Location, e Entry) {
	t.Helper()
	if err := addIgnored(t.Context(), l, e); err != nil {
		t.Fatal(err)
	}
}

func removeEntry(t *testing.T, l Location, e Entry) {
	t.Helper()
	if err := l.Remove(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

// contexts are the names of the contexts in a file, of which each must have a cluster and a user.
func contexts(t *testing.T, file string) []string {
	t.Helper()
	config := load(t, file)
	names := []string{}
	for name := range config.Contexts {
		if config.Clusters[name] == nil || config.AuthInfos[name] == nil {
			t.Errorf("%s: context %s lacks its cluster or user", file, name)
		}
		names = append(names, name)
	}
	if len(config.Clusters) != len(names) || len(config.AuthInfos) != len(names) {
		t.Errorf("%s: clusters or users without a context: %v, %v", file, config.Clusters, config.AuthInfos)
	}
	slices.Sort(names)
	return names
}

func wantContexts(t *testing.T, file string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), contexts(t, file)); diff != "" {
		t.Errorf("contexts of %s (-want +got):\n%s", file, diff)
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
}

// foreign is a file of others: with entries of the real tilt, comments, and extensions that client-go doesn't know.
const foreign = `# Written by hand.
apiVersion: v1
kind: Config
current-context: work
preferences:
  colors: yes
clusters:
- name: work # the one in the office
  cluster:
    server: https://work.example
    certificate-authority: ca.pem
    extensions:
    - name: minikube
      extension: {provider: x, version: v1.2.3, count: 007}
- name: tilt-10999
  cluster: {server: "https://127.0.0.1:1", certificate-authority-data: YQ==}
contexts:
- name: work
  context: {cluster: work, user: me, namespace: "on"}
- name: tilt-10999
  context: {cluster: tilt-10999, user: tilt-10999}
users:
- name: me
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: login
      args: ['--for', "me"]
      env: null
      provideClusterInfo: false
      interactiveMode: Never
- name: tilt-10999
  user: {token: other}
extensions:
- name: note
  extension: {text: "keep: me"}
`

func TestAddAndRemove(t *testing.T) {
	l := emptyLocation(t)
	add(t, l, entry(10350))
	add(t, l, entry(10999))
	wantContexts(t, l.Files[0], "tilt-10999", "tilt-default")

	config := load(t, l.Files[0])
	if config.CurrentContext != "" {
		t.Errorf("current context %q, want none", config.CurrentContext)
	}
	for _, mode := range []struct {
		path string
		want fs.FileMode
	}{{filepath.Dir(l.Files[0]), 0o755 | fs.ModeDir}, {l.Files[0], 0o600}} {
		info, err := os.Stat(mode.path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != mode.want {
			t.Errorf("mode of %s is %v, want %v", mode.path, info.Mode(), mode.want)
		}
	}

	removeEntry(t, l, entry(10350))
	wantContexts(t, l.Files[0], "tilt-10999")
	removeEntry(t, l, entry(10999))
	wantContexts(t, l.Files[0])
	removeEntry(t, l, entry(10999))
}

func TestEntryIsReadable(t *testing.T) {
	l := emptyLocation(t)
	e := entry(10350)
	add(t, l, e)

	client, err := l.Load(e.Port)
	if err != nil {
		t.Fatal(err)
	}
	config, err := client.ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != e.Server || config.BearerToken != e.Token || !bytes.Equal(config.CAData, e.CA) || config.Insecure {
		t.Errorf("client configuration %+v, want what the entry says", config)
	}

	if kubectl, err := exec.LookPath("kubectl"); err == nil {
		out, err := exec.CommandContext(t.Context(), kubectl, "config", "view", "--raw", "-o", "json", "--kubeconfig", l.Files[0]).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte(e.Token)) || !bytes.Contains(out, []byte(e.Server)) {
			t.Errorf("kubectl config view: %v\n%s", err, out)
		}
	}
}

func TestOthersAreKept(t *testing.T) {
	l := locationWith(t, foreign)
	want := load(t, l.Files[0])
	add(t, l, entry(10350))
	removeEntry(t, l, entry(10350))
	if diff := cmp.Diff(want, load(t, l.Files[0])); diff != "" {
		t.Errorf("entries of others (-want +got):\n%s", diff)
	}
	text := get(t, l.Files[0])
	for _, part := range []string{
		"colors: true", "count: 7", `namespace: "on"`, "certificate-authority: ca.pem", "current-context: work", "text: 'keep: me'",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is lost:\n%s", part, text)
		}
	}
}

// load is what client-go reads from a file.
func load(t *testing.T, file string) *clientcmdapi.Config {
	t.Helper()
	config, err := clientcmd.LoadFromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestForeignEntryIsReplaced(t *testing.T) {
	l := locationWith(t, foreign)
	add(t, l, entry(10999))
	config := load(t, l.Files[0])
	if got := config.AuthInfos["tilt-10999"].Token; got != "token-10999" {
		t.Errorf("token %q", got)
	}
	if got := config.Clusters["tilt-10999"].Server; got != entry(10999).Server {
		t.Errorf("server %q", got)
	}
}

func TestRemoveLeavesAnothersEntry(t *testing.T) {
	l := locationWith(t, foreign)
	removeEntry(t, l, entry(10999))
	if got := get(t, l.Files[0]); got != foreign {
		t.Errorf("the file was changed:\n%s", got)
	}
}

func TestRemoveWithoutAFile(t *testing.T) {
	l := emptyLocation(t)
	removeEntry(t, l, entry(10350))
	if exists(filepath.Dir(l.Files[0])) {
		t.Error("the directory was made")
	}
}

func TestCurrentContext(t *testing.T) {
	for _, test := range []struct{ current, want string }{
		{"", ""},
		{"tilt-default", ""},
		{"tilt-10999", "tilt-10999"},
		{"elsewhere", "elsewhere"},
	} {
		t.Run(test.current, func(t *testing.T) {
			l := locationWith(t, fmt.Sprintf("current-context: %q\n", test.current))
			add(t, l, entry(10350))
			current := func() string { return load(t, l.Files[0]).CurrentContext }
			if got := current(); got != test.current {
				t.Errorf("after Add %q, want %q", got, test.current)
			}
			removeEntry(t, l, entry(10350))
			if got := current(); got != test.want {
				t.Errorf("after Remove %q, want %q", got, test.want)
			}
		})
	}
}

func TestSeveralFiles(t *testing.T) {
	dir := t.TempDir()
	first, second, third := filepath.Join(dir, "1"), filepath.Join(dir, "2"), filepath.Join(dir, "3")
	l := Location{Files: []string{first, second, third}}

	if l.File() != third {
		t.Errorf("without any file: %s, want the last", l.File())
	}
	put(t, second, "")
	add(t, l, entry(10350))
	wantContexts(t, second, "tilt-default")

	put(t, first, "")
	add(t, l, entry(10999))
	wantContexts(t, first, "tilt-10999")
	if _, err := l.Load(10350); err != nil {
		t.Errorf("from the second file: %v", err)
	}
	// An entry is replaced and removed where it is.
	add(t, l, entry(10350))
	wantContexts(t, first, "tilt-10999")
	removeEntry(t, l, entry(10350))
	wantContexts(t, second)
	if exists(third) {
		t.Error("the third file was made")
	}
}

func TestLoadErrors(t *testing.T) {
	l := emptyLocation(t)
	_, err := l.Load(10999)
	wantError(t, err, "no tilt apiserver found", "tilt-10999", l.Files[0], "tilt-session up --port 10999")

	add(t, l, entry(10350))
	_, err = l.Load(10999)
	wantError(t, err, "no tilt apiserver found", "--port", "tilt-default")

	put(t, l.Files[0], stale(t, 10350, process{PID: 1 << 30}))
	_, err = l.Load(10350)
	wantError(t, err, "no tilt apiserver found", fmt.Sprint(1<<30), "has ended", "tilt-session up")

	put(t, l.Files[0], "apiVersion: v1\nclusters: [\n")
	_, err = l.Load(10350)
	wantError(t, err, l.Files[0], "line 2")
}
