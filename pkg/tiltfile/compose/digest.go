// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/compose-spec/compose-go/v2/types"
)

// parts are the networks, volumes, secrets and configs of a project, encoded, by kind and name.
type parts map[string]json.RawMessage

func partsOf(p *types.Project) (parts, error) {
	all := parts{}
	add := func(kind, name string, value any) (err error) {
		all[kind+"/"+name], err = json.Marshal(value)
		return err
	}
	for name, network := range p.Networks {
		if err := add("network", name, network); err != nil {
			return nil, err
		}
	}
	for name, volume := range p.Volumes {
		if err := add("volume", name, volume); err != nil {
			return nil, err
		}
	}
	for name, secret := range p.Secrets {
		if err := add("secret", name, []any{secret, secret.Content}); err != nil {
			return nil, err
		}
	}
	for name, config := range p.Configs {
		if err := add("config", name, []any{config, config.Content}); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// digest identifies what containers of the service depend on. Without a build, the image is another's matter.
func (s *service) digest(builds bool, dockerfile string) (string, error) {
	config := s.config
	// They say nothing of the containers.
	config.DependsOn, config.Profiles, config.Develop = nil, nil, nil
	if !builds {
		config.Build, dockerfile = nil, ""
	}
	used := map[string]json.RawMessage{}
	use := func(kind, name string) { used[kind+"/"+name] = s.project.parts[kind+"/"+name] }
	for name := range config.Networks {
		use("network", name)
	}
	for _, volume := range config.Volumes {
		if volume.Type == types.VolumeTypeVolume {
			use("volume", volume.Source)
		}
	}
	for _, secret := range config.Secrets {
		use("secret", secret.Source)
	}
	for _, c := range config.Configs {
		use("config", c.Source)
	}
	if config.Build != nil {
		for _, secret := range config.Build.Secrets {
			use("secret", secret.Source)
		}
	}
	text, err := json.Marshal([]any{config, used, dockerfile, s.project.unknown})
	if err != nil {
		return "", fmt.Errorf("encode the service: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), nil
}
