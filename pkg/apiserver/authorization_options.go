// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"
	pathauthorizer "k8s.io/apiserver/pkg/authorization/path"
	genericoptions "k8s.io/apiserver/pkg/server/options"
)

// AuthorizationOptions say who decides what users may do. Members of
// system:masters, as the owner of the server is one, may do everything, and
// everybody may ask for its health.
//
// With a core API server, it decides about the rest by its SubjectAccessReviews,
// which is to say by its RBAC rules. Without one, nobody else has rights but the
// members of ViewersGroup.
type AuthorizationOptions struct {
	// Kubeconfig is the path of a file by which the core API server is reached.
	Kubeconfig string
	// AlwaysAllowPaths are paths that everybody may ask for who is known, beside
	// those of the server's health. One that ends in * stands for what begins like it.
	AlwaysAllowPaths []string
	// AllowCacheTTL and DenyCacheTTL are how long an answer is good for.
	AllowCacheTTL, DenyCacheTTL time.Duration
}

func newAuthorizationOptions() AuthorizationOptions {
	defaults := genericoptions.NewDelegatingAuthorizationOptions()
	return AuthorizationOptions{AllowCacheTTL: defaults.AllowCacheTTL, DenyCacheTTL: defaults.DenyCacheTTL}
}

// AddFlags adds the flags, with what is set as their defaults.
func (o *AuthorizationOptions) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.Kubeconfig, "authorization-kubeconfig", o.Kubeconfig,
		"kubeconfig of a core API server to ask what users may do (SubjectAccessReview); without one the group system:masters may do everything, "+
			ViewersGroup+" may read Sessions and nobody else may do anything")
	fs.StringSliceVar(&o.AlwaysAllowPaths, "authorization-always-allow-paths", o.AlwaysAllowPaths,
		"paths that every known user may ask for, beside /healthz, /livez and /readyz; a path that ends in * stands for all that begin like it")
	fs.DurationVar(&o.AllowCacheTTL, "authorization-webhook-cache-authorized-ttl", o.AllowCacheTTL, "how long it's good for that a user may do something")
	fs.DurationVar(&o.DenyCacheTTL, "authorization-webhook-cache-unauthorized-ttl", o.DenyCacheTTL, "how long it's good for that a user may not do something")
}

// Validate returns everything that's wrong with the options, and with the file.
func (o *AuthorizationOptions) Validate() []error {
	_, err := coreConfig("--authorization-kubeconfig", o.Kubeconfig, false)
	errs := []error{err}
	if _, err := pathauthorizer.NewAuthorizer(o.AlwaysAllowPaths); err != nil {
		errs = append(errs, fmt.Errorf("--authorization-always-allow-paths: %w", err))
	}
	if o.AllowCacheTTL < 0 {
		errs = append(errs, fmt.Errorf("--authorization-webhook-cache-authorized-ttl: %v must not be negative", o.AllowCacheTTL))
	}
	if o.DenyCacheTTL < 0 {
		errs = append(errs, fmt.Errorf("--authorization-webhook-cache-unauthorized-ttl: %v must not be negative", o.DenyCacheTTL))
	}
	return nonNil(errs...)
}
