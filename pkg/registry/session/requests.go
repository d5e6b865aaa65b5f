// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/util/dryrun"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/applyconfiguration"
)

// Runs is the table of the Sessions that this process runs. It is safe for concurrent use.
type Runs interface {
	// Run returns the run of the Session of that name, false if there is none.
	Run(name string) (Run, bool)
}

// Run receives the requests to a Session that is being run. It is safe for concurrent use. Requests have been
// validated; with dryRun one is checked but changes nothing. Errors are those of the API.
type Run interface {
	Resources
	Log
}

// Resources acts on the resources of the Tiltfile of a run.
type Resources interface {
	Trigger(ctx context.Context, spec *v1alpha1.SessionTriggerSpec, dryRun bool) (v1alpha1.SessionTriggerStatus, error)
	Enable(ctx context.Context, spec *v1alpha1.SessionEnableSpec, dryRun bool) (v1alpha1.SessionEnableStatus, error)
	Disable(ctx context.Context, spec *v1alpha1.SessionDisableSpec, dryRun bool) (v1alpha1.SessionDisableStatus, error)
}

// Log has the output of the Tiltfile and of the resources of a run.
type Log interface {
	// ReadLog yields the selected lines, encoded as options say, in pieces that are to be sent as they come. A piece is
	// valid until the next one. It ends when ctx is done, when the run has ended and all was yielded, and without
	// options.Follow, or once until is closed, after the lines written so far. The caller applies options.LimitBytes.
	ReadLog(ctx context.Context, options *v1alpha1.SessionLogOptions, until <-chan struct{}) (iter.Seq[[]byte], error)
}

// Remote finds the runs of other processes. It is safe for concurrent use.
type Remote interface {
	// Run returns the run of a Session that is claimed. Its errors are those of the API.
	Run(ctx context.Context, session *v1alpha1.Session) (Run, error)
}

// NewSubresources returns the subresources for requests to those of sessions that are in runs, by their paths, and the
// logs among them. If runs is nil, this process runs no Session. If remote is nil, no claimed Session can be asked.
func NewSubresources(sessions *REST, runs Runs, remote Remote) (map[string]rest.Storage, *LogREST) {
	f := finder{sessions: sessions, runs: runs, remote: remote}
	logs := &LogREST{finder: f, readers: &logReaders{ending: make(chan struct{}), drained: make(chan struct{})}}
	return map[string]rest.Storage{
		"sessions/log":  logs,
		"sessions/args": newArgsREST(sessions),
		"sessions/trigger": newRequestREST(f, "SessionTrigger", v1alpha1.ValidateSessionTrigger,
			func(ctx context.Context, run Run, request *v1alpha1.SessionTrigger, dryRun bool) (err error) {
				request.Status, err = run.Trigger(ctx, &request.Spec, dryRun)
				return err
			}),
		"sessions/enable": newRequestREST(f, "SessionEnable", v1alpha1.ValidateSessionEnable,
			func(ctx context.Context, run Run, request *v1alpha1.SessionEnable, dryRun bool) (err error) {
				request.Status, err = run.Enable(ctx, &request.Spec, dryRun)
				return err
			}),
		"sessions/disable": newRequestREST(f, "SessionDisable", v1alpha1.ValidateSessionDisable,
			func(ctx context.Context, run Run, request *v1alpha1.SessionDisable, dryRun bool) (err error) {
				request.Status, err = run.Disable(ctx, &request.Spec, dryRun)
				return err
			}),
	}, logs
}

// posted is a pointer to an object that is posted to a subresource of a Session. The
// answer is the same object with a status.
type posted[T any] interface {
	*T
	runtime.Object
	metav1.Object
}

// requestREST serves a subresource that requests are posted to.
type requestREST[T any, R posted[T]] struct {
	finder
	kind     string
	validate func(R) field.ErrorList
	// answer passes the request to the run and sets its status.
	answer func(ctx context.Context, run Run, request R, dryRun bool) error
}

func newRequestREST[T any, R posted[T]](f finder, kind string, validate func(R) field.ErrorList,
	answer func(ctx context.Context, run Run, request R, dryRun bool) error) rest.Storage {
	return &requestREST[T, R]{finder: f, kind: kind, validate: validate, answer: answer}
}

var _ rest.NamedCreater = (*requestREST[v1alpha1.SessionTrigger, *v1alpha1.SessionTrigger])(nil)

// New returns an empty request.
func (r *requestREST[T, R]) New() runtime.Object { return R(new(T)) }

// Destroy does nothing: there is nothing to release.
func (r *requestREST[T, R]) Destroy() {}

