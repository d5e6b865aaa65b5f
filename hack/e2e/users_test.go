// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"testing"

	"tilt.dev/session/hack/e2e/kubeconfig"
)

const manifest = `apiVersion: tilt.dev/v1alpha1
kind: Session
metadata:
  name: users
spec:
  tiltfilePath: /users/Tiltfile
  exitCondition: manual
`

// testUsers: what users may do is said by the roles that are shipped, whoever they
// are known by at the aggregator.
func testUsers(t *testing.T, c *cluster) {
	as := func(user string, groups ...string) kubectl {
		return kubectl{kubeconfig: kubeconfig.Write(t, c.front.User(user, groups...)), home: t.TempDir()}
	}
	viewer, editor, admin, other := as("vera", "viewers"), as("ed", "editors"), as("ada", "admins"), as("otto", "others")
	editor.run(t, manifest, "apply --server-side -f -", "users serverside-applied")
	viewer.run(t, "", "get session users", "users", "manual")
	viewer.run(t, "", "get session users -o yaml", "tiltfilePath: /users/Tiltfile")
	other.run(t, "", "api-resources --api-group=tilt.dev", "sessions")

	forbidden := func(user, verb, resource string) string {
		return `sessions.tilt.dev "users" is forbidden: User "` + user + `" cannot ` + verb + ` resource "` + resource + `" in API group "tilt.dev" at the cluster scope`
	}
	other.refused(t, "", "get session users", forbidden("otto", "get", "sessions"))
	viewer.refused(t, "", "delete session users", forbidden("vera", "delete", "sessions"))
	status := ` session users --subresource=status --type=merge -p {"status":{"pid":7}}`
	editor.refused(t, "", "patch"+status, forbidden("ed", "patch", "sessions/status"))
	admin.run(t, "", "patch"+status, "patched")
	viewer.run(t, "", "get session users -o jsonpath={.status.pid}", "7")
	// Who manages a field is known as well.
	editor.run(t, manifest, "diff -f -")
	editor.run(t, "", "delete session users --wait", "deleted")
	viewer.refused(t, "", "get session users", `sessions.tilt.dev "users" not found`)
}
