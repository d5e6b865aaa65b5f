// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/image/dockerfile"
	"tilt.dev/session/pkg/model"
)

// defaultRegistry is default_registry(host, host_from_cluster="", single_name="").
func (i *Images) defaultRegistry(a struct {
	Host            string `arg:"host"`
	HostFromCluster string `arg:"host_from_cluster??"`
	SingleName      string `arg:"single_name??"`
}) (starlark.Value, error) {
	if i.registry != nil {
		return nil, errors.New("default registry already defined")
	}
	hosts := []string{a.Host}
	if a.HostFromCluster != "" {
		hosts = append(hosts, a.HostFromCluster)
	}
	for _, host := range hosts {
		if _, err := dockerfile.ParseName(host + "/image"); err != nil {
			return nil, fmt.Errorf("validating host %q: %w", host, unwrapAll(err))
		}
	}
	if a.SingleName != "" {
		if _, err := dockerfile.ParseName(a.Host + "/" + a.SingleName); err != nil {
			return nil, fmt.Errorf("validating single_name %q: %w", a.SingleName, unwrapAll(err))
		}
	}
	i.registry = &model.Registry{Host: a.Host, HostFromCluster: a.HostFromCluster, SingleName: a.SingleName}
	return nil, nil
}
