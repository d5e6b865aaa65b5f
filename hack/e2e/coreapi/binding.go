// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package coreapi

import (
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
)

// Binding allows members of a group what rules say, as a ClusterRoleBinding does.
type Binding struct {
	Group string
	Rules []rbacv1.PolicyRule
}

func (b Binding) allows(asked authorizationv1.SubjectAccessReviewSpec) bool {
	return slices.Contains(asked.Groups, b.Group) && slices.ContainsFunc(b.Rules, func(rule rbacv1.PolicyRule) bool {
		switch of, path := asked.ResourceAttributes, asked.NonResourceAttributes; {
		case of != nil:
			return allowsResource(rule, of)
		case path != nil:
			return has(rule.Verbs, path.Verb) && slices.ContainsFunc(rule.NonResourceURLs, func(allowed string) bool {
				start, open := strings.CutSuffix(allowed, "*")
				return allowed == path.Path || open && strings.HasPrefix(path.Path, start)
			})
		}
		return false
	})
}

func allowsResource(rule rbacv1.PolicyRule, of *authorizationv1.ResourceAttributes) bool {
	resource := of.Resource
	if of.Subresource != "" {
		resource += "/" + of.Subresource
	}
	named := len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, of.Name)
	return has(rule.APIGroups, of.Group) && has(rule.Verbs, of.Verb) && has(rule.Resources, resource) && named
}

func has(allowed []string, asked string) bool {
	return slices.Contains(allowed, asked) || slices.Contains(allowed, "*")
}
