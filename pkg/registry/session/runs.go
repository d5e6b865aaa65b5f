// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"iter"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/registry/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// Runs knows which Sessions are run by this process. It's safe for concurrent
// use.
type Runs interface {
	// Run returns the run of the Session of that name, false if there's none.
	Run(name string) (Run, bool)
	// Orphan returns the run of that name if it goes on without its Session, which
	// was deleted, false if it doesn't or there's none.
	Orphan(name string) (Run, bool)
}

// Run is what can be asked of a Session that's being run. It's safe for
// concurrent use. Requests have been validated; with dryRun one is checked but
// changes nothing. Errors are those of the API.
type Run interface {
	Resources
	Arguments
	Log
}

// Resources are those of the Tiltfile of a run.
type Resources interface {
	Trigger(ctx context.Context, spec *v1alpha1.SessionTriggerSpec, dryRun bool) (v1alpha1.SessionTriggerStatus, error)
	Enable(ctx context.Context, spec *v1alpha1.SessionEnableSpec, dryRun bool) (v1alpha1.SessionEnableStatus, error)
	Disable(ctx context.Context, spec *v1alpha1.SessionDisableSpec, dryRun bool) (v1alpha1.SessionDisableStatus, error)
}

// Arguments are those of the Tiltfile of a run.
type Arguments interface {
	Args(ctx context.Context) ([]string, error)
	SetArgs(ctx context.Context, spec *v1alpha1.SessionArgsSpec, dryRun bool) (v1alpha1.SessionArgsStatus, error)
}

// Log is what the Tiltfile and the resources of a run have written.
type Log interface {
	// ReadLog yields the lines that are selected, encoded as options say, in
	// pieces that are to be sent as they come. A piece is valid until the next one.
	// It ends when ctx is done, when the run has ended and all was yielded,
	// and without options.Follow, or once until is closed, after the lines that
	// are there. options.LimitBytes is left to the caller.
	ReadLog(ctx context.Context, options *v1alpha1.SessionLogOptions, until <-chan struct{}) (iter.Seq[[]byte], error)
}

// finder finds the run of a Session, which is one that's stored or has just been
// deleted.
type finder struct {
	sessions rest.Getter
	runs     Runs
}

// find returns the run of the Session of that name.
func (f *finder) find(ctx context.Context, name string) (Run, error) {
	session, err := f.session(ctx, name)
	if err != nil {
		return f.orphan(name, err)
	}
	return f.run(session)
}

// findUndone is find for requests that a run can't follow any more when its
// verdict is reached.
func (f *finder) findUndone(ctx context.Context, name string) (Run, error) {
	session, err := f.session(ctx, name)
	if err != nil {
		return f.orphan(name, err)
	}
	if session.Status.Done {
		return nil, apierrors.NewConflict(v1alpha1.Resource("sessions"), name, errDone)
	}
	return f.run(session)
}

func (f *finder) session(ctx context.Context, name string) (*v1alpha1.Session, error) {
	obj, err := f.sessions.Get(ctx, name, &metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return obj.(*v1alpha1.Session), nil
}

// orphan returns the run of a Session that couldn't be read because of err, if it
// goes on although there's no Session.
func (f *finder) orphan(name string, err error) (Run, error) {
	if f.runs != nil && apierrors.IsNotFound(err) {
		if run, found := f.runs.Orphan(name); found {
			return run, nil
		}
	}
	return nil, err
}

func (f *finder) run(session *v1alpha1.Session) (Run, error) {
	if f.runs == nil {
		return nil, apierrors.NewConflict(v1alpha1.Resource("sessions"), session.Name, errNotRun)
	}
	if run, found := f.runs.Run(session.Name); found {
		return run, nil
	}
	return nil, apierrors.NewConflict(v1alpha1.Resource("sessions"), session.Name, whyNotRun(session))
}
