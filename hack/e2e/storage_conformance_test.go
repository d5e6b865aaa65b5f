// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tilt.dev/session/hack/e2e/etcd"
)

// TestStorageConformance has the tests of the main module run the suite of
// k8s.io/apiserver over etcd too, one for each case. They can't link it.
func TestStorageConformance(t *testing.T) {
	if output := testStorage(t, "TestConformance/.*/.*/.*/^etcd$"); strings.Count(output, "--- PASS") < 100 {
		t.Errorf("only a few cases have run:\n%s", output)
	}
}

// TestResumedWatch resumes watches over etcd from versions before the watch cache began.
func TestResumedWatch(t *testing.T) {
	if output := testStorage(t, "TestResumedWatch/^etcd$"); !strings.Contains(output, "--- PASS: TestResumedWatch/etcd") {
		t.Errorf("it hasn't run:\n%s", output)
	}
}

// testStorage runs tests of the storage where they find etcd.
func testStorage(t *testing.T, pattern string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-v", "-run="+pattern, "./pkg/storage")
	command.Dir = filepath.Join("..", "..")
	command.Env = append(os.Environ(), "TILT_SESSION_ETCD="+etcd.Program(t))
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return string(output)
}
