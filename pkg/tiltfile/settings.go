// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"fmt"
	"time"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
)

func (e *evaluation) settingsLibrary() library {
	l := functions(map[string]function{
		"ci_settings":      e.ciSettings,
		"update_settings":  e.updateSettings,
		"trigger_mode":     e.setTriggerMode,
		"version_settings": versionSettings,
		"watch_settings":   e.watchSettings,
	})
	l["TRIGGER_MODE_AUTO"] = triggerMode(model.TriggerAuto)
	l["TRIGGER_MODE_MANUAL"] = triggerMode(model.TriggerManual)
	return l
}

// ciSettings is ci_settings(k8s_grace_period=, timeout=, readiness_timeout=,
// settle=), of which Tilt doesn't have the last. What a call doesn't give stays
// as an earlier one left it.
func (e *evaluation) ciSettings(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var grace, timeout, readiness, settle optional[duration, *duration]
	err := starlark.UnpackArgs(fn.Name(), args, kwargs,
		"k8s_grace_period??", &grace, "timeout??", &timeout, "readiness_timeout??", &readiness, "settle??", &settle)
	if err != nil {
		return nil, err
	}
	for _, setting := range []struct {
		given  optional[duration, *duration]
		target **time.Duration
	}{
		{grace, &e.ci.K8sGracePeriod},
		{timeout, &e.ci.Timeout},
		{readiness, &e.ci.ReadinessTimeout},
		{settle, &e.ci.Settle},
	} {
		if setting.given.set {
			value := time.Duration(setting.given.value)
			*setting.target = &value
		}
	}
	return starlark.None, nil
}

// duration is a string such as "5m30s".
type duration time.Duration

// Unpack implements starlark.Unpacker.
func (d *duration) Unpack(v starlark.Value) error {
	s, ok := starlark.AsString(v)
	if !ok {
		return fmt.Errorf("got %s, want a duration as a string, such as \"5m30s\"", v.Type())
	}
	parsed, err := time.ParseDuration(s)
	if err != nil {
		return err
	}
	if parsed < 0 {
		return fmt.Errorf("duration %q must not be negative", s)
	}
	*d = duration(parsed)
	return nil
}

// updateSettings is update_settings(max_parallel_updates=, ...). The arguments
// after the first matter to Kubernetes resources only and change nothing.
func (e *evaluation) updateSettings(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	parallel := e.maxParallelUpdates
	upsertTimeout := count(1)
	var unusedImages stringList
	var serverSideApply starlark.Value
	err := starlark.UnpackArgs(fn.Name(), args, kwargs,
		"max_parallel_updates??", &parallel,
		"k8s_upsert_timeout_secs??", &upsertTimeout,
		"suppress_unused_image_warnings??", &unusedImages,
		"k8s_server_side_apply??", &serverSideApply)
	if err != nil {
		return nil, err
	}
	if parallel < 1 {
		return nil, fmt.Errorf("max_parallel_updates must be at least 1, got %d", parallel)
	}
	if upsertTimeout < 1 {
		return nil, fmt.Errorf("k8s_upsert_timeout_secs must be at least 1, got %d", upsertTimeout)
	}
	e.maxParallelUpdates = parallel
	return starlark.None, nil
}

// triggerMode is the value of TRIGGER_MODE_AUTO and TRIGGER_MODE_MANUAL.
type triggerMode model.TriggerMode

var _ starlark.Value = triggerMode(0)

// String returns the name of the constant.
func (m triggerMode) String() string {
	if model.TriggerMode(m) == model.TriggerManual {
		return "TRIGGER_MODE_MANUAL"
	}
	return "TRIGGER_MODE_AUTO"
}
func (m triggerMode) Type() string          { return "TriggerMode" }
func (m triggerMode) Freeze()               {}
func (m triggerMode) Truth() starlark.Bool  { return true }
func (m triggerMode) Hash() (uint32, error) { return uint32(m), nil }

// Unpack implements starlark.Unpacker.
func (m *triggerMode) Unpack(v starlark.Value) error {
	mode, ok := v.(triggerMode)
	if !ok {
		return fmt.Errorf("got %s, want TRIGGER_MODE_AUTO or TRIGGER_MODE_MANUAL", v.Type())
	}
	*m = mode
	return nil
}

// optionalTriggerMode is a trigger mode that may not be given.
type optionalTriggerMode = optional[triggerMode, *triggerMode]

// setTriggerMode is trigger_mode(mode): what resources have that don't say.
func (e *evaluation) setTriggerMode(thread *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var mode triggerMode
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "trigger_mode", &mode); err != nil {
		return nil, err
	}
	if e.triggerMode.set {
		return nil, fmt.Errorf("trigger_mode can only be called once, and it was called at %s", e.triggerModeAt)
	}
	e.triggerMode, e.triggerModeAt = optionalTriggerMode{mode, true}, thread.CallFrame(1).Pos
	return starlark.None, nil
}
