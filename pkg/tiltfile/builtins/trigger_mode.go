// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"tilt.dev/session/pkg/model"
)

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

func (m *triggerMode) Unpack(v starlark.Value) error {
	mode, ok := v.(triggerMode)
	if !ok {
		return fmt.Errorf("got %s, want TRIGGER_MODE_AUTO or TRIGGER_MODE_MANUAL", v.Type())
	}
	*m = mode
	return nil
}

// scopeTriggerMode is the trigger mode of the resources in a scope that don't have their own, and where it was set.
type scopeTriggerMode struct {
	mode     triggerMode
	position syntax.Position
}

// setTriggerMode is trigger_mode(mode).
func (r *Resources) setTriggerMode(c *Call) (starlark.Value, error) {
	var a struct {
		Mode triggerMode `arg:"trigger_mode"`
	}
	if err := c.Unpack(&a); err != nil {
		return nil, err
	}
	scope := r.evaluation.Scope
	if before, ok := r.triggerModes[scope]; ok {
		return nil, fmt.Errorf("trigger_mode can only be called once, and it was called at %s", before.position)
	}
	r.triggerModes[scope] = scopeTriggerMode{a.Mode, c.Position()}
	return nil, nil
}
