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
	command := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-v", "-run=TestConformance/.*/.*/.*/^etcd$", "./pkg/storage")
	command.Dir = filepath.Join("..", "..")
	command.Env = append(os.Environ(), "TILT_SESSION_ETCD="+etcd.Program(t))
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if cases := strings.Count(string(output), "--- PASS"); cases < 100 {
		t.Errorf("only %d cases have run:\n%s", cases, output)
	}
}
