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
	genericoptions "k8s.io/apiserver/pkg/server/options"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// ViewersGroup may read Sessions, their logs and what isn't a resource, and change
// nothing. Whoever may create Sessions has commands executed as the server's user:
// a dashboard shouldn't need that.
const ViewersGroup = "tilt:viewers"

// authorize sets up who may do what, as AuthorizationOptions say. Being known gives
// no rights by itself.
func (c *Config) authorize() error {
	options := &c.options.Authorization
	var paths []string
	for _, p := range healthPaths {
		paths = append(paths, p, p+"/*")
	}
	open, err := pathauthorizer.NewAuthorizer(append(paths, options.AlwaysAllowPaths...))
	if err != nil {
		return err
	}
	core, err := c.coreClient("--authorization-kubeconfig", options.Kubeconfig, reviewTimeout)
	if err != nil {
		return err
	}
	var rest authorizer.Authorizer = authorizer.AuthorizerFunc(authorizeViewers)
	if core != nil {
		rest, err = authorizerfactory.DelegatingAuthorizerConfig{
			SubjectAccessReviewClient: core.AuthorizationV1(),
			AllowCacheTTL:             options.AllowCacheTTL,
			DenyCacheTTL:              options.DenyCacheTTL,
			WebhookRetryBackoff:       genericoptions.DefaultAuthWebhookRetryBackoff(),
		}.New()
		if err != nil {
			return fmt.Errorf("asking the core API server about rights: %w", err)
		}
	}
	c.generic.Authorization.Authorizer = union.New(authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup), open, rest)
	return nil
}

// authorizeViewers implements authorizer.Authorizer.
func authorizeViewers(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	switch {
	case a.GetUser() == nil || !slices.Contains(a.GetUser().GetGroups(), ViewersGroup):
		return authorizer.DecisionNoOpinion, fmt.Sprintf("only the groups %s and %s have rights here", user.SystemPrivilegedGroup, ViewersGroup), nil
	case !isView(a):
		return authorizer.DecisionNoOpinion, fmt.Sprintf("the group %s may only read Sessions", ViewersGroup), nil
	}
	return authorizer.DecisionAllow, "", nil
}

// isView doesn't know subresources that do something when they're read, nor what
// shows the memory of the process.
func isView(a authorizer.Attributes) bool {
	switch {
	case !a.IsReadOnly():
		return false
	case !a.IsResourceRequest():
		return !strings.HasPrefix(a.GetPath(), "/debug/")
	}
	return a.GetAPIGroup() == v1alpha1.GroupName && a.GetResource() == "sessions" &&
		slices.Contains([]string{"", "status", "log"}, a.GetSubresource())
}
