// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/logs"
)

// inertLibrary has settings of what this version doesn't do: analytics,
// telemetry, teams, secrets of a cluster and the features of a web page. Their
// arguments are checked, and that's all.
func (e *evaluation) inertLibrary() library {
	return functions(map[string]function{
		"analytics_settings":            analyticsSettings,
		"disable_feature":               setFeature,
		"disable_snapshots":             disableSnapshots,
		"enable_feature":                setFeature,
		"experimental_analytics_report": analyticsReport,
		"experimental_metrics_settings": e.metricsSettings,
		"experimental_telemetry_cmd":    e.telemetryCommand,
		"secret_settings":               secretSettings,
		"set_team":                      setTeam,
	})
}

// analyticsSettings is analytics_settings(enable).
func analyticsSettings(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var enable bool
	return starlark.None, starlark.UnpackArgs(fn.Name(), args, kwargs, "enable", &enable)
}

// analyticsReport is experimental_analytics_report(tags).
func analyticsReport(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var tags stringMap
	return starlark.None, starlark.UnpackArgs(fn.Name(), args, kwargs, "tags", &tags)
}

// metricsSettings is experimental_metrics_settings(...), which does nothing in
// Tilt either, whatever it's given.
func (e *evaluation) metricsSettings(_ *starlark.Thread, fn *starlark.Builtin, _ starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	e.log(logs.LevelWarn, fn.Name()+"() is deprecated and does nothing")
	return starlark.None, nil
}

// telemetryCommand is experimental_telemetry_cmd(cmd, cmd_bat=, period=, dir=).
func (e *evaluation) telemetryCommand(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var command, commandBat commandArgument
	var period duration
	var dir localPath
	err := starlark.UnpackArgs(fn.Name(), args, kwargs,
		"cmd", &command, "cmd_bat??", &commandBat, "period??", &period, "dir??", &dir)
	switch {
	case err != nil:
		return nil, err
	case command.Command == nil:
		return nil, errors.New("cmd must not be empty")
	}
	e.log(logs.LevelWarn, fmt.Sprintf("%s: there is no telemetry in this version, %q is not run", fn.Name(), command.String()))
	return starlark.None, nil
}

// secretSettings is secret_settings(disable_scrub=False). Tilt scrubs the
// secrets of a cluster from logs.
func secretSettings(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var disableScrub bool
	return starlark.None, starlark.UnpackArgs(fn.Name(), args, kwargs, "disable_scrub??", &disableScrub)
}

// setTeam is set_team(team_id).
func setTeam(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var team string
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "team_id", &team); err != nil {
		return nil, err
	}
	if team == "" {
		return nil, errors.New("team_id must not be empty")
	}
	return starlark.None, nil
}

// disableSnapshots is disable_snapshots().
func disableSnapshots(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return starlark.None, starlark.UnpackArgs(fn.Name(), args, kwargs)
}

// features are the names that Tilt knows or has known.
var features = []string{
	"bulk_disable_resources", "cluster_refresh", "disable_resources", "events", "facets", "labels", "live_update_v2",
	"multiple_containers_per_pod", "offline_snapshot_creation", "snapshots", "tiltfile_edit_api", "update_history",
}

// setFeature is enable_feature(msg) and disable_feature(msg), where msg is the
// name.
func setFeature(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var name string
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "msg", &name); err != nil {
		return nil, err
	}
	if !slices.Contains(features, name) {
		//lint:ignore ST1005 The words that users of Tilt know.
		return nil, fmt.Errorf("Unknown feature flag: %s (known are %s)", name, strings.Join(features, ", "))
	}
	return starlark.None, nil
}
