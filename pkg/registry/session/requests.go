// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/util/dryrun"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// Runs is the table of the Sessions that this process runs. It is safe for concurrent use.
type Runs interface {
	// Run returns the run of the Session of that name, false if there is none.
	Run(name string) (Run, bool)
}

// Run takes the requests to a Session that is being run. It is safe for concurrent use. Requests have been
// validated; with dryRun one is checked but changes nothing. Errors are those of the API.
type Run interface {
	Resources
	Log
}

// Resources are those of the Tiltfile of a run.
type Resources interface {
	Trigger(ctx context.Context, spec *v1alpha1.SessionTriggerSpec, dryRun bool) (v1alpha1.SessionTriggerStatus, error)
	Enable(ctx context.Context, spec *v1alpha1.SessionEnableSpec, dryRun bool) (v1alpha1.SessionEnableStatus, error)
	Disable(ctx context.Context, spec *v1alpha1.SessionDisableSpec, dryRun bool) (v1alpha1.SessionDisableStatus, error)
}

// Log is what the Tiltfile and the resources of a run have written.
type Log interface {
	// ReadLog yields the selected lines, encoded as options say, in pieces that are to be sent as they come. A
	// piece is valid until the next one. It ends when ctx is done, when the run has ended and all was yielded, and
	// without options.Follow, or once until is closed, after the lines written so far. The caller applies
	// options.LimitBytes.
	ReadLog(ctx context.Context, options *v1alpha1.SessionLogOptions, until <-chan struct{}) (iter.Seq[[]byte], error)
}

// Requests are the subresources for requests to a Session.
type Requests struct {
	Log *LogREST

	others map[string]rest.Storage
}

// NewRequests returns what serves requests to those of sessions that are in runs. If
// runs is nil no Session is run here.
func NewRequests(sessions *REST, runs Runs) *Requests {
	f := finder{sessions: sessions, runs: runs}
	return &Requests{
		Log: &LogREST{finder: f, readers: newLogReaders()},
		others: map[string]rest.Storage{
			"sessions/args": &argsREST{sessions: sessions},
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
		},
	}
}

// InstallInto adds the subresources to those of a version, by their paths.
func (r *Requests) InstallInto(version map[string]rest.Storage) {
	maps.Copy(version, r.others)
	version["sessions/log"] = r.Log
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
	// They only name the client as the manager of what it has just sent.
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
	// Logs are kept with the run.
	errForgotten = errors.New("it's done, and this server doesn't keep its run any more")
	errDeleted   = errors.New("it's being deleted, and isn't run any more")
	errWaits     = errors.New("it isn't run yet: --max-running limits how many Sessions run at once, " +
		"and it waits until one of them has ended")
)

// whyNotRun is why there is no run of a Session at present, according to its status.
func whyNotRun(session *v1alpha1.Session) error {
	switch status := &session.Status; {
	case session.DeletionTimestamp != nil:
		return errDeleted
	case status.Done:
		return errForgotten
	case status.StartTime.IsZero():
		for i := range status.Targets {
			switch state := &status.Targets[i].State; {
			case state.Waiting != nil && state.Waiting.WaitReason == v1alpha1.WaitReasonSessionSlot:
				return errWaits
			case state.Terminated != nil && state.Terminated.Error != "":
				return fmt.Errorf("it can't be run: %s", state.Terminated.Error)
			}
		}
	}
	return errNotRun
}
