// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"tilt.dev/session/pkg/kube/cluster"
)

// slowWebhooks names the admission webhooks that an object may have waited for when its request got no answer. It is
// empty for other errors, if there are no such webhooks, and if they can't be read.
func (r *run) slowWebhooks(err error, i *item) string {
	if !errors.Is(err, context.DeadlineExceeded) {
		return ""
	}
	// The time of the object is over, so the request has a time of its own.
	ctx, cancel := context.WithTimeout(context.Background(), cluster.CallTimeout)
	defer cancel()
	var names []string
	for _, resource := range []string{"mutatingwebhookconfigurations", "validatingwebhookconfigurations"} {
		list, err := r.connection.Dynamic.Resource(v1.SchemeGroupVersion.WithResource(resource)).
			List(ctx, metav1.ListOptions{})
		if err != nil {
			continue
		}
		for _, o := range list.Items {
			// Both kinds have the fields that are read here.
			var configuration v1.ValidatingWebhookConfiguration
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &configuration); err != nil {
				continue
			}
			names = append(names, asked(configuration.Webhooks, i.object.GroupVersionKind())...)
		}
	}
	return strings.Join(names, ", ")
}

// asked returns the webhooks that may be asked about objects of a kind. Rules name resources, which are compared with
// the kind's plural.
func asked(webhooks []v1.ValidatingWebhook, gvk schema.GroupVersionKind) []string {
	kind := strings.ToLower(gvk.Kind)
	matches := func(values []string, value string) bool {
		return slices.Contains(values, "*") || slices.ContainsFunc(values, func(v string) bool {
			return v == value || v == value+"s" || v == value+"es" || v == strings.TrimSuffix(value, "y")+"ies"
		})
	}
	var names []string
	for _, w := range webhooks {
		for _, rule := range w.Rules {
			if (slices.Contains(rule.APIGroups, "*") || slices.Contains(rule.APIGroups, gvk.Group)) &&
				matches(rule.Resources, kind) {
				names = append(names, webhookName(w))
				break
			}
		}
	}
	return names
}

// webhookName is a webhook with the Service that answers for it.
func webhookName(w v1.ValidatingWebhook) string {
	if s := w.ClientConfig.Service; s != nil {
		return fmt.Sprintf("%s (Service %s/%s)", w.Name, s.Namespace, s.Name)
	}
	return w.Name
}
