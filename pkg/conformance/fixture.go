// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// patience is how long a check waits for what must happen.
const patience = 30 * time.Second

var resource = schema.GroupVersionResource{Group: v1alpha1.GroupName, Version: v1alpha1.SchemeGroupVersion.Version, Resource: "sessions"}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// unique returns a name that tells the test and that no other has: for a
// Session, or as the value of a label.
func unique(t *testing.T) string {
	name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(t.Name()), "-"), "-")
	if most := 50; len(name) > most {
		name = strings.Trim(name[len(name)-most:], "-")
	}
	return name + "-" + rand.String(8)
}

// newSession is a valid one.
func newSession(name string) *v1alpha1.Session {
	return &v1alpha1.Session{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "Session"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.SessionSpec{TiltfilePath: "/conformance/Tiltfile", ExitCondition: v1alpha1.ExitConditionManual},
	}
}

// create stores a valid Session with a unique name, changed by edits, and
// removes it at the end of the test.
func (s *server) create(t *testing.T, edits ...func(*v1alpha1.Session)) *v1alpha1.Session {
	t.Helper()
	session := newSession(unique(t))
	for _, edit := range edits {
		edit(session)
	}
	created := s.do(t, http.MethodPost, sessionsPath, session).want(http.StatusCreated).session()
	s.remove(t, created.Name)
	return created
}

// remove deletes a Session at the end of the test, with its finalizers. It may
// be gone by then, or never have been.
func (s *server) remove(t *testing.T, name string) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		err := s.sessions.Delete(ctx, name, metav1.DeleteOptions{})
		if err == nil {
			_, err = s.sessions.Patch(ctx, name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		}
		if err != nil && !apierrors.IsNotFound(err) {
			t.Errorf("removing %s: %v", name, err)
		}
	})
}

// path of a Session.
func path(name string) string { return sessionsPath + "/" + name }

// statusPath of a Session.
func statusPath(name string) string { return path(name) + "/status" }

// labelled sets a label, by which a check finds its Sessions among others.
func labelled(key, value string) func(*v1alpha1.Session) {
	return func(session *v1alpha1.Session) {
		if session.Labels == nil {
			session.Labels = map[string]string{}
		}
		session.Labels[key] = value
	}
}
