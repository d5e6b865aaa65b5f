// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// ArgsREST serves sessions/args: it reads the arguments of the Tiltfile, and
// replaces them by those that are posted.
type ArgsREST struct {
	*RequestREST[*v1alpha1.SessionArgs]
}

var (
	_ rest.NamedCreater = ArgsREST{}
	_ rest.Getter       = ArgsREST{}
)

func newArgsREST(f finder) ArgsREST {
	return ArgsREST{&RequestREST[*v1alpha1.SessionArgs]{
		finder:   f,
		kind:     "SessionArgs",
		empty:    func() *v1alpha1.SessionArgs { return &v1alpha1.SessionArgs{} },
		validate: v1alpha1.ValidateSessionArgs,
		answer: func(ctx context.Context, run Run, asked *v1alpha1.SessionArgs, dryRun bool) (err error) {
			asked.Status, err = run.SetArgs(ctx, &asked.Spec, dryRun)
			return err
		},
	}}
}

// Get reads the arguments.
func (r ArgsREST) Get(ctx context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	run, err := r.find(ctx, name)
	if err != nil {
		return nil, err
	}
	args, err := run.Args(ctx)
	if err != nil {
		return nil, err
	}
	if args == nil {
		args = []string{}
	}
	return &v1alpha1.SessionArgs{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.SessionArgsSpec{Args: args},
	}, nil
}
