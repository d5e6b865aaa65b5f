// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
)

// inertSettings are those for what this program doesn't do. They check their arguments, and say once that they have no
// effect where a person could expect one.
func (e *Evaluation) inertSettings() Library {
	return Functions(map[string]Function{
		"analytics_settings":    Unpacking(e.analyticsSettings),
		"disable_feature":       Unpacking(setFeature),
		"disable_snapshots":     Unpacking(func(struct{}) (starlark.Value, error) { return nil, nil }),
		"docker_prune_settings": Unpacking(e.dockerPruneSettings),
		"enable_feature":        Unpacking(setFeature),
		"experimental_analytics_report": Unpacking(func(struct {
			Tags StringMap `arg:"tags"`
		}) (starlark.Value, error) {
			e.sayInert("experimental_analytics_report", noAnalytics)
			return nil, nil
		}),
		"experimental_metrics_settings": e.metricsSettings,
		"experimental_telemetry_cmd":    Unpacking(e.telemetryCommand),
		"set_team":                      e.setTeam,
	})
}

// sayInert logs once that a builtin has no effect.
func (e *Evaluation) sayInert(name, reason string) {
	e.InfoOnce(name, fmt.Sprintf("%s() has no effect: %s", name, reason))
}

// InfoOnce logs a message, unless one about the same subject was logged before.
func (e *Evaluation) InfoOnce(subject, text string) {
	if !slices.Contains(e.inert, subject) {
		e.inert = append(e.inert, subject)
		e.Info(text)
	}
}

const noAnalytics = "this program sends no analytics"

// analyticsSettings is analytics_settings(enable).
func (e *Evaluation) analyticsSettings(a struct {
	Enable bool `arg:"enable"`
}) (starlark.Value, error) {
	if a.Enable {
		e.sayInert("analytics_settings", noAnalytics)
	}
	return nil, nil
}

// dockerPruneSettings is docker_prune_settings(disable=False, ...).
func (e *Evaluation) dockerPruneSettings(a struct {
	Disable  bool  `arg:"disable??"`
	MaxAge   count `arg:"max_age_mins??"`
	Builds   count `arg:"num_builds??"`
	Interval count `arg:"interval_hrs??"`
	Keep     count `arg:"keep_recent??"`
}) (starlark.Value, error) {
	if a.Builds != 0 && a.Interval != 0 {
		return nil, errors.New("can't specify both num_builds and interval_hrs")
	}
	if !a.Disable {
		e.sayInert("docker_prune_settings", "this program doesn't remove old images and build caches; "+
			"run docker system prune")
	}
	return nil, nil
}

// metricsSettings is experimental_metrics_settings(...), which does nothing in Tilt either, whatever its arguments.
func (e *Evaluation) metricsSettings(c *Call) (starlark.Value, error) {
	e.Warn("%s() is deprecated and does nothing", c.Name)
	return nil, nil
}

// telemetryCommand is experimental_telemetry_cmd(cmd, cmd_bat=, period=, dir=).
func (e *Evaluation) telemetryCommand(a struct {
	Command    CommandLine `arg:"cmd"`
	CommandBat CommandLine `arg:"cmd_bat??"`
	Period     duration    `arg:"period??"`
	Dir        Path        `arg:"dir??"`
}) (starlark.Value, error) {
	if a.Command.Command == nil {
		return nil, errors.New("cmd must not be empty")
	}
	e.Warn("experimental_telemetry_cmd: this version has no telemetry and doesn't run %q", a.Command.String())
	return nil, nil
}

// setTeam is set_team(team_id).
func (e *Evaluation) setTeam(c *Call) (starlark.Value, error) {
	var a struct {
		Team string `arg:"team_id"`
	}
	if err := c.Unpack(&a); err != nil {
		return nil, err
	}
	if a.Team == "" {
		return nil, errors.New("team_id must not be empty")
	}
	if slices.Contains(e.inert, c.Name) {
		return nil, errors.New("team_id set multiple times")
	}
	e.sayInert(c.Name, "this program doesn't use Tilt Cloud")
	return nil, nil
}

// features are the names that Tilt knows or has known.
var features = []string{
	"bulk_disable_resources", "cluster_refresh", "disable_resources", "events", "facets", "labels", "live_update_v2",
	"multiple_containers_per_pod", "offline_snapshot_creation", "snapshots", "tiltfile_edit_api", "update_history",
}

// setFeature is enable_feature(msg) and disable_feature(msg), where msg is the name of a feature.
func setFeature(a struct {
	Name string `arg:"msg"`
}) (starlark.Value, error) {
	if !slices.Contains(features, a.Name) {
		//lint:ignore ST1005 The words that users of Tilt know.
		return nil, fmt.Errorf("Unknown feature flag: %s (known are %s)", a.Name, strings.Join(features, ", "))
	}
	return nil, nil
}
