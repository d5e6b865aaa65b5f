// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package generated_test

import (
	"os/exec"
	"strings"
	"testing"
)

const (
	module = "tilt.dev/session"
	types  = module + "/pkg/apis/core/v1alpha1"
)

// clients are what a program imports to talk to a server.
var clients = []string{
	types,
	module + "/pkg/generated/clientset/versioned",
	module + "/pkg/generated/informers/externalversions",
	module + "/pkg/generated/listers/core/v1alpha1",
	module + "/pkg/generated/applyconfiguration/core/v1alpha1",
}

// Who imports the clients builds what client-go's own clients are built from,
// and nothing of a server.
func TestClientsNeedNothingBeyondClientGo(t *testing.T) {
	const perPackage = "{{with .Module}}{{.Path}}{{end}} {{.ImportPath}}"
	allowed := map[string]bool{"": true}
	for _, line := range list(t, "-deps", "-f", perPackage, "k8s.io/client-go/kubernetes", "k8s.io/client-go/informers") {
		from, _, _ := strings.Cut(line, " ")
		allowed[from] = true
	}
	for _, line := range list(t, append([]string{"-deps", "-f", perPackage}, clients...)...) {
		from, path, _ := strings.Cut(line, " ")
		switch {
		case from == module:
			if !strings.HasPrefix(path, module+"/pkg/generated/") && path != types {
				t.Errorf("the clients need %s", path)
			}
		case !allowed[from]:
			t.Errorf("the clients need %s of %s", path, from)
		}
	}
	for _, server := range []string{"k8s.io/apiserver", "go.etcd.io/etcd/client/v3", "google.golang.org/grpc", module} {
		if allowed[server] {
			t.Errorf("client-go needs %s, so that this test doesn't notice", server)
		}
	}
}

func TestTypesImportApimachineryAlone(t *testing.T) {
	imports := list(t, "-f", `{{join .Imports "\n"}}`, types)
	for _, path := range imports {
		library, _, _ := strings.Cut(path, "/")
		if strings.Contains(library, ".") && !strings.HasPrefix(path, "k8s.io/apimachinery/") {
			t.Errorf("the types import %s", path)
		}
	}
}

// list returns what "go list" prints, by lines.
func list(t *testing.T, arguments ...string) []string {
	t.Helper()
	var errs strings.Builder
	command := exec.CommandContext(t.Context(), "go", append([]string{"list"}, arguments...)...)
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, errs.String())
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) < 2 {
		t.Fatalf("go list has found %q", lines)
	}
	return lines
}
