// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilversion "k8s.io/apimachinery/pkg/util/version"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// checkKubectl checks kubectl commands.
func checkKubectl(t *testing.T, s *server) {
	t.Run("Write", func(t *testing.T) { t.Parallel(); kubectlWrites(t, s) })
	t.Run("Apply", func(t *testing.T) { t.Parallel(); kubectlApplies(t, s) })
	t.Run("Read", func(t *testing.T) { t.Parallel(); kubectlReads(t, s) })
	t.Run("Wait", func(t *testing.T) { t.Parallel(); kubectlWaits(t, s) })
	t.Run("Version", func(t *testing.T) { t.Parallel(); kubectlComparesVersions(t, s) })
}

func manifest(name, tiltfile string) string {
	return "apiVersion: tilt.dev/v1alpha1\nkind: Session\nmetadata:\n  name: " + name +
		"\nspec:\n  tiltfilePath: " + tiltfile + "\n  exitCondition: manual\n"
}

func kubectlWrites(t *testing.T, s *server) {
	k, name := newKubectl(t, s), unique(t)
	s.remove(t, name)
	k.run(t, manifest(name, "/a"), "create -f -", "session.tilt.dev/"+name+" created")
	k.run(t, manifest(name, "/replaced"), "replace -f -", "session.tilt.dev/"+name+" replaced")
	k.run(t, "", "label session "+name+" tier=web", "labeled")
	k.run(t, "", "annotate sess "+name+" note=kept", "annotated")
	k.run(t, "", `patch session `+name+` --type=merge -p {"spec":{"exitCondition":"ci"}}`, "patched")
	k.run(t, "", `patch session `+name+` --type=json -p [{"op":"add","path":"/spec/ci","value":{"timeout":"5m0s"}}]`, "patched")
	k.run(t, "", `patch session `+name+` --subresource=status --type=merge -p {"status":{"pid":42}}`, "patched")

	editor := "#!/bin/sh\nsed -i 's|/replaced|/edited|' \"$1\"\n"
	if err := os.WriteFile(filepath.Join(k.home, "edit"), []byte(editor), 0o700); err != nil {
		t.Fatal(err)
	}
	k.run(t, "", "edit session "+name, "edited")

	session := s.read(t, name)
	if session.Spec.TiltfilePath != "/edited" || session.Spec.ExitCondition != v1alpha1.ExitConditionCI || session.Spec.CI == nil ||
		session.Status.PID != 42 || session.Labels["tier"] != "web" || session.Annotations["note"] != "kept" {
		t.Errorf("session = %+v", session)
	}
	if output, err := k.start(t, strings.Replace(manifest(name, "/a"), "exitCondition", "exitCondtion", 1), "create", "-f", "-"); err == nil || !strings.Contains(output, "unknown field") {
		t.Errorf("a typing mistake: %v %s", err, output)
	}
	k.run(t, "", "delete session "+name+" --wait", "deleted")
	s.get(t, path(name)).failure(404, metav1.StatusReasonNotFound)
}

func kubectlApplies(t *testing.T, s *server) {
	for _, side := range []string{"", " --server-side"} {
		k, name := newKubectl(t, s), unique(t)
		s.remove(t, name)
		applied := "configured"
		if side != "" {
			applied = "serverside-applied"
		}
		k.run(t, manifest(name, "/a"), "apply -f -"+side, name)
		if output, err := k.start(t, manifest(name, "/b"), strings.Fields("diff -f -"+side)...); err == nil ||
			!strings.Contains(output, "-  tiltfilePath: /a") || !strings.Contains(output, "+  tiltfilePath: /b") {
			t.Errorf("diff%s: %v\n%s", side, err, output)
		}
		k.run(t, manifest(name, "/b"), "apply -f -"+side, applied)
		k.run(t, manifest(name, "/b"), "diff -f -"+side)
		if got := s.read(t, name).Spec.TiltfilePath; got != "/b" {
			t.Errorf("applied%s = %s", side, got)
		}
		if side == "" {
			k.run(t, manifest(name, "/b"), "apply -f -", "unchanged")
			continue
		}
		output, err := k.start(t, manifest(name, "/c"), strings.Fields("apply -f - --server-side --field-manager=another")...)
		if err == nil || !strings.Contains(output, `conflict with "kubectl"`) {
			t.Errorf("a conflict: %v\n%s", err, output)
		}
		k.run(t, manifest(name, "/c"), "apply -f - --server-side --field-manager=another --force-conflicts", applied)
	}
}

