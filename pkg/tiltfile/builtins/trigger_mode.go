// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"fmt"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
)

// TriggerMode is the value of TRIGGER_MODE_AUTO and TRIGGER_MODE_MANUAL.
type TriggerMode model.TriggerMode

var _ starlark.Value = TriggerMode(0)

// String returns the name of the constant.
func (m TriggerMode) String() string {
	if model.TriggerMode(m) == model.TriggerManual {
		return "TRIGGER_MODE_MANUAL"
	}
	return "TRIGGER_MODE_AUTO"
}

// Type implements starlark.Value.
func (m TriggerMode) Type() string { return "TriggerMode" }

// Freeze implements starlark.Value; a mode never changes.
func (m TriggerMode) Freeze() {}

// Truth implements starlark.Value.
func (m TriggerMode) Truth() starlark.Bool { return true }

// Hash implements starlark.Value.
func (m TriggerMode) Hash() (uint32, error) { return uint32(m), nil }

// Unpack implements starlark.Unpacker.
func (m *TriggerMode) Unpack(v starlark.Value) error {
	mode, ok := v.(TriggerMode)
	if !ok {
		return fmt.Errorf("got %s, want TRIGGER_MODE_AUTO or TRIGGER_MODE_MANUAL", v.Type())
	}
	*m = mode
	return nil
}

// setTriggerMode is trigger_mode(mode).
func (e *Evaluation) setTriggerMode(c *Call) (starlark.Value, error) {
	var a struct {
		Mode TriggerMode `arg:"trigger_mode"`
	}
	if err := c.Unpack(&a); err != nil {
		return nil, err
	}
	if e.Scope.triggerModeSet.IsValid() {
		return nil, fmt.Errorf("trigger_mode can only be called once, and it was called at %s", e.Scope.triggerModeSet)
	}
	e.Scope.triggerMode, e.Scope.triggerModeSet = a.Mode, c.Position()
	return nil, nil
}
