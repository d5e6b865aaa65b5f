// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifests_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/ptr"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// selected is the one workload whose pods a selector selects.
func (i *installation) selected(t *testing.T, who string, selector *metav1.LabelSelector) workload {
	t.Helper()
	var found []workload
	for _, w := range i.workloads() {
		if selects(t, selector, w.pods.Labels) {
			found = append(found, w)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s selects the pods of %d workloads", who, len(found))
	}
	return found[0]
}

func TestAPIService(t *testing.T) {
	t.Parallel()
	eachInstallation(t, func(t *testing.T, i *installation) {
		version := v1alpha1.SchemeGroupVersion
		api := the[apiregistrationv1.APIService](t, i, version.Version+"."+version.Group)
		if api.Spec.Group != version.Group || api.Spec.Version != version.Version {
			t.Errorf("it's for %s/%s", api.Spec.Group, api.Spec.Version)
		}
		if api.Spec.InsecureSkipTLSVerify || len(api.Spec.CABundle) > 0 {
			t.Error("it says whom to trust, which is the server's to say")
		}
		service := the[corev1.Service](t, i, api.Spec.Service.Name)
		if service.Namespace != api.Spec.Service.Namespace || !slices.ContainsFunc(service.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == *api.Spec.Service.Port }) {
			t.Errorf("the Service %s/%s hasn't the port %d", service.Namespace, service.Name, *api.Spec.Service.Port)
		}
	})
}

func TestServices(t *testing.T) {
	t.Parallel()
	eachInstallation(t, func(t *testing.T, i *installation) {
		for _, s := range all[corev1.Service](i) {
			w := i.selected(t, "the Service "+s.Name, &metav1.LabelSelector{MatchLabels: s.Spec.Selector})
			for _, p := range s.Spec.Ports {
				if !hasPort(w.pods.Spec.Containers[0], p.TargetPort.StrVal) {
					t.Errorf("the Service %s leads to port %v, which %s hasn't", s.Name, p.TargetPort, w.name)
				}
			}
		}
		for _, p := range all[networkingv1.NetworkPolicy](i) {
			to := i.selected(t, "the NetworkPolicy "+p.Name, &p.Spec.PodSelector)
			for _, rule := range p.Spec.Ingress {
				for _, peer := range rule.From {
					i.selected(t, "the NetworkPolicy "+p.Name, peer.PodSelector)
				}
				for _, port := range rule.Ports {
					if !hasPort(to.pods.Spec.Containers[0], port.Port.StrVal) {
						t.Errorf("the NetworkPolicy %s lets to port %v, which %s hasn't", p.Name, port.Port, to.name)
					}
				}
			}
		}
	})
}

// One pod at a time may go, and there's always another one.
func TestAvailability(t *testing.T) {
	t.Parallel()
	eachInstallation(t, func(t *testing.T, i *installation) {
		budget := the[policyv1.PodDisruptionBudget](t, i, "tilt-session")
		w := i.selected(t, "the budget", budget.Spec.Selector)
		if ptr.Deref(w.replicas, 1) < 2 || ptr.Deref(budget.Spec.MaxUnavailable, intstr.FromInt32(0)) != intstr.FromInt32(1) {
			t.Errorf("of %d pods %v may be unavailable", ptr.Deref(w.replicas, 1), budget.Spec.MaxUnavailable)
		}
		spread := w.pods.Spec.TopologySpreadConstraints
		if len(spread) == 0 {
			t.Error("all pods may be on one node")
		}
		for _, constraint := range spread {
			if !selects(t, constraint.LabelSelector, w.pods.Labels) {
				t.Errorf("spreading over %s isn't about these pods", constraint.TopologyKey)
			}
		}
	})
}

// provided are the roles that a cluster comes with.
var provided = []string{"ClusterRole system:auth-delegator", "Role kube-system/extension-apiserver-authentication-reader"}

func TestBindings(t *testing.T) {
	t.Parallel()
	eachInstallation(t, func(t *testing.T, i *installation) {
		roles := slices.Clone(provided)
		for _, r := range all[rbacv1.ClusterRole](i) {
			roles = append(roles, "ClusterRole "+r.Name)
		}
		for _, r := range all[rbacv1.Role](i) {
			roles = append(roles, "Role "+r.Namespace+"/"+r.Name)
		}
		check := func(name, role string, subjects []rbacv1.Subject) {
			if !slices.Contains(roles, role) {
				t.Errorf("%s binds %s, which isn't there", name, role)
			}
			for _, s := range subjects {
				if account := the[corev1.ServiceAccount](t, i, s.Name); s.Namespace != account.Namespace || s.Kind != rbacv1.ServiceAccountKind {
					t.Errorf("%s binds it to %s %s/%s", name, s.Kind, s.Namespace, s.Name)
				}
			}
		}
		for _, b := range all[rbacv1.ClusterRoleBinding](i) {
			check(b.Name, b.RoleRef.Kind+" "+b.RoleRef.Name, b.Subjects)
		}
		for _, b := range all[rbacv1.RoleBinding](i) {
			check(b.Name, b.RoleRef.Kind+" "+b.Namespace+"/"+b.RoleRef.Name, b.Subjects)
		}
	})
}

// Nothing is where no namespace was asked for.
func TestNamespaces(t *testing.T) {
	t.Parallel()
	eachInstallation(t, func(t *testing.T, i *installation) {
		for _, object := range i.objects {
			o := object.(metav1.Object)
			want := namespace
			switch object.(type) {
			case *corev1.Namespace, *rbacv1.ClusterRole, *rbacv1.ClusterRoleBinding, *apiregistrationv1.APIService:
				want = ""
			case *rbacv1.RoleBinding:
				if o.GetName() == "tilt-session:extension-apiserver-authentication-reader" {
					want = metav1.NamespaceSystem
				}
			}
			if o.GetNamespace() != want {
				t.Errorf("%T %s is in namespace %q", object, o.GetName(), o.GetNamespace())
			}
		}
	})
}
