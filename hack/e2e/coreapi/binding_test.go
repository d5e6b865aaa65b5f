// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package coreapi

import (
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
)

func TestBinding(t *testing.T) {
	t.Parallel()
	binding := Binding{Group: "viewers", Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"tilt.dev"}, Resources: []string{"sessions", "sessions/log"}, Verbs: []string{"get", "list"}},
		{APIGroups: []string{"tilt.dev"}, Resources: []string{"sessions"}, ResourceNames: []string{"mine"}, Verbs: []string{"*"}},
		{NonResourceURLs: []string{"/apis", "/apis/*"}, Verbs: []string{"get"}},
	}}
	type spec = authorizationv1.SubjectAccessReviewSpec
	resource := func(group, verb, of, resource, subresource, name string) spec {
		return spec{Groups: []string{"all", group}, ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: verb, Group: of, Resource: resource, Subresource: subresource, Name: name}}
	}
	path := func(group, verb, path string) spec {
		return spec{Groups: []string{group}, NonResourceAttributes: &authorizationv1.NonResourceAttributes{Verb: verb, Path: path}}
	}
	for name, test := range map[string]struct {
		asked spec
		want  bool
	}{
		"a resource":             {resource("viewers", "get", "tilt.dev", "sessions", "", "a"), true},
		"a subresource":          {resource("viewers", "get", "tilt.dev", "sessions", "log", "a"), true},
		"another subresource":    {resource("viewers", "get", "tilt.dev", "sessions", "status", "a"), false},
		"another verb":           {resource("viewers", "delete", "tilt.dev", "sessions", "", "a"), false},
		"another verb of a name": {resource("viewers", "delete", "tilt.dev", "sessions", "", "mine"), true},
		"another API":            {resource("viewers", "get", "apps", "sessions", "", "a"), false},
		"another group":          {resource("others", "get", "tilt.dev", "sessions", "", "a"), false},
		"a path":                 {path("viewers", "get", "/apis"), true},
		"below a path":           {path("viewers", "get", "/apis/tilt.dev"), true},
		"another path":           {path("viewers", "get", "/metrics"), false},
		"another verb of a path": {path("viewers", "post", "/apis"), false},
		"a path, another group":  {path("others", "get", "/apis"), false},
		"nothing":                {spec{Groups: []string{"viewers"}}, false},
	} {
		if got := binding.allows(test.asked); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
