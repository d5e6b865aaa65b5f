// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	pathauthorizer "k8s.io/apiserver/pkg/authorization/path"
	"k8s.io/apiserver/pkg/authorization/union"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// ViewersGroup may read Sessions, UIResources, UIButtons, Runners, logs and paths that aren't resources. A user who may
// create Sessions can execute commands as the server's user, which a dashboard shouldn't be able to.
const ViewersGroup = "tilt:viewers"

func (o *Options) validateAuthorization() []error {
	_, err := coreConfig("--authorization-kubeconfig", o.Authorization.RemoteKubeConfigFile, false)
	errs := append(o.Authorization.Validate(), err,
		notNegative("--authorization-webhook-cache-authorized-ttl", o.Authorization.AllowCacheTTL),
		notNegative("--authorization-webhook-cache-unauthorized-ttl", o.Authorization.DenyCacheTTL))
	if _, err := pathauthorizer.NewAuthorizer(o.Authorization.AlwaysAllowPaths); err != nil {
		errs = append(errs, fmt.Errorf("--authorization-always-allow-paths: %w", err))
	}
	return errs
}

// authorize configures the authorizers. Authentication alone grants no rights.
func (c *Config) authorize() error {
	options := &c.options.Authorization
	paths := slices.Clone(options.AlwaysAllowPaths)
	for _, p := range healthPaths {
		paths = append(paths, p, p+"/*")
	}
	open, err := pathauthorizer.NewAuthorizer(paths)
	if err != nil {
		return err
	}
	core, err := c.coreClient("--authorization-kubeconfig", options.RemoteKubeConfigFile, options.ClientTimeout)
	if err != nil {
		return err
	}
	var rest authorizer.Authorizer = authorizer.AuthorizerFunc(authorizeViewers)
	if core != nil {
		rest, err = authorizerfactory.DelegatingAuthorizerConfig{
			SubjectAccessReviewClient: core.AuthorizationV1(),
			AllowCacheTTL:             options.AllowCacheTTL,
			DenyCacheTTL:              options.DenyCacheTTL,
			WebhookRetryBackoff:       options.WebhookRetryBackoff,
		}.New()
		if err != nil {
			return fmt.Errorf("delegate authorization to the core API server: %w", err)
		}
	}
	c.generic.Authorization.Authorizer = union.New(
		authorizerfactory.NewPrivilegedGroups(options.AlwaysAllowGroups...), open, rest)
	return nil
}

// authorizeViewers implements authorizer.Authorizer.
func authorizeViewers(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	switch {
	case a.GetUser() == nil || !slices.Contains(a.GetUser().GetGroups(), ViewersGroup):
		reason := fmt.Sprintf("only the groups %s and %s have rights here", user.SystemPrivilegedGroup, ViewersGroup)
		return authorizer.DecisionNoOpinion, reason, nil
	case !isView(a):
		return authorizer.DecisionNoOpinion, fmt.Sprintf("the group %s may only read Sessions", ViewersGroup), nil
	}
	return authorizer.DecisionAllow, "", nil
}

// isView returns false for profiles, which contain memory of the process, and for
// subresources on which a read has an effect.
func isView(a authorizer.Attributes) bool {
	switch {
	case !a.IsReadOnly():
		return false
	case !a.IsResourceRequest():
		return !strings.HasPrefix(a.GetPath(), "/debug/")
	}
	return a.GetAPIGroup() == v1alpha1.GroupName &&
		slices.Contains([]string{"sessions", "uiresources", "uibuttons", "runners"}, a.GetResource()) &&
		slices.Contains([]string{"", "status", "log"}, a.GetSubresource())
}
