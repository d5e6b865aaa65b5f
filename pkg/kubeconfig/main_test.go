// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// roleEnv makes this test binary play another process. Other variables of the environment locate the kubeconfig.
const roleEnv = "KUBECONFIG_TEST_ROLE"

// roles are what another process can do. They print "ready" once they did it.
var roles = map[string]func(Location) error{
	"own": func(l Location) error {
		if err := addIgnored(context.Background(), l, entry(10350)); err != nil {
			return err
		}
		return untilStdinEnds()
	},
	"lock": func(l Location) error {
		if _, err := l.lock(context.Background()); err != nil {
			return err
		}
		return untilStdinEnds()
	},
	"race": race,
	"full": addOnFullDisk,
}

func TestMain(m *testing.M) {
	role, ok := roles[os.Getenv(roleEnv)]
	if !ok {
		goleak.VerifyTestMain(m)
		return
	}
	location, err := Locate(os.Getenv)
	if err == nil {
		err = role(location)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// untilStdinEnds reports that the process is where it should be and waits for the end of its input.
func untilStdinEnds() error {
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// child is another process that plays a role on the same kubeconfig. It ends with the test.
func child(t *testing.T, role string, l Location) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"="+role, "TILT_CONFIG="+strings.Join(l.Files, string(os.PathListSeparator)))
	cmd.Stderr = os.Stderr
	return cmd
}

// readyChild returns a child that has reported that it is ready.
func readyChild(t *testing.T, role string, l Location) *exec.Cmd {
	t.Helper()
	cmd := child(t, role, l)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // It may have ended.
		_ = cmd.Wait()         // Its status is the test's doing.
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Fatalf("%s: %q, %v", role, line, err)
	}
	return cmd
}
