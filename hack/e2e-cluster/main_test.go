// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package cluster

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

var (
	clusterDirectory = flag.String("cluster", "", "the `directory` of hack/cluster/cluster.sh")
	binary           = flag.String("bin", "../../bin/tilt-session", "tilt-session, as built")
)

const (
	// busybox is an image of the cluster's registry.
	busybox = "127.0.0.1:5000/busybox:1"
	// patience is how long anything may take on a machine that has other work.
	patience = 3 * time.Minute
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// prepare makes paths absolute, as tests run programs in other directories, and gives the registry its image.
func prepare() (err error) {
	if *clusterDirectory == "" {
		return fmt.Errorf("-cluster must name the directory of a cluster: run hack/e2e-cluster.sh")
	}
	if *binary, err = filepath.Abs(*binary); err != nil {
		return err
	}
	context, err := os.MkdirTemp("", "busybox-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(context)
	shell, err := os.ReadFile("/bin/busybox")
	if err != nil {
		return fmt.Errorf("the package busybox-static is needed: %w", err)
	}
	dockerfile := "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"--install\", \"/bin\"]\n"
	for name, content := range map[string][]byte{"busybox": shell, "Dockerfile": []byte(dockerfile)} {
		if err := os.WriteFile(filepath.Join(context, name), content, 0o755); err != nil {
			return err
		}
	}
	for _, arguments := range [][]string{{"build", "--quiet", "--tag", busybox, context}, {"push", "--quiet", busybox}} {
		if output, err := exec.Command("docker", arguments...).CombinedOutput(); err != nil {
			return fmt.Errorf("docker %s: %w\n%s", arguments[0], err, output)
		}
	}
	return nil
}
