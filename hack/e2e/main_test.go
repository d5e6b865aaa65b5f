// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	"go.uber.org/goleak"
	"k8s.io/klog/v2"
)

// program returns the path of tilt-session, built once from what is checked out.
var program = sync.OnceValues(func() (string, error) {
	directory, err := scratch()
	if err != nil {
		return "", err
	}
	path := filepath.Join(directory, "tilt-session")
	command := exec.Command("go", "build", "-o", path, "./cmd/tilt-session")
	command.Dir = filepath.Join("..", "..")
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building tilt-session: %w\n%s", err, output)
	}
	return path, nil
})

// scratch is a directory of all tests, which goes with them.
var scratch = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "tilt-session-e2e-") })

func TestMain(m *testing.M) {
	klog.SetLogger(logr.Discard())
	// The guard of a cache's wait stays until its three seconds are over, whatever
	// became of the wait.
	guard := goleak.IgnoreAnyFunction("k8s.io/apiserver/pkg/storage/cacher.(*watchCache).waitUntilFreshAndBlock.func2")
	goleak.VerifyTestMain(m, guard, goleak.Cleanup(func(code int) {
		klog.StopFlushDaemon()
		directory, err := scratch()
		if err == nil {
			err = os.RemoveAll(directory)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(code)
	}))
}
