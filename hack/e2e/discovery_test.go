// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"tilt.dev/session/hack/e2e/kubeconfig"
)

// groups are of the aggregator and of the service behind it.
var groups = []string{"apiregistration.k8s.io", "tilt.dev"}

// What there is of the service is found together with what there is of the cluster,
// in either form of discovery, in both OpenAPI documents and by kubectl.
func testDiscovery(t *testing.T, c *cluster) {
	viewer := c.front.User("vera", "viewers")
	for name, legacy := range map[string]bool{"aggregated": false, "legacy": true} {
		t.Run(name, func(t *testing.T) {
			client := discoveryOf(t, viewer)
			client.UseLegacyDiscovery = legacy
			found, resources, err := client.ServerGroupsAndResources()
			if err != nil {
				t.Fatal(err)
			}
			for _, group := range groups {
				if !slices.ContainsFunc(found, func(has *metav1.APIGroup) bool { return has.Name == group }) {
					t.Errorf("%s isn't one of the groups %v", group, found)
				}
			}
			if names := resourcesOf(resources, "tilt.dev/v1alpha1"); !slices.Contains(names, "sessions") || !slices.Contains(names, "sessions/status") {
				t.Errorf("the resources of tilt.dev/v1alpha1 are %v", names)
			}
		})
	}
	t.Run("OpenAPI", func(t *testing.T) {
		client := discoveryOf(t, viewer)
		document, err := client.OpenAPISchema()
		if err != nil {
			t.Fatal(err)
		}
		var titles []string
		for _, definition := range document.GetDefinitions().GetAdditionalProperties() {
			titles = append(titles, definition.GetName())
		}
		paths, err := client.OpenAPIV3().Paths()
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"APIService", "Session"} {
			if !slices.ContainsFunc(titles, func(title string) bool { return strings.HasSuffix(title, "."+kind) }) {
				t.Errorf("OpenAPI v2 doesn't describe %s", kind)
			}
		}
		for _, path := range []string{"apis/apiregistration.k8s.io/v1", "apis/tilt.dev/v1alpha1"} {
			if paths[path] == nil {
				t.Errorf("OpenAPI v3 doesn't describe %s", path)
			}
		}
	})
	t.Run("kubectl", func(t *testing.T) {
		k := kubectl{kubeconfig: kubeconfig.Write(t, viewer), home: t.TempDir()}
		k.run(t, "", "api-resources", "apiservices", "sessions", "sess", "tilt.dev/v1alpha1")
		k.run(t, "", "api-versions", "apiregistration.k8s.io/v1", "tilt.dev/v1alpha1")
		k.run(t, "", "explain session.spec.ci", "GROUP:", "tilt.dev", "timeout")
		k.run(t, "", "get sessions")
		k.kubeconfig = kubeconfig.Write(t, c.admin)
		k.run(t, "", "get apiservice v1alpha1.tilt.dev", "tilt-session/tilt-session", "True")
	})
}

func discoveryOf(t *testing.T, config *rest.Config) *discovery.DiscoveryClient {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfigAndClient(config, httpClient(t, config))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func resourcesOf(all []*metav1.APIResourceList, groupVersion string) []string {
	var names []string
	for _, list := range all {
		if list.GroupVersion != groupVersion {
			continue
		}
		for _, resource := range list.APIResources {
			names = append(names, resource.Name)
		}
	}
	return names
}
