// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"strconv"
	"strings"

	"tilt.dev/session/pkg/model"
)

// configMapDisableSource is v1alpha1.config_map_disable_source(name, key).
type configMapDisableSource struct {
	Part `builtin:"v1alpha1.config_map_disable_source"`
	Name string `arg:"name??"`
	Key  string `arg:"key??"`
}

// disableSource is v1alpha1.disable_source(config_map, every_config_map). It is what disables an object.
type disableSource struct {
	Part  `builtin:"v1alpha1.disable_source"`
	One   partOf[configMapDisableSource]   `arg:"config_map??"`
	Every partList[configMapDisableSource] `arg:"every_config_map??"`
}

func (s *disableSource) check() error {
	return exactlyOne("config_map and every_config_map", s.One.part != nil, len(s.Every) > 0)
}

// isDisabled returns whether every config map of a source disables its owner. This doesn't change later: nothing
// changes a config map after the evaluation.
func (o *Objects) isDisabled(owner string, source *disableSource, enabled model.Selection) bool {
	if source == nil {
		return false
	}
	all := source.Every
	if source.One.part != nil {
		all = append(all, source.One.part)
	}
	for _, s := range all {
		if !o.disables(s, owner, enabled) {
			return false
		}
	}
	return true
}

// disables returns whether a config map disables its owner. A missing or invalid one does: in Tilt the object waits
// for it.
func (o *Objects) disables(s *configMapDisableSource, owner string, enabled model.Selection) bool {
	data, defined := o.configMaps[s.Name]
	if !defined {
		// Each resource has a config map in Tilt.
		resource, ok := strings.CutSuffix(s.Name, "-disable")
		if ok && s.Key == "isDisabled" && o.resources.has(resource) {
			return !enabled.Contains(resource)
		}
		o.evaluation.Warn("%s is disabled: there is no v1alpha1.config_map named %q", owner, s.Name)
		return true
	}
	disabled, err := strconv.ParseBool(data[s.Key])
	if err != nil {
		o.evaluation.Warn("%s is disabled: key %q of v1alpha1.config_map %q is neither \"true\" nor \"false\"",
			owner, s.Key, s.Name)
		return true
	}
	return disabled
}
