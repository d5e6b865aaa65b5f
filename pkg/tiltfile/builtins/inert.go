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

// Inert returns the settings of what this version doesn't have: analytics, telemetry, teams, secrets of a cluster and
// the features of a web page. They check their arguments and do nothing else.
func (e *Evaluation) Inert() Library {
	l := Functions(map[string]Function{
		"analytics_settings": checked[struct {
			Enable bool `arg:"enable"`
		}],
		"disable_feature":   Unpacking(setFeature),
		"disable_snapshots": checked[struct{}],
		"enable_feature":    Unpacking(setFeature),
		"experimental_analytics_report": checked[struct {
			Tags stringMap `arg:"tags"`
		}],
		"experimental_metrics_settings": e.metricsSettings,
		"experimental_telemetry_cmd":    Unpacking(e.telemetryCommand),
		"secret_settings": checked[struct {
			DisableScrub bool `arg:"disable_scrub??"`
		}],
		"set_team": Unpacking(setTeam),
	})
	for _, name := range unsupportedNames {
		l[name] = builtin(name, unsupported)
	}
	return l
}

// checked is a builtin that only checks that its arguments have the right types.
func checked[Parameters any](c *Call) (starlark.Value, error) {
	return nil, c.Unpack(new(Parameters))
}

// metricsSettings is experimental_metrics_settings(...), which does nothing in Tilt either, whatever its arguments.
func (e *Evaluation) metricsSettings(c *Call) (starlark.Value, error) {
	e.Warn("%s() is deprecated and does nothing", c.Name)
	return nil, nil
}

// telemetryCommand is experimental_telemetry_cmd(cmd, cmd_bat=, period=, dir=).
func (e *Evaluation) telemetryCommand(a struct {
	Command    command  `arg:"cmd"`
	CommandBat command  `arg:"cmd_bat??"`
	Period     duration `arg:"period??"`
	Dir        Path     `arg:"dir??"`
}) (starlark.Value, error) {
	if a.Command.Command == nil {
		return nil, errors.New("cmd must not be empty")
	}
	e.Warn("experimental_telemetry_cmd: this version has no telemetry and doesn't run %q", a.Command.String())
	return nil, nil
}

// setTeam is set_team(team_id).
func setTeam(a struct {
	Team string `arg:"team_id"`
}) (starlark.Value, error) {
	if a.Team == "" {
		return nil, errors.New("team_id must not be empty")
	}
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

// unsupported returns the Function of a builtin of Tilt that this version doesn't have. A call is an error that says so;
// without it the name would be undefined.
func unsupported(c *Call) (starlark.Value, error) {
	return nil, errors.New(c.Name + " isn't supported: this version runs local resources only")
}

// unsupportedNames are those of builtins that need images, Docker Compose or Kubernetes.
var unsupportedNames = []string{
	"allow_k8s_contexts", "custom_build", "dc_resource", "default_registry", "docker_build", "docker_compose",
	"docker_prune_settings", "fall_back_on", "helm", "initial_sync", "k8s_context", "k8s_custom_deploy",
	"k8s_image_json_path", "k8s_kind", "k8s_namespace", "k8s_resource", "k8s_yaml", "kustomize",
	"port_forward", "restart_container", "run", "sync", "workload_to_resource_function",
	"v1alpha1.cluster", "v1alpha1.forward", "v1alpha1.kubernetes_apply", "v1alpha1.kubernetes_apply_cmd",
	"v1alpha1.kubernetes_discovery", "v1alpha1.kubernetes_discovery_template_spec", "v1alpha1.kubernetes_image_locator",
	"v1alpha1.kubernetes_image_object_descriptor", "v1alpha1.kubernetes_watch_ref", "v1alpha1.label_selector",
	"v1alpha1.label_selector_requirement", "v1alpha1.object_selector", "v1alpha1.pod_log_stream_template_spec",
	"v1alpha1.port_forward_template_spec",
}
