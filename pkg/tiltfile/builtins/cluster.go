// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"fmt"
	"slices"

	"tilt.dev/session/pkg/model"
)

// Cluster is the Kubernetes cluster of an evaluation, and whether the Tiltfile may deploy to it. Nothing contacts the
// cluster: what is known of it comes from the kubeconfig.
//
// A Tiltfile without Kubernetes builtins is never refused. One with Kubernetes resources is refused at its end if its
// context isn't allowed. A local() is refused only after a builtin has shown that the Tiltfile deploys to a cluster:
// before, nothing tells whether the context matters to it.
type Cluster struct {
	read    func() (*model.Cluster, error)
	known   bool
	cluster *model.Cluster
	err     error
	// deploys is true once a builtin has registered something to deploy.
	deploys bool
	allowed []string
}

// Known returns what the kubeconfig says, nil without one. It reads the kubeconfig once.
func (c *Cluster) Known() (*model.Cluster, error) {
	if !c.known && c.read != nil {
		c.cluster, c.err = c.read()
		if c.err != nil {
			c.err = fmt.Errorf("read the kubeconfig: %w", c.err)
		}
	}
	c.known = true
	return c.cluster, c.err
}

// Deploys records that the Tiltfile deploys to the cluster.
func (c *Cluster) Deploys() { c.deploys = true }

// Allow allows deploying to contexts.
func (c *Cluster) Allow(contexts ...string) { c.allowed = append(c.allowed, contexts...) }

// productsOfDevelopment are the products that are allowed by themselves.
var productsOfDevelopment = []model.Product{
	model.ProductMinikube, model.ProductDockerDesktop, model.ProductMicroK8s, model.ProductCRC, model.ProductKrucible,
	model.ProductKind, model.ProductK3D, model.ProductRancherDesktop, model.ProductColima, model.ProductOrbStack,
}

// refused returns the context if it isn't allowed.
func (c *Cluster) refused() (context string, refused bool) {
	cluster, err := c.Known()
	if err != nil || cluster == nil || slices.Contains(productsOfDevelopment, cluster.Product) ||
		slices.Contains(c.allowed, cluster.Context) {
		return "", false
	}
	return cluster.Context, true
}

// Check returns an error if what the Tiltfile deploys may not go to the context.
func (c *Cluster) Check() error {
	if _, err := c.Known(); err != nil {
		return err
	}
	if context, refused := c.refused(); refused {
		//lint:ignore ST1005 The words that users of Tilt know.
		return fmt.Errorf("Stop! %s might be production.\n%s", context, allowHint(context))
	}
	return nil
}

// checkLocal returns an error if local() may not run.
func (c *Cluster) checkLocal() error {
	if context, refused := c.refused(); c.deploys && refused {
		//lint:ignore ST1005 The words that users of Tilt know.
		return fmt.Errorf("Refusing to run 'local' because %s might be a production kube context.\n%s",
			context, allowHint(context))
	}
	return nil
}

// allowHint says how to allow a context.
func allowHint(context string) string {
	return fmt.Sprintf("If it is meant, add this line to the Tiltfile before anything else:\n"+
		"    allow_k8s_contexts('%s')\nOtherwise switch to another context and start again.", context)
}

// kubeconfigVariable is the variable by which commands find the cluster.
const kubeconfigVariable = "KUBECONFIG"

// Kubeconfig returns the path of the frozen kubeconfig, empty if there is none or if the Tiltfile sets one of its own
// with os.putenv or os.unsetenv.
func (v *Environ) Kubeconfig() string {
	if _, changed := v.Changes()[kubeconfigVariable]; changed {
		return ""
	}
	if cluster, err := v.evaluation.Kubernetes.Known(); err == nil && cluster != nil {
		return cluster.Kubeconfig
	}
	return ""
}