// Create passes a request to the run of a Session.
func (r *requestREST[T, R]) Create(ctx context.Context, name string, obj runtime.Object,
	admit rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	request, err := checkPosted(ctx, name, obj, r.kind, r.validate, admit)
	if err != nil {
		return nil, err
	}
	run, err := r.find(ctx, name, true)
	if err != nil {
		return nil, err
	}
	if err := r.answer(ctx, run, request, dryrun.IsDryRun(options.DryRun)); err != nil {
		return nil, err
	}
	return request, nil
}

// checkPosted returns an object that was posted to a subresource of the Session of
// that name, if it is valid and admitted.
func checkPosted[T any, R posted[T]](ctx context.Context, name string, obj runtime.Object, kind string,
	validate func(R) field.ErrorList, admit rest.ValidateObjectFunc) (R, error) {
	request, ok := obj.(R)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("%T is not a %s", obj, kind))
	}
	switch request.GetName() {
	case name:
	case "":
		request.SetName(name)
	default:
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the name of the object (%s) is not that of the Session (%s)",
			request.GetName(), name))
	}
	// They only name the client as the manager of the request.
	request.SetManagedFields(nil)
	if errs := validate(request); len(errs) > 0 {
		return nil, apierrors.NewInvalid(v1alpha1.Kind(kind), name, errs)
	}
	if admit != nil {
		if err := admit(ctx, request.DeepCopyObject()); err != nil {
			return nil, err
		}
	}
	return request, nil
}

// finder finds the run of a stored Session.
type finder struct {
	sessions *REST
	runs     Runs
	remote   Remote
}

// find returns the run of the Session of that name. A Session that is done takes no requests that change something.
func (f *finder) find(ctx context.Context, name string, change bool) (Run, error) {
	obj, err := f.sessions.Get(ctx, name, &metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	session := obj.(*v1alpha1.Session)
	if change && session.Status.Done {
		return nil, conflict(name, errDone)
	}
	if f.remote != nil && session.Status.Runner != nil {
		return f.remote.Run(ctx, session)
	}
	if f.runs == nil {
		return nil, conflict(name, errNotRun)
	}
	if run, found := f.runs.Run(name); found {
		return run, nil
	}
	return nil, conflict(name, whyNotRun(session))
}

func conflict(name string, err error) error {
	return apierrors.NewConflict(v1alpha1.Resource("sessions"), name, err)
}

var (
	errNotRun = errors.New("it isn't run by this server")
	errDone   = errors.New("it's done")
)

// whyNotRun returns why a Session has no run, according to its status.
func whyNotRun(session *v1alpha1.Session) error {
	switch status := &session.Status; {
	case session.DeletionTimestamp != nil:
		return errors.New("it's being deleted, and isn't run any more")
	case status.Done:
		// Logs are kept with the run.
		return errors.New("it's done, and this server doesn't keep its run any more")
	case status.StartTime.IsZero():
		for i := range status.Targets {
			switch state := &status.Targets[i].State; {
			case state.Waiting != nil && state.Waiting.WaitReason == v1alpha1.WaitReasonSessionSlot:
				return errors.New("it isn't run yet: --max-running limits how many Sessions run at once, " +
					"and it waits until one of them has ended")
			case state.Terminated != nil && state.Terminated.Error != "":
				return fmt.Errorf("it can't be run: %s", state.Terminated.Error)
			}
		}
	}
	return errNotRun
}

// argsREST serves sessions/args: it reads spec.args of a Session and replaces it by
// what is posted, with the rights that the subresource has of its own.
type argsREST struct {
	sessions *REST
	// managers returns the field manager that records the manager of spec.args.
	managers func() (*managedfields.FieldManager, error)
}

var (
	_ rest.NamedCreater = (*argsREST)(nil)
	_ rest.Getter       = (*argsREST)(nil)
)

func newArgsREST(sessions *REST) *argsREST {
	// It is made on first use, because it reads the whole schema.
	return &argsREST{sessions: sessions, managers: sync.OnceValues(func() (*managedfields.FieldManager, error) {
		scheme := sessions.scheme
		return managedfields.NewDefaultFieldManager(
			applyconfiguration.NewTypeConverter(scheme), scheme, scheme, scheme,
			v1alpha1.SchemeGroupVersion.WithKind("Session"),
			schema.GroupVersion{Group: v1alpha1.GroupName, Version: runtime.APIVersionInternal}, "args", nil)
	})}
}

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

// own returns session with manager as the manager of the fields in which it differs from stored.
func (r *argsREST) own(stored, session *v1alpha1.Session, manager string) (runtime.Object, error) {
	managers, err := r.managers()
	if err != nil {
		return nil, apierrors.NewInternalError(fmt.Errorf("read the schema of Sessions: %w", err))
	}
	return managers.UpdateNoErrors(stored, session, manager), nil
}

// managerOf returns the manager that the server has recorded in a posted object, or an empty string.
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
