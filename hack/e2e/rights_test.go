// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"tilt.dev/session/hack/e2e/coreapi"
	"tilt.dev/session/hack/e2e/manifests"
)

// adminToken is of a member of system:masters, who may do everything.
const adminToken = "token-of-the-admin"

// bindings give groups the roles that are shipped, and everybody who is known what a
// cluster gives them to find out what there is.
func bindings(t testing.TB) []coreapi.Binding {
	roles := manifests.ClusterRoles(t)
	return []coreapi.Binding{
		{Group: "system:authenticated", Rules: []rbacv1.PolicyRule{{Verbs: []string{"get"},
			NonResourceURLs: []string{"/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", "/version"}}}},
		{Group: "viewers", Rules: roles["tilt-session-view"].Rules},
		{Group: "editors", Rules: roles["tilt-session-edit"].Rules},
		{Group: "admins", Rules: roles["tilt-session-admin"].Rules},
		{Group: "runners", Rules: roles["tilt-session-runner"].Rules},
	}
}
