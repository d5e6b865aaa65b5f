// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apiserver/pkg/registry/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/applyconfiguration"
)

// argsREST serves sessions/args: it reads spec.args of a Session and replaces it by
// what is posted, with the rights that the subresource has of its own.
type argsREST struct {
	sessions *REST

	// managers records the manager of spec.args. It is made on first use, because it reads the whole schema.
	once     sync.Once
	managers *managedfields.FieldManager
	err      error
}

var (
	_ rest.NamedCreater = (*argsREST)(nil)
	_ rest.Getter       = (*argsREST)(nil)
)

// New returns empty arguments.
func (r *argsREST) New() runtime.Object { return &v1alpha1.SessionArgs{} }

// Destroy does nothing: the storage belongs to the main resource.
func (r *argsREST) Destroy() {}

// Get reads the arguments.
func (r *argsREST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	obj, err := r.sessions.Get(ctx, name, options)
	if err != nil {
		return nil, err
	}
	return argsOf(obj.(*v1alpha1.Session), false), nil
}

// Create replaces the arguments. The managedFields of the Session name the client as their manager. If the client
// sends a resourceVersion and the Session has another one, the answer is a conflict.
func (r *argsREST) Create(ctx context.Context, name string, obj runtime.Object,
	admit rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	manager := cmp.Or(options.FieldManager, managerOf(obj), "unknown")
	request, err := checkPosted(ctx, name, obj, "SessionArgs", v1alpha1.ValidateSessionArgs, admit)
	if err != nil {
		return nil, err
	}
	var changed bool
	replace := func(_ context.Context, _, old runtime.Object) (runtime.Object, error) {
		stored := old.(*v1alpha1.Session)
		if stored.Status.Done {
			return nil, conflict(name, errDone)
		}
		session := stored.DeepCopy()
		session.ResourceVersion = cmp.Or(request.ResourceVersion, stored.ResourceVersion)
		session.Spec.Args = slices.Clone(request.Spec.Args)
		changed = !slices.Equal(stored.Spec.Args, session.Spec.Args)
		return r.own(stored, session, manager)
	}
	updated, _, err := r.sessions.Update(ctx, name, rest.DefaultUpdatedObjectInfo(request, replace),
		rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{DryRun: options.DryRun})
	if err != nil {
		return nil, err
	}
	return argsOf(updated.(*v1alpha1.Session), changed), nil
}

// own returns session, which is to replace stored, with manager as the manager of what differs.
func (r *argsREST) own(stored, session *v1alpha1.Session, manager string) (runtime.Object, error) {
	r.once.Do(func() {
		scheme := r.sessions.scheme
		r.managers, r.err = managedfields.NewDefaultFieldManager(
			applyconfiguration.NewTypeConverter(scheme), scheme, scheme, scheme,
			v1alpha1.SchemeGroupVersion.WithKind("Session"),
			schema.GroupVersion{Group: v1alpha1.GroupName, Version: runtime.APIVersionInternal}, "args", nil)
	})
	if r.err != nil {
		return nil, apierrors.NewInternalError(fmt.Errorf("read the schema of Sessions: %w", r.err))
	}
	return r.managers.UpdateNoErrors(stored, session, manager), nil
}

// managerOf is the manager that the server has recorded in obj for the client that has
// posted it, empty if there is none.
func managerOf(obj runtime.Object) string {
	args, ok := obj.(*v1alpha1.SessionArgs)
	if !ok || len(args.ManagedFields) == 0 {
		return ""
	}
	return args.ManagedFields[len(args.ManagedFields)-1].Manager
}

func argsOf(session *v1alpha1.Session, changed bool) *v1alpha1.SessionArgs {
	return &v1alpha1.SessionArgs{
		ObjectMeta: metav1.ObjectMeta{
			Name: session.Name, UID: session.UID,
			ResourceVersion: session.ResourceVersion, CreationTimestamp: session.CreationTimestamp,
		},
		Spec:   v1alpha1.SessionArgsSpec{Args: append([]string{}, session.Spec.Args...)},
		Status: v1alpha1.SessionArgsStatus{Changed: changed},
	}
}
