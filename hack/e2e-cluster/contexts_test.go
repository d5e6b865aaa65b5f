// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package cluster

import (
	"testing"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// newContext adds a context to the kubeconfig, for a namespace that's there.
func (p *project) newContext(name, namespace string) {
	p.Helper()
	p.kubectl("config", "set-context", name, "--cluster=c", "--user=admin", "--namespace", namespace)
}

// The context is that of the start, for the run and for its commands, whatever becomes of the kubeconfig.
func TestContextIsFrozen(t *testing.T) {
	t.Parallel()
	p := newProject(t, settings("one"))
	p.replace("Tiltfile", "ci_settings", "local_resource('context', 'kubectl config current-context', deps=['touched'])\nci_settings")
	other := newProject(t, "")
	p.newContext("other", other.namespace)

	up := p.up()
	up.awaitReady("one:update", "context:update")
	p.kubectl("config", "use-context", "other")
	p.write(settings("one", "later"))
	up.await("the change is deployed", func(s v1alpha1.Session) bool { return healthy(target(s, "later:update")) })
	p.kubectl("config", "use-context", "c")
	p.wantSettings(map[string]bool{"one": true, "later": true})
	other.wantSettings(map[string]bool{"one": false, "later": false})
	up.awaitOutput("context │ c")
}

func TestContextOfTheCommandLine(t *testing.T) {
	t.Parallel()
	p := newProject(t, settings("one"))
	other := newProject(t, "")
	p.newContext("prod", p.namespace)
	p.kubectl("config", "use-context", "prod")
	p.ci("--context=c", "--namespace="+other.namespace).wantExit(0)
	other.wantSettings(map[string]bool{"one": true})
	p.wantSettings(map[string]bool{"one": false})
}

// A context that isn't allowed gets no deploy and no request.
func TestRefusedContext(t *testing.T) {
	t.Parallel()
	p := newProject(t, settings("one"))
	p.newContext("prod", p.namespace)
	p.kubectl("config", "use-context", "prod")
	p.ci().wantExit(2, "Stop! prod might be production.", "allow_k8s_contexts('prod')")

	p.write("-- Tiltfile --\nlocal_resource('job', 'echo done')\n")
	p.ci().wantExit(0)

	p.kubectl("config", "use-context", "c")
	p.wantSettings(map[string]bool{"one": false})
}
