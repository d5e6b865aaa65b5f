// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"os/exec"
	"strings"
	"testing"
)

// build returns the path of the program, in Go's build cache.
func build(t testing.TB) string {
	t.Helper()
	path, err := exec.Command("go", "tool", "-n", "go.etcd.io/etcd/server/v3").Output()
	if err != nil {
		t.Fatalf("building etcd: %v", err)
	}
	return strings.TrimSpace(string(path))
}
