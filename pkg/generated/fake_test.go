// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package generated_test

import (
	"errors"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/clientset/versioned/fake"
)

// Who tests with the fake clientset can say what's in a log.
func TestFakeLogs(t *testing.T) {
	clientset := fake.NewClientset()
	sessions := clientset.TiltV1alpha1().Sessions()
	read := func() (string, error) {
		log, err := sessions.GetLogs("Tiltfile", &v1alpha1.SessionLogOptions{Follow: true}).DoRaw(t.Context())
		return string(log), err
	}
	if log, err := read(); log != "" || err != nil {
		t.Errorf("without a reactor: %q, %v", log, err)
	}
	answer, failure := "a line\n", error(nil)
	clientset.PrependReactor("get", "sessions/log", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if options := action.(clienttesting.GenericAction).GetValue().(*v1alpha1.SessionLogOptions); !options.Follow {
			t.Errorf("options = %+v", options)
		}
		return true, &runtime.Unknown{Raw: []byte(answer)}, failure
	})
	if log, err := read(); log != answer || err != nil {
		t.Errorf("with a reactor: %q, %v", log, err)
	}
	failure = errors.New("no log here")
	if _, err := read(); !errors.Is(err, failure) {
		t.Errorf("with one that fails: %v", err)
	}
}
