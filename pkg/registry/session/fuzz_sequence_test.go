// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/registry/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/storage"
)

// FuzzSequence derives writes of a Session, of its status and deletions from the input, sends them to the real store,
// and compares the stored Session with the allowed changes.
func FuzzSequence(f *testing.F) {
	for _, script := range []string{
		"",
		"\x00\x01\x01\x01\x02\x02\x02\x03\x03\x03\x04\x04\x04\x05\x05\x05",
		"\x00\x00\x01\x01a\x02\x02b\x03\x03\x04\x04\x05\x05\x06\x06",
		"createupdatestatusdeletecreateupdate",
		"\x00\x06\x01\x03\x01\x00\x01\x06\x00\x03\x02\x05\x01\x01\x06\x00\x00",
	} {
		f.Add([]byte(script))
	}
	main, status := newStores(f)
	f.Fuzz(func(t *testing.T, script []byte) {
		s := &sequence{ctx: inNoNamespace(t), main: main, status: status, script: script}
		for step := 0; step < 12 && len(s.script) > 0; step++ {
			if done := s.step(); s.mistake != "" {
				t.Fatalf("step %d, %s: %s", step, done, s.mistake)
			}
		}
		s.cleanUp(t)
	})
}

func newStores(f *testing.F) (*REST, *StatusREST) {
	f.Helper()
	scheme := serverScheme(f)
	backend, err := storage.NewMemory(storage.Config{Codec: storageCodec(scheme)})
	if err != nil {
		f.Fatal(err)
	}
	main, status, err := NewREST(scheme, backend.RESTOptionsGetter())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		main.Destroy()
		if err := backend.Close(); err != nil {
			f.Error(err)
		}
	})
	return main, status
}

const sequenceName = "a"

// sequence is the sequence of writes of one input.
type sequence struct {
	ctx    context.Context
	main   *REST
	status *StatusREST
	script []byte
	// mistake describes a fault of the store, or is empty.
	mistake string
}

// choose takes the next byte of the script as a number below n.
func (s *sequence) choose(n int) int {
	if len(s.script) == 0 {
		return 0
	}
	chosen := int(s.script[0]) % n
	s.script = s.script[1:]
	return chosen
}

// step does one operation, and returns its name.
func (s *sequence) step() string {
	before := s.stored()
	switch operation := s.choose(6); {
	case before == nil || operation == 0:
		s.create(before)
		return "create"
	case operation == 1 || operation == 2:
		sent := s.change(before)
		err := s.update(s.main, sent)
		s.checkUpdate(before, sent, err, mainWrite(before, sent))
		return "update"
	case operation == 3 || operation == 4:
		sent := s.change(before)
		err := s.update(s.status, sent)
		s.checkUpdate(before, sent, err, statusWrite(before, sent))
		return "status update"
	default:
		s.delete(before)
		return "delete"
	}
}

func (s *sequence) create(before *v1alpha1.Session) {
	sent := s.change(&v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Name: sequenceName},
		Spec:       v1alpha1.SessionSpec{TiltfilePath: "/src/Tiltfile", ExitCondition: v1alpha1.ExitConditionCI},
	})
	// As the handler of POST does.
	rest.WipeObjectMetaSystemFields(sent)
	_, err := s.main.Create(s.ctx, sent.DeepCopy(), rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	after := s.stored()
	switch {
	case err != nil:
		s.refused(err, before, after)
	case before != nil:
		s.fail("one that exists was created: %v", before)
	default:
		want := sent.DeepCopy()
		want.Generation, want.Status = 1, v1alpha1.SessionStatus{Targets: []v1alpha1.Target{}}
		want.UID, want.CreationTimestamp, want.ResourceVersion = after.UID, after.CreationTimestamp, after.ResourceVersion
		s.same(want, after)
		if after.UID == "" || after.UID == sent.UID || after.CreationTimestamp.IsZero() || after.DeletionTimestamp != nil {
			s.fail("created %+v", after.ObjectMeta)
		}
	}
}

// mainWrite returns the result of a write of the main resource.
func mainWrite(before, sent *v1alpha1.Session) *v1alpha1.Session {
	want := before.DeepCopy()
	want.Labels, want.Annotations = sent.Labels, sent.Annotations
	want.Finalizers, want.OwnerReferences = sent.Finalizers, sent.OwnerReferences
	if sent.Spec.DeepCopyInto(&want.Spec); !cmp.Equal(before.Spec, want.Spec, cmpopts.EquateEmpty()) {
		want.Generation++
	}
	return want
}

