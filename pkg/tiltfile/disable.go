// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"fmt"
	"strconv"
	"strings"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// configMapDisableSource is v1alpha1.config_map_disable_source(name, key).
type configMapDisableSource struct {
	unchecked
	name, key string
}

func (*configMapDisableSource) builtin() string { return "v1alpha1.config_map_disable_source" }
func (s *configMapDisableSource) pairs() []any  { return []any{"name??", &s.name, "key??", &s.key} }

// disableSource is v1alpha1.disable_source(config_map, every_config_map).
type disableSource struct {
	one   partArgument[configMapDisableSource, *configMapDisableSource]
	every partList[configMapDisableSource, *configMapDisableSource]
}

// disableArgument is an argument that says what disables an object.
type disableArgument = partArgument[disableSource, *disableSource]

func (*disableSource) builtin() string { return "v1alpha1.disable_source" }

func (s *disableSource) pairs() []any {
	return []any{"config_map??", &s.one, "every_config_map??", &s.every}
}

func (s *disableSource) check() error {
	return exactlyOne("config_map and every_config_map", s.one.part != nil, len(s.every) > 0)
}

// isDisabled is true when every config map of a source says so. It's decided
// once: nothing changes a config map after the Tiltfile was read.
func (e *evaluation) isDisabled(owner string, source *disableSource, enabled model.Selection) bool {
	if source == nil {
		return false
	}
	all := source.every
	if source.one.part != nil {
		all = append(all, source.one.part)
	}
	for _, s := range all {
		if !e.saysDisabled(owner, s, enabled) {
			return false
		}
	}
	return true
}

// saysDisabled is true when a config map disables its owner. One that can't
// tell does, as an object waits for it in Tilt.
func (e *evaluation) saysDisabled(owner string, s *configMapDisableSource, enabled model.Selection) bool {
	data, defined := e.objects.configMaps[s.name]
	if !defined {
		// Each resource has a config map in Tilt.
		resource, ok := strings.CutSuffix(s.name, "-disable")
		if ok && s.key == "isDisabled" && e.defined[resource] {
			return !enabled.Contains(resource)
		}
		e.log(logs.LevelWarn, fmt.Sprintf("%s is disabled: there is no v1alpha1.config_map named %q", owner, s.name))
		return true
	}
	disabled, err := strconv.ParseBool(data[s.key])
	if err != nil {
		e.log(logs.LevelWarn, fmt.Sprintf("%s is disabled: key %q of v1alpha1.config_map %q is neither \"true\" nor \"false\"", owner, s.key, s.name))
		return true
	}
	return disabled
}
