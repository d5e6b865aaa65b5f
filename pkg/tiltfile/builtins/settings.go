// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/blang/semver/v4"
	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
)

// ciSettings is ci_settings(k8s_grace_period=, timeout=, readiness_timeout=, settle=); Tilt doesn't have the last. An
// argument that is left out keeps the value of an earlier call.
func (e *Evaluation) ciSettings(a struct {
	Grace     duration `arg:"k8s_grace_period??"`
	Timeout   duration `arg:"timeout??"`
	Readiness duration `arg:"readiness_timeout??"`
	Settle    duration `arg:"settle??"`
}) (starlark.Value, error) {
	e.CI.K8sGracePeriod = cmp.Or(a.Grace.Duration, e.CI.K8sGracePeriod)
	e.CI.Timeout = cmp.Or(a.Timeout.Duration, e.CI.Timeout)
	e.CI.ReadinessTimeout = cmp.Or(a.Readiness.Duration, e.CI.ReadinessTimeout)
	e.CI.Settle = cmp.Or(a.Settle.Duration, e.CI.Settle)
	return nil, nil
}

// updateSettings is update_settings(max_parallel_updates=, k8s_upsert_timeout_secs=, suppress_unused_image_warnings=,
// k8s_server_side_apply=). An argument that is left out keeps the value of an earlier call; the images add up.
func (e *Evaluation) updateSettings(c *Call) (starlark.Value, error) {
	a := struct {
		Parallel     int        `arg:"max_parallel_updates??"`
		Upsert       count      `arg:"k8s_upsert_timeout_secs??"`
		UnusedImages StringList `arg:"suppress_unused_image_warnings??"`
		Apply        applyMode  `arg:"k8s_server_side_apply??"`
	}{Parallel: e.MaxParallelUpdates, Upsert: count(e.UpsertTimeout / time.Second), Apply: applyMode(e.Apply)}
	if err := c.Unpack(&a); err != nil {
		return nil, err
	}
	if a.Parallel < 1 {
		return nil, fmt.Errorf("max_parallel_updates must be at least 1, got %d", a.Parallel)
	}
	if a.Upsert < 1 {
		return nil, errors.New("k8s_upsert_timeout_secs is too short: minimum k8s upsert timeout is 1s")
	}
	e.MaxParallelUpdates, e.Apply = a.Parallel, model.ApplyMode(a.Apply)
	e.UpsertTimeout = time.Duration(a.Upsert) * time.Second
	e.UnusedImages = append(e.UnusedImages, a.UnusedImages...)
	return nil, nil
}

// applyMode is "auto", "true" or "false".
type applyMode model.ApplyMode

func (m *applyMode) Unpack(v starlark.Value) error {
	text, _ := starlark.AsString(v)
	switch mode := model.ApplyMode(text); mode {
	case model.ApplyAuto, model.ApplyServerSide, model.ApplyClientSide:
		*m = applyMode(mode)
		return nil
	}
	return fmt.Errorf("got %s, want \"true\", \"false\" or \"auto\"", v)
}

// secretSettings is secret_settings(disable_scrub=False).
func (e *Evaluation) secretSettings(a struct {
	DisableScrub bool `arg:"disable_scrub??"`
}) (starlark.Value, error) {
	e.ShowSecrets = a.DisableScrub
	return nil, nil
}

// TiltVersion is the version of Tilt whose language this package implements. The constraint of a Tiltfile is about
// Tilt: its author doesn't know our versions.
const TiltVersion = "0.37.6"

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
	if !wanted(semver.MustParse(TiltVersion)) {
		return nil, fmt.Errorf("the Tiltfile requires Tilt %q; this program works as Tilt %s", a.Constraint, TiltVersion)
	}
	return nil, nil
}

// Messages returns the builtins that log a message or end the evaluation.
func (e *Evaluation) Messages() Library {
	return Functions(map[string]Function{
		"exit":  Unpacking(e.exit),
		"fail":  fail,
		"print": universal,
		"repr":  universal,
		"str":   universal,
		"warn":  Unpacking(e.warn),
	})
}

// universal is a function of Starlark itself that prints its arguments.
func universal(c *Call) (starlark.Value, error) {
	return starlark.Universe[c.Name].(*starlark.Builtin).CallInternal(c.Thread, c.Args, c.Kwargs)
}

// fail is fail(*messages, sep=" "), and as in Tilt fail(msg=).
func fail(c *Call) (starlark.Value, error) {
	separator := " "
	var message starlark.Value
	if err := starlark.UnpackArgs(c.Name, nil, c.Kwargs, "sep?", &separator, "msg?", &message); err != nil {
		return nil, err
	}
	var words []string
	for _, arg := range c.Args {
		words = append(words, plain(arg))
	}
	if message != nil {
		words = append(words, plain(message))
	}
	return nil, errors.New(strings.Join(words, separator))
}

// plain returns a value as print writes it: strings without quotes.
func plain(v starlark.Value) string {
	if s, ok := starlark.AsString(v); ok {
		return s
	}
	return v.String()
}

// warn is warn(message).
func (e *Evaluation) warn(a struct {
	Message starlark.Value `arg:"msg"`
}) (starlark.Value, error) {
	e.Warn("%s", plain(a.Message))
	return nil, nil
}

// ErrExit is the error of exit(), which ends an evaluation with success.
var ErrExit = errors.New("exit")

// exit is exit(code=None): it ends the evaluation with what is defined so far.
func (e *Evaluation) exit(a struct {
	Code starlark.Value `arg:"code??"`
}) (starlark.Value, error) {
	if a.Code != nil {
		e.Info(a.Code.String())
	}
	return nil, ErrExit
}

// Settings returns the builtins for settings of the run, those for what this program doesn't do, and those of Tilt that
// this version doesn't have.
func (e *Evaluation) Settings() Library {
	l := Functions(map[string]Function{
		"ci_settings":      Unpacking(e.ciSettings),
		"secret_settings":  Unpacking(e.secretSettings),
		"update_settings":  e.updateSettings,
		"version_settings": Unpacking(versionSettings),
	})
	maps.Copy(l, e.inertSettings())
	for _, name := range unsupportedNames {
		l[name] = builtin(name, unsupported)
	}
	for _, name := range unsupportedParts {
		l[name] = builtin(name, unsupportedPart)
	}
	return l
}

// unsupported is a builtin of Tilt that this version doesn't have. A call is an error that says so; without the builtin
// the name would be undefined.
func unsupported(c *Call) (starlark.Value, error) {
	return nil, errors.New(c.Name + " isn't supported: use k8s_yaml, k8s_resource and k8s_custom_deploy instead")
}

// unsupportedPart is a builtin whose value is an argument of those that are unsupported. Its arguments aren't checked:
// the error is about the object that it is a part of.
func unsupportedPart(*Call) (starlark.Value, error) { return nil, nil }

// unsupportedNames are those of objects for Kubernetes, and unsupportedParts those of their arguments.
var (
	unsupportedNames = []string{"v1alpha1.cluster", "v1alpha1.kubernetes_apply", "v1alpha1.kubernetes_discovery"}
	unsupportedParts = []string{
		"v1alpha1.forward", "v1alpha1.kubernetes_apply_cmd", "v1alpha1.kubernetes_discovery_template_spec",
		"v1alpha1.kubernetes_image_locator", "v1alpha1.kubernetes_image_object_descriptor",
		"v1alpha1.kubernetes_watch_ref", "v1alpha1.label_selector", "v1alpha1.label_selector_requirement",
		"v1alpha1.object_selector", "v1alpha1.pod_log_stream_template_spec", "v1alpha1.port_forward_template_spec",
	}
)
