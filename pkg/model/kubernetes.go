// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"time"
)

// Cluster is the Kubernetes cluster of a run, as the kubeconfig said when the run began.
type Cluster struct {
	// Context and Namespace are those of the kubeconfig or of the command line. Namespace is never empty.
	Context, Namespace string
	// Name is the name of the kubeconfig's cluster entry, and Product what it is known to be, such as ProductKind.
	Name    string
	Product Product
	// Kubeconfig is the path of the copy that holds this context alone; commands get it as KUBECONFIG.
	Kubeconfig string
}

// Product is a kind of Kubernetes cluster, as far as its kubeconfig tells.
type Product string

// Products that a run may deploy to without allow_k8s_contexts().
const (
	ProductUnknown        Product = ""
	ProductMinikube       Product = "minikube"
	ProductDockerDesktop  Product = "docker-desktop"
	ProductMicroK8s       Product = "microk8s"
	ProductCRC            Product = "crc"
	ProductKrucible       Product = "krucible"
	ProductKind           Product = "kind"
	ProductK3D            Product = "k3d"
	ProductRancherDesktop Product = "rancher-desktop"
	ProductColima         Product = "colima"
	ProductOrbStack       Product = "orbstack"
)

// Products that a run may not deploy to without allow_k8s_contexts().
const (
	ProductGKE Product = "gke"
	ProductEKS Product = "eks"
)

// Object is a Kubernetes object as it was written: what encoding/json decodes an object to, with int64 for whole
// numbers. It is never changed.
type Object map[string]any

// Deploy is the update of a Kubernetes resource: objects, or a command that applies some.
type Deploy struct {
	// Resource is the name of the resource.
	Resource string
	Cluster  *Cluster
	// Objects are in the order of their registration.
	Objects []Object
	// Custom is set for k8s_custom_deploy(), which has no Objects.
	Custom *CustomDeploy
	// Images are put into the objects, or given to the commands, in this order: bases first.
	Images []ImageUse
	// Timeout is for each object, or for the whole command.
	Timeout time.Duration
	// Apply is how objects are applied.
	Apply ApplyMode
}

// ApplyMode is how objects are applied.
type ApplyMode string

// The values of update_settings(k8s_server_side_apply=). ApplyAuto is server-side apply.
const (
	ApplyAuto       ApplyMode = "auto"
	ApplyServerSide ApplyMode = "true"
	ApplyClientSide ApplyMode = "false"
)

// CustomDeploy are the commands of k8s_custom_deploy().
type CustomDeploy struct {
	Apply, Delete Command
}

// ImageUse is how a deploy uses an image of the project.
type ImageUse struct {
	// Image is the name of the image.
	Image string
	// MatchExact is true if references must have the tag of the image's name. Otherwise any tag matches.
	MatchExact bool
	// MatchInEnvVars also replaces environment variables whose value is the reference.
	MatchInEnvVars bool
	// Command and Args replace those of the containers that run the image; nil leaves them.
	Command, Args []string
	// Locators are further places of references in objects.
	Locators []ImageLocator
}

// ImageLocator is a place of image references in some objects. Exactly one of Path and Object is set.
type ImageLocator struct {
	Selector ObjectSelector
	// Path is a JSONPath of a string that is a reference.
	Path string
	// Object is a map whose fields have the parts of a reference.
	Object *ImageObject
}

// ImageObject is a map that holds an image reference in two fields.
type ImageObject struct {
	Path, RepoField, TagField string
}

// ObjectSelector selects objects by case-insensitive, unanchored regular expressions. An empty one matches everything.
type ObjectSelector struct {
	APIVersion, Kind, Name, Namespace string
}

// Workload is the runtime of a Kubernetes resource. A change of it leads to no deploy.
type Workload struct {
	// Resource is the name of the resource.
	Resource string
	Cluster  *Cluster
	// Readiness says when the workload is ready.
	Readiness PodReadiness
	// PodSelectors select further pods by all labels of one of them.
	PodSelectors []map[string]string
	// SelectorsOnly is true if the owners of pods don't count.
	SelectorsOnly bool
	PortForwards  []PortForward
}

// PodReadiness says when a workload counts as ready.
type PodReadiness string

const (
	// PodReadinessWait is a workload that's ready when its objects and pods are.
	PodReadinessWait PodReadiness = "wait"
	// PodReadinessIgnore is a workload that's ready when it is applied.
	PodReadinessIgnore PodReadiness = "ignore"
	// PodReadinessSucceeded is a job: it has to succeed.
	PodReadinessSucceeded PodReadiness = "succeeded"
)

// PortForward leads from a port of this machine to a pod.
type PortForward struct {
	// Host is the address to listen at, empty for localhost. Local is the port, 0 for a free one.
	Host  string
	Local int
	// Container is the port of the pod, 0 for one that its containers declare.
	Container int
	// Name and Path are for the link that is shown.
	Name, Path string
}

// Secret is a value that no log may show.
type Secret struct {
	// Name is the name of the Secret object, Key the key within.
	Name, Key string
	// Value is the plain value.
	Value []byte
}

func (d *Deploy) String() string { return d.Resource }

// Subject implements Update.
func (d *Deploy) Subject() string { return fmt.Sprintf("Deploy of %q", d.Resource) }

func (w *Workload) String() string { return w.Resource }

// Subject implements Runtime.
func (w *Workload) Subject() string { return fmt.Sprintf("Workload %q", w.Resource) }

// Verb implements Runtime.
func (w *Workload) Verb() string { return "runtime" }

// Ends implements Runtime.
func (w *Workload) Ends() bool { return w.Readiness == PodReadinessSucceeded }

// Outlives implements Runtime.
func (w *Workload) Outlives() bool { return true }

// Probed implements Runtime.
func (w *Workload) Probed() bool { return true }
