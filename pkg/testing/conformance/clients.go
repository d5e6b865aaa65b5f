// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/restmapper"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// checkClients checks the programs and libraries that people use.
func checkClients(t *testing.T, s *server) {
	t.Run("Dynamic", func(t *testing.T) { t.Parallel(); dynamicClient(t, s) })
	t.Run("Mapper", func(t *testing.T) { t.Parallel(); mapper(t, s) })
	t.Run("Kubectl", func(t *testing.T) { t.Parallel(); checkKubectl(t, s) })
}

func dynamicClient(t *testing.T, s *server) {
	name := unique(t)
	s.remove(t, name)
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "tilt.dev/v1alpha1", "kind": "Session", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"tiltfilePath": "/a", "exitCondition": "ci"},
	}}
	created, err := s.dynamic.Create(t.Context(), object, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
	if err != nil {
		t.Fatal(err)
	}
	if err := unstructured.SetNestedField(created.Object, int64(9007199254740993), "status", "pid"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.dynamic.UpdateStatus(t.Context(), created, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	read, err := s.dynamic.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if pid, _, err := unstructured.NestedInt64(read.Object, "status", "pid"); err != nil || pid != 9007199254740993 {
		t.Errorf("pid = %d, %v", pid, err)
	}
	if err := s.dynamic.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}

func mapper(t *testing.T, s *server) {
	client := s.discovery(t)
	resources, err := restmapper.GetAPIGroupResources(client)
	if err != nil {
		t.Fatal(err)
	}
	plain := restmapper.NewDiscoveryRESTMapper(resources)
	mapping, err := plain.RESTMapping(schema.GroupKind{Group: v1alpha1.GroupName, Kind: "Session"})
	if err != nil || mapping.Resource != resource || mapping.Scope.Name() != "root" {
		t.Errorf("mapping = %+v, %v", mapping, err)
	}
	for _, name := range []string{"sessions", "session"} {
		if found, err := plain.ResourceFor(schema.GroupVersionResource{Resource: name}); err != nil || found != resource {
			t.Errorf("%s is %v, %v", name, found, err)
		}
	}
}

// kubectl runs the kubectl of the PATH with the target's kubeconfig.
type kubectl struct {
	program, kubeconfig, home string
}

func newKubectl(t *testing.T, s *server) *kubectl {
	t.Helper()
	program, err := exec.LookPath("kubectl")
	if err != nil {
		t.Fatalf("the checks of clients need kubectl on the PATH: %v", err)
	}
	return &kubectl{program: program, kubeconfig: s.Kubeconfig, home: t.TempDir()}
}

func (k *kubectl) command(ctx context.Context, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, k.program, arguments...)
	command.Env = append(os.Environ(), "HOME="+k.home, "KUBECONFIG="+k.kubeconfig, "EDITOR="+filepath.Join(k.home, "edit"), "KUBE_EDITOR=")
	return command
}

// start runs a command and returns its output and its error.
func (k *kubectl) start(t *testing.T, input string, arguments ...string) (string, error) {
	t.Helper()
	command := k.command(t.Context(), arguments...)
	command.Stdin = strings.NewReader(input)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
	return output.String(), err
}

// run ends the test unless the command succeeds and prints all wanted texts.
func (k *kubectl) run(t *testing.T, input, arguments string, wanted ...string) string {
	t.Helper()
	output, err := k.start(t, input, strings.Fields(arguments)...)
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

// watchFor starts a command that runs until it's stopped, and stops it when it
// prints what is wanted. What is received then is nil.
func (k *kubectl) watchFor(t *testing.T, wanted, arguments string) <-chan error {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	command := k.command(ctx, strings.Fields(arguments)...)
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	printed := make(chan error, 1)
	go func() {
		result := fmt.Errorf("it never printed %q", wanted)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			if strings.Contains(lines.Text(), wanted) {
				result = nil
				break
			}
		}
		stop()
		// It was killed.
		_ = command.Wait()
		printed <- result
	}()
	return printed
}
