// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// kubectl runs the kubectl of the PATH, with the kubeconfig of a user.
type kubectl struct {
	kubeconfig, home string
}

// try returns what the command prints, with its error.
func (k kubectl) try(t *testing.T, input, arguments string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "kubectl", strings.Fields(arguments)...)
	command.Env = append(os.Environ(), "HOME="+k.home, "KUBECONFIG="+k.kubeconfig)
	command.Stdin = strings.NewReader(input)
	output, err := command.CombinedOutput()
	return string(output), err
}

// run ends the test unless the command succeeds and prints all of what is wanted.
func (k kubectl) run(t *testing.T, input, arguments string, wanted ...string) string {
	t.Helper()
	output, err := k.try(t, input, arguments)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", arguments, err, output)
	}
	for _, want := range wanted {
		if !strings.Contains(output, want) {
			t.Errorf("kubectl %s prints no %q:\n%s", arguments, want, output)
		}
	}
	return output
}

// refused ends the test unless the command fails and prints why.
func (k kubectl) refused(t *testing.T, input, arguments, why string) {
	t.Helper()
	if output, err := k.try(t, input, arguments); err == nil || !strings.Contains(output, why) {
		t.Errorf("kubectl %s: %v, without %q:\n%s", arguments, err, why, output)
	}
}
