// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apiserver/pkg/server/healthz"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/certs"
)

// apiServiceName is that of the APIService that has a kube-apiserver ask this server.
var apiServiceName = v1alpha1.SchemeGroupVersion.Version + "." + v1alpha1.GroupName

// share returns the serving certificate that the server shares with its replicas.
// Readiness waits until clients are able to verify it.
func (c *Config) share() (*certs.Shared, error) {
	options := &c.options.TLS
	secret, err := parseName("--tls-secret", options.Secret, validation.IsDNS1123Subdomain)
	if err != nil {
		return nil, err
	}
	service, err := parseName("--tls-service", options.Service, validation.IsDNS1123Label)
	if err != nil {
		return nil, err
	}
	core, err := c.connectCore("--authentication-kubeconfig", c.options.Authentication.Kubeconfig, lookupTimeout)
	if err != nil {
		return nil, err
	}
	typed, err := core.clientset()
	if err != nil {
		return nil, err
	}
	untyped, err := core.untyped()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	shared, err := certs.NewShared(ctx, certs.SharedOptions{
		Secret:     secret,
		Subject:    certs.ServiceSubject(service),
		APIService: apiServiceName,
		Core:       typed,
		Dynamic:    untyped,
		Clock:      c.options.clock,
	})
	if err != nil {
		return nil, fmt.Errorf("--tls-secret: %w", err)
	}
	c.lookups = append(c.lookups, healthz.NamedCheck("serving-certificate", func(*http.Request) error { return shared.Published() }))
	return shared, nil
}
