// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifests_test

import (
	"bytes"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/ptr"

	"tilt.dev/session/pkg/cli"
	"tilt.dev/session/pkg/cli/command"
)

// arguments are what kubelet starts the server with.
func arguments(pod corev1.PodSpec) []string {
	var pairs []string
	for _, variable := range pod.Containers[0].Env {
		value := variable.Value
		if from := variable.ValueFrom; from != nil && from.FieldRef.FieldPath == "metadata.namespace" {
			value = namespace
		}
		pairs = append(pairs, "$("+variable.Name+")", value)
	}
	expand := strings.NewReplacer(pairs...)
	var expanded []string
	for _, argument := range pod.Containers[0].Args {
		expanded = append(expanded, expand.Replace(argument))
	}
	return expanded
}

// flag is the value of a flag that's there once.
func flag(t *testing.T, args []string, name string) string {
	t.Helper()
	var found []string
	for _, argument := range args {
		if value, ok := strings.CutPrefix(argument, "--"+name+"="); ok {
			found = append(found, value)
		}
	}
	if len(found) != 1 {
		t.Fatalf("--%s is there %d times", name, len(found))
	}
	return found[0]
}

// The command knows each flag and can read its value.
func TestFlags(t *testing.T) {
	t.Parallel()
	eachInstallation(t, func(t *testing.T, i *installation) {
		pod := the[appsv1.Deployment](t, i, "tilt-session").Spec.Template.Spec
		args := arguments(pod)
		if text := strings.Join(args, " "); strings.Contains(text, "$(") {
			t.Errorf("a variable isn't set: %s", text)
		}
		var out, errOut bytes.Buffer
		program := command.Program{
			Streams: genericiooptions.IOStreams{In: &bytes.Buffer{}, Out: &out, ErrOut: &errOut},
			Version: "v0.0.0",
			Notify:  func() <-chan os.Signal { return nil },
		}
		// It reads the flags before it helps.
		if err := cli.Execute(t.Context(), program, append(args, "--help")); err != nil {
			t.Errorf("%q: %v", args, err)
		}
		if port := flag(t, args, "secure-port"); port != "10250" || pod.Containers[0].Ports[0].ContainerPort != 10250 {
			t.Errorf("it listens on port %s, and is expected on %d", port, pod.Containers[0].Ports[0].ContainerPort)
		}
	})
}

// A pod has the time that the server takes to stop.
func TestTimeToStop(t *testing.T) {
	t.Parallel()
	eachInstallation(t, func(t *testing.T, i *installation) {
		pod := the[appsv1.Deployment](t, i, "tilt-session").Spec.Template.Spec
		needed := 5 * time.Second
		for _, name := range []string{"shutdown-delay-duration", "shutdown-drain-timeout"} {
			d, err := time.ParseDuration(flag(t, arguments(pod), name))
			if err != nil {
				t.Fatal(err)
			}
			needed += d
		}
		if got := time.Duration(ptr.Deref(pod.TerminationGracePeriodSeconds, 30)) * time.Second; got < needed {
			t.Errorf("it's killed after %v and needs %v", got, needed)
		}
	})
}

// The rights are those to the Secret and for the Service that the flags name.
func TestCertificates(t *testing.T) {
	t.Parallel()
	eachInstallation(t, func(t *testing.T, i *installation) {
		args := arguments(the[appsv1.Deployment](t, i, "tilt-session").Spec.Template.Spec)
		role := the[rbacv1.Role](t, i, "tilt-session:certificates")
		if secret := flag(t, args, "tls-secret"); secret != role.Namespace+"/"+role.Rules[0].ResourceNames[0] {
			t.Errorf("the Secret is %s, with rights to %s/%q", secret, role.Namespace, role.Rules[0].ResourceNames)
		}
		service := the[corev1.Service](t, i, "tilt-session")
		if got := flag(t, args, "tls-service"); got != service.Namespace+"/"+service.Name {
			t.Errorf("the certificate is for %s, not for the Service", got)
		}
	})
}

// Each file that the flags name is mounted, what's written can be, and the token of
// the service account is there.
func TestFiles(t *testing.T) {
	t.Parallel()
	eachInstallation(t, func(t *testing.T, i *installation) {
		pod := the[appsv1.Deployment](t, i, "tilt-session").Spec.Template.Spec
		args, mounts := arguments(pod), pod.Containers[0].VolumeMounts
		for _, name := range []string{"etcd-cafile", "etcd-certfile", "etcd-keyfile"} {
			file := flag(t, args, name)
			if mounted := slices.ContainsFunc(mounts, func(m corev1.VolumeMount) bool { return m.MountPath == path.Dir(file) }); file != "" && !mounted {
				t.Errorf("--%s is %s, which isn't mounted", name, file)
			}
		}
		for _, variable := range pod.Containers[0].Env {
			written := func(m corev1.VolumeMount) bool { return m.MountPath == variable.Value && !m.ReadOnly }
			if variable.Name == "TILT_DEV_DIR" && !slices.ContainsFunc(mounts, written) {
				t.Errorf("it can't write to %s", variable.Value)
			}
		}
		if slices.Contains(args, "--in-cluster") != ptr.Deref(pod.AutomountServiceAccountToken, false) {
			t.Error("it has a token and doesn't need it, or the other way around")
		}
	})
}
