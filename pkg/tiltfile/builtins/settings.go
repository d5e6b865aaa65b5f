// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"cmp"
	"fmt"
	"time"

	"github.com/blang/semver/v4"
	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
)

// Settings are the settings of a run.
type Settings struct {
	CI                 model.CISettings
	MaxParallelUpdates int
}

// NewSettings returns the defaults.
func NewSettings() *Settings { return &Settings{MaxParallelUpdates: model.DefaultMaxParallelUpdates} }

// Library returns the builtins that change settings.
func (s *Settings) Library() Library {
	return Functions(map[string]Function{
		"ci_settings":      Unpacking(s.ciSettings),
		"update_settings":  s.updateSettings,
		"version_settings": Unpacking(versionSettings),
	})
}

// ciSettings is ci_settings(k8s_grace_period=, timeout=, readiness_timeout=, settle=); Tilt doesn't have the last. An
// argument that is left out keeps the value of an earlier call.
func (s *Settings) ciSettings(a struct {
	Grace     *duration `arg:"k8s_grace_period??"`
	Timeout   *duration `arg:"timeout??"`
	Readiness *duration `arg:"readiness_timeout??"`
	Settle    *duration `arg:"settle??"`
}) (starlark.Value, error) {
	s.CI.K8sGracePeriod = cmp.Or((*time.Duration)(a.Grace), s.CI.K8sGracePeriod)
	s.CI.Timeout = cmp.Or((*time.Duration)(a.Timeout), s.CI.Timeout)
	s.CI.ReadinessTimeout = cmp.Or((*time.Duration)(a.Readiness), s.CI.ReadinessTimeout)
	s.CI.Settle = cmp.Or((*time.Duration)(a.Settle), s.CI.Settle)
	return nil, nil
}

// updateSettings is update_settings(max_parallel_updates=, ...). The other arguments matter to Kubernetes resources
// only and change nothing.
func (s *Settings) updateSettings(c *Call) (starlark.Value, error) {
	a := struct {
		Parallel        int            `arg:"max_parallel_updates??"`
		UpsertTimeout   count          `arg:"k8s_upsert_timeout_secs??"`
		UnusedImages    StringList     `arg:"suppress_unused_image_warnings??"`
		ServerSideApply starlark.Value `arg:"k8s_server_side_apply??"`
	}{Parallel: s.MaxParallelUpdates, UpsertTimeout: 1}
	if err := c.Unpack(&a); err != nil {
		return nil, err
	}
	if a.Parallel < 1 {
		return nil, fmt.Errorf("max_parallel_updates must be at least 1, got %d", a.Parallel)
	}
	if a.UpsertTimeout < 1 {
		return nil, fmt.Errorf("k8s_upsert_timeout_secs must be at least 1, got %d", a.UpsertTimeout)
	}
	s.MaxParallelUpdates = a.Parallel
	return nil, nil
}

// tiltVersion is the version of Tilt whose language this package implements. The constraint of a Tiltfile is about
// Tilt: its author doesn't know our versions.
const tiltVersion = "0.37.6"

// versionSettings is version_settings(check_updates=True, constraint=""). Nothing checks for updates.
func versionSettings(a struct {
	CheckUpdates bool   `arg:"check_updates??"`
	Constraint   string `arg:"constraint??"`
}) (starlark.Value, error) {
	if a.Constraint == "" {
		return nil, nil
	}
	wanted, err := semver.ParseRange(a.Constraint)
	if err != nil {
		return nil, fmt.Errorf("error parsing version constraint %q: %w", a.Constraint, err)
	}
	if !wanted(semver.MustParse(tiltVersion)) {
		return nil, fmt.Errorf("the Tiltfile requires Tilt %q; this program works as Tilt %s", a.Constraint, tiltVersion)
	}
	return nil, nil
}
