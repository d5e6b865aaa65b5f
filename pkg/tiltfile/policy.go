// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"
	"time"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
)

// policyArguments are the arguments of local_resource that Tilt doesn't have:
// how long its commands may take, and what becomes of those that fail. They're
// given by keyword only, so that Tilt can add positional ones.
type policyArguments struct {
	timeout          optional[limit, *limit]
	readinessTimeout optional[limit, *limit]
	retries          optional[count, *count]
	restart          optional[restartPolicy, *restartPolicy]
}

// pairs are the parameters for starlark.UnpackArgs.
func (p *policyArguments) pairs() []any {
	return []any{
		"timeout??", &p.timeout,
		"readiness_timeout??", &p.readinessTimeout,
		"retries??", &p.retries,
		"restart??", &p.restart,
	}
}

// check returns an error for an argument about a command that there isn't.
func (p *policyArguments) check(job, server bool) error {
	switch {
	case p.timeout.set && !job:
		return errors.New("timeout is for cmd, and there's only a serve_cmd: did you mean readiness_timeout?")
	case p.retries.set && !job:
		return errors.New("retries is for cmd, and there's only a serve_cmd: did you mean restart?")
	case p.readinessTimeout.set && !server:
		return errors.New("readiness_timeout is for serve_cmd, and there's only a cmd: did you mean timeout?")
	case p.restart.set && !server:
		return errors.New("restart is for serve_cmd, and there's only a cmd: did you mean retries?")
	}
	return nil
}

// apply puts the arguments into a resource.
func (p *policyArguments) apply(r *model.Resource) {
	r.Timeout = time.Duration(p.timeout.value)
	r.ReadinessTimeout = time.Duration(p.readinessTimeout.value)
	r.Retries = int(p.retries.value)
	r.Restart = model.RestartPolicy(p.restart.value)
}

// limit is a duration in which something can happen.
type limit duration

// Unpack implements starlark.Unpacker.
func (l *limit) Unpack(v starlark.Value) error {
	if err := (*duration)(l).Unpack(v); err != nil {
		return err
	}
	if *l == 0 {
		return errors.New("must be longer than 0s, leave it out for no limit of its own")
	}
	return nil
}

// count is how often something happens.
type count int

// Unpack implements starlark.Unpacker.
func (c *count) Unpack(v starlark.Value) error {
	var n int32
	if _, ok := v.(starlark.Int); !ok {
		return fmt.Errorf("got %s, want int", v.Type())
	}
	if err := starlark.AsInt(v, &n); err != nil {
		return err
	}
	if n < 0 {
		return fmt.Errorf("must not be negative, got %d", n)
	}
	*c = count(n)
	return nil
}

// restartPolicy is 'never' or 'on-failure'.
type restartPolicy model.RestartPolicy

// Unpack implements starlark.Unpacker.
func (p *restartPolicy) Unpack(v starlark.Value) error {
	switch v {
	case starlark.String("never"):
		*p = restartPolicy(model.RestartNever)
	case starlark.String("on-failure"):
		*p = restartPolicy(model.RestartOnFailure)
	default:
		return fmt.Errorf("got %s, want 'never' or 'on-failure'", v)
	}
	return nil
}
