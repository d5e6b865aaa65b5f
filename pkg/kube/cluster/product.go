// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"path/filepath"
	"strings"

	"tilt.dev/session/pkg/model"
)

// productNames are how names of cluster entries in kubeconfigs begin. A name that ends in "$" is a whole one.
var productNames = []struct {
	prefix  string
	product model.Product
}{
	{"minikube", model.ProductMinikube},
	{"docker-desktop$", model.ProductDockerDesktop},
	{"docker-for-desktop-cluster$", model.ProductDockerDesktop},
	{"gke", model.ProductGKE},
	{"arn:aws:eks:", model.ProductEKS},
	{"kind$", model.ProductKind},
	{"kind-", model.ProductKind},
	{"microk8s", model.ProductMicroK8s},
	{"api-crc-testing", model.ProductCRC},
	{"krucible-", model.ProductKrucible},
	{"k3d-", model.ProductK3D},
	{"rancher-desktop", model.ProductRancherDesktop},
	{"colima", model.ProductColima},
	{"orbstack$", model.ProductOrbStack},
}

// detectProduct tells the product from the name of a cluster's entry and, failing that, from the paths of its
// authority and of the kubeconfig that has the entry.
func detectProduct(name, authority, kubeconfig string) model.Product {
	for _, p := range productNames {
		whole, exact := strings.CutSuffix(p.prefix, "$")
		if name == whole || !exact && strings.HasPrefix(name, p.prefix) {
			return p.product
		}
	}
	authority, kubeconfig = filepath.ToSlash(authority), filepath.ToSlash(kubeconfig)
	switch {
	case strings.HasSuffix(name, ".eksctl.io"):
		return model.ProductEKS
	case strings.HasSuffix(authority, "/.minikube/ca.crt"):
		return model.ProductMinikube
	case strings.Contains(kubeconfig, "/.kube/k3d"), strings.Contains(kubeconfig, "/.config/k3d/"):
		return model.ProductK3D
	}
	return model.ProductUnknown
}