// statusWrite returns the result of a write of the status.
func statusWrite(before, sent *v1alpha1.Session) *v1alpha1.Session {
	want := before.DeepCopy()
	sent.Status.DeepCopyInto(&want.Status)
	v1alpha1.SetDefaults_SessionStatus(&want.Status)
	for i := range want.Status.Targets {
		v1alpha1.SetDefaults_Target(&want.Status.Targets[i])
	}
	return want
}

func (s *sequence) update(store rest.Updater, sent *v1alpha1.Session) error {
	_, created, err := store.Update(s.ctx, sequenceName, rest.DefaultUpdatedObjectInfo(sent.DeepCopy()),
		rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{})
	if created {
		s.fail("an update has created it")
	}
	return err
}

func (s *sequence) checkUpdate(before, sent *v1alpha1.Session, err error, want *v1alpha1.Session) {
	after := s.stored()
	switch {
	case err != nil:
		s.refused(err, before, after)
	case want.DeletionTimestamp != nil && len(want.Finalizers) == 0:
		if after != nil {
			s.fail("it remains without a finalizer: %+v", after.ObjectMeta)
		}
	case after == nil:
		s.fail("it's gone")
	case sent.ResourceVersion != "" && sent.ResourceVersion != before.ResourceVersion:
		s.fail("resourceVersion %q was accepted while %q is stored", sent.ResourceVersion, before.ResourceVersion)
	default:
		s.moved(before, after, want)
	}
}

func (s *sequence) delete(before *v1alpha1.Session) {
	_, _, err := s.main.Delete(s.ctx, sequenceName, rest.ValidateAllObjectFunc, &metav1.DeleteOptions{})
	after := s.stored()
	switch {
	case err != nil:
		s.fail("deleting: %v", err)
	case len(before.Finalizers) == 0:
		if after != nil {
			s.fail("it remains without a finalizer: %+v", after.ObjectMeta)
		}
	case after == nil || after.DeletionTimestamp == nil:
		s.fail("the finalizers %q weren't waited for", before.Finalizers)
	default:
		want := before.DeepCopy()
		if before.DeletionTimestamp == nil {
			want.Generation++
			want.DeletionTimestamp, want.DeletionGracePeriodSeconds = after.DeletionTimestamp, after.DeletionGracePeriodSeconds
		}
		s.moved(before, after, want)
	}
}

// moved expects a new resourceVersion if and only if the write has a change.
func (s *sequence) moved(before, after, want *v1alpha1.Session) {
	noop := cmp.Equal(before, want, cmpopts.EquateEmpty())
	if noop != (before.ResourceVersion == after.ResourceVersion) {
		s.fail("nothing to change: %v, resourceVersion %s was %s", noop, after.ResourceVersion, before.ResourceVersion)
	}
	want.ResourceVersion = after.ResourceVersion
	s.same(want, after)
}

// refused expects an error of the client, and no effect.
func (s *sequence) refused(err error, before, after *v1alpha1.Session) {
	if !blamesClient(err) {
		s.fail("refused with %v", err)
	}
	s.same(before, after)
}

func (s *sequence) same(want, got *v1alpha1.Session) {
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		s.fail("stored (-want +got):\n%s", diff)
	}
}

func (s *sequence) fail(format string, args ...any) {
	if s.mistake == "" {
		s.mistake = fmt.Sprintf(format, args...)
	}
}

// stored returns the stored Session, or nil.
func (s *sequence) stored() *v1alpha1.Session {
	obj, err := s.main.Get(s.ctx, sequenceName, &metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		s.fail("reading: %v", err)
		return nil
	default:
		session := obj.(*v1alpha1.Session).DeepCopy()
		session.TypeMeta = metav1.TypeMeta{}
		return session
	}
}

func (s *sequence) cleanUp(t *testing.T) {
	last := s.stored()
	if last == nil {
		return
	}
	if len(last.Finalizers) > 0 {
		last.Finalizers = nil
		if err := s.update(s.main, last); err != nil {
			t.Fatal(err)
		}
	}
	if last = s.stored(); last != nil {
		s.delete(last)
	}
	if s.mistake != "" {
		t.Fatalf("at last: %s", s.mistake)
	}
}

// text takes some bytes of the script as text.
func (s *sequence) text() string {
	n := min(s.choose(6), len(s.script))
	text := strings.ToValidUTF8(string(s.script[:n]), "?")
	s.script = s.script[n:]
	return text
}