func kubectlReads(t *testing.T, s *server) {
	k, name := newKubectl(t, s), s.create(t).Name
	s.setStatus(t, name, fullStatus())
	k.run(t, "", "get session "+name, "NAME", "EXIT CONDITION", "STATE", "TARGETS", "ERROR", "AGE", "Failed", "lint:update failed")
	k.run(t, "", "get sess "+name+" -o wide", "TILTFILE", "PID", "DURATION", "4242", "/conformance/Tiltfile")
	k.run(t, "", "get sessions.v1alpha1.tilt.dev "+name+" -o yaml", "kind: Session", "startTime: \"2026-01-02T03:04:00.000006Z\"")
	k.run(t, "", "get session/"+name+" -o json", `"pid": 4242`)
	k.run(t, "", "get session "+name+" -o name", "session.tilt.dev/"+name)
	k.run(t, "", "get session "+name+" -o jsonpath={.status.pid}", "4242")
	k.run(t, "", "get session "+name+" -o go-template={{.status.pid}}", "4242")
	k.run(t, "", "get session "+name+" -o custom-columns=PID:.status.pid", "PID\n4242")
	k.run(t, "", "get session "+name+" --subresource=status", name)
	k.run(t, "", "get tilt --field-selector=metadata.name="+name, name)
	k.run(t, "", "describe session "+name, "Name:", name, "lint:update", "exit status 3", "Exit Code:")
	explained := k.run(t, "", "explain session --recursive", "GROUP:", "tilt.dev", "tiltfilePath", "exitCode", "k8sGracePeriod", "conditions")
	for line := range strings.Lines(explained) {
		if strings.Contains(line, "<no description>") || strings.Contains(line, "<empty>") {
			t.Errorf("explain: %s", line)
		}
	}
	k.run(t, "", "explain session.status.targets.state.terminated.exitCode", "integer")
	k.run(t, "", "api-resources --api-group=tilt.dev -o wide", "sessions", "sess", "tilt.dev/v1alpha1", "false", "Session", "deletecollection")
	k.run(t, "", "api-versions", "tilt.dev/v1alpha1")
	k.run(t, "", "get --raw /apis/tilt.dev", "APIGroup")
}

var printedVersion = regexp.MustCompile(`(?m)^(?:Client|Server) Version: (v.*)$`)

// kubectlComparesVersions: kubectl warns of a server whose minor release isn't next to its own, and of no other.
func kubectlComparesVersions(t *testing.T, s *server) {
	printed := newKubectl(t, s).run(t, "", "version")
	versions := printedVersion.FindAllStringSubmatch(printed, -1)
	if len(versions) != 2 {
		t.Fatalf("kubectl version:\n%s", printed)
	}
	client, server := utilversion.MustParseSemantic(versions[0][1]), utilversion.MustParseSemantic(versions[1][1])
	far := client.Major() != server.Major() || client.Minor() > server.Minor()+1 || server.Minor() > client.Minor()+1
	if strings.Contains(printed, "WARNING") != far || client.Major() != server.Major() {
		t.Errorf("kubectl version:\n%s", printed)
	}
}

// kubectlWaits: each wait, and a watch, ends by what happens after it began.
func kubectlWaits(t *testing.T, s *server) {
	k, name := newKubectl(t, s), unique(t)
	s.remove(t, name)
	type waiting struct {
		output string
		err    error
	}
	wait := func(arguments string) <-chan waiting {
		ended := make(chan waiting, 1)
		go func() {
			output, err := k.start(t, "", strings.Fields(arguments)...)
			ended <- waiting{output, err}
		}()
		return ended
	}
	met := func(ended <-chan waiting, want string) {
		t.Helper()
		if result := <-ended; result.err != nil || !strings.Contains(result.output, want) {
			t.Errorf("%v, want %q:\n%s", result.err, want, result.output)
		}
	}

	created := wait("wait --for=create session/" + name + " --timeout=60s")
	k.run(t, manifest(name, "/a"), "create -f -", "created")
	met(created, "condition met")

	succeeded := wait("wait --for=condition=Succeeded session/" + name + " --timeout=60s")
	done := wait("wait --for=jsonpath={.status.done}=true session/" + name + " --timeout=60s")
	watched := k.watchFor(t, "Succeeded", "get session "+name+" -w")
	s.setStatus(t, name, v1alpha1.SessionStatus{Done: true, Conditions: []metav1.Condition{condition("Succeeded", metav1.ConditionTrue, "Done")}})
	met(succeeded, "condition met")
	met(done, "condition met")
	if err := <-watched; err != nil {
		t.Errorf("watched: %v", err)
	}

	gone := wait("wait --for=delete session/" + name + " --timeout=60s")
	k.run(t, "", "delete session "+name+" --wait", "deleted")
	met(gone, "")
}
