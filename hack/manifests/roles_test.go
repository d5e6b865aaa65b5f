// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifests_test

import (
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/apiserver"
	testserver "tilt.dev/session/pkg/testing/server"
)

// rights are a verb and a resource each, as in "get sessions/log".
type rights = sets.Set[string]

// The roles of users have each other's rights, are about what's served, and leave
// nothing out.
func TestRolesOfUsers(t *testing.T) {
	t.Parallel()
	i := render(t, folder+"/base")
	granted := map[string]rights{}
	for _, level := range []string{"view", "edit", "admin"} {
		role := the[rbacv1.ClusterRole](t, i, "tilt-session-"+level)
		if role.Labels["rbac.authorization.k8s.io/aggregate-to-"+level] != "true" {
			t.Errorf("%s isn't part of the cluster's role", role.Name)
		}
		granted[level] = rightsOf(t, role)
	}
	view, edit, admin := granted["view"], granted["edit"], granted["admin"]
	if !edit.IsSuperset(view) || !admin.IsSuperset(edit) {
		t.Error("a higher role lacks rights of a lower one")
	}
	for right := range view {
		if verb, _, _ := strings.Cut(right, " "); !slices.Contains([]string{"get", "list", "watch"}, verb) {
			t.Errorf("who views may %s", right)
		}
	}
	if edit.HasAny("update sessions/status", "patch sessions/status") {
		t.Error("who edits may write the status")
	}
	served := servedRights(t)
	if unserved := admin.Difference(served); len(unserved) > 0 {
		t.Errorf("rights to what isn't served: %q", sets.List(unserved))
	}
	// The record of a Runner is written by that Runner alone.
	own := sets.New("create runners", "update runners", "patch runners", "update runners/status", "patch runners/status")
	if admin.HasAny(sets.List(own)...) {
		t.Error("who administrates may write the record of a Runner")
	}
	if missing := served.Difference(admin).Difference(own); len(missing) > 0 {
		t.Errorf("no role has the rights to %q", sets.List(missing))
	}
}

func rightsOf(t *testing.T, role *rbacv1.ClusterRole) rights {
	t.Helper()
	all := rights{}
	for _, rule := range role.Rules {
		if !slices.Equal(rule.APIGroups, []string{v1alpha1.GroupName}) || len(rule.ResourceNames) > 0 {
			t.Errorf("%s has a rule about something else: %+v", role.Name, rule)
		}
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				all.Insert(verb + " " + resource)
			}
		}
	}
	return all
}

// servedRights are what the server's discovery tells.
func servedRights(t *testing.T) rights {
	t.Helper()
	// Servers of a cluster run no Sessions, so they have no UIResources.
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) { o.UI = nil }})
	list, err := server.Clientset(t).Discovery().ServerResourcesForGroupVersion(v1alpha1.SchemeGroupVersion.String())
	if err != nil {
		t.Fatal(err)
	}
	all := rights{}
	for _, resource := range list.APIResources {
		for _, verb := range resource.Verbs {
			all.Insert(verb + " " + resource.Name)
		}
	}
	return all
}
