// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/compose"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/image"
	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/kube/deploy"
	"tilt.dev/session/pkg/kube/workload"
	"tilt.dev/session/pkg/liveupdate"
	"tilt.dev/session/pkg/local"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/probe"
)

// Targets are options of how images are built and of where Kubernetes resources are deployed.
type Targets struct {
	// Cluster says which cluster is deployed to.
	Cluster cluster.Options
	// ImageProgram builds images, "" for docker.
	ImageProgram string
	// Inventory names the project in the cluster, "" for a name that follows from the path of the Tiltfile.
	Inventory string
	// NoPrune leaves objects in the cluster that are no longer in the YAML.
	NoPrune bool
	// KeepContainers leaves the containers of Compose services at the end of ci.
	KeepContainers bool
	// LiveUpdateHelper is the image of a static BusyBox, empty for liveupdate.DefaultHelper.
	LiveUpdateHelper string
}

// kinds start the updates and runtimes of one run, those of each kind in its package.
type kinds struct {
	local     *local.Commands
	images    *image.Builder
	workloads *workload.Runner
	// deploys makes the Deployer at the first call, since a run without Kubernetes needs no name of its project.
	// deploying is true from then on.
	deploys   func() *deploy.Deployer
	deploying atomic.Bool
	// composes makes the Runner of Compose services at the first call. composing is true from then on.
	composes  func() *compose.Runner
	composing atomic.Bool
	log       *logs.Store
}

var (
	_ engine.Updater = (*kinds)(nil)
	_ engine.Runner  = (*kinds)(nil)
)

// kinds returns the kinds of a run of a Tiltfile. The caller closes them.
func (es *engines) kinds(s *v1alpha1.Session, log *logs.Store) *kinds {
	k := &kinds{
		log: log,
		local: &local.Commands{
			Start:  es.processes.Start,
			Prober: &probe.Prober{Start: es.processes.Start, Env: es.environ, Clock: es.clock},
		},
		images: es.images,
		workloads: workload.New(workload.Options{
			Connection: es.cluster.Connection, Helper: es.Targets.LiveUpdateHelper,
		}),
	}
	k.deploys = sync.OnceValue(func() *deploy.Deployer {
		k.deploying.Store(true)
		return es.deployer(s.Spec.TiltfilePath, log)
	})
	k.composes = sync.OnceValue(func() *compose.Runner {
		k.composing.Store(true)
		return compose.New(compose.Options{
			Start:    es.processes.Start,
			Projects: &es.composed,
			CI:       s.Spec.ExitCondition == v1alpha1.ExitConditionCI,
			Keep:     es.Targets.KeepContainers,
			Helper:   cmp.Or(es.Targets.LiveUpdateHelper, liveupdate.DefaultHelper),
			Log:      engine.NewLog(log, model.TiltfileResource),
			Notice:   es.Notice,
		})
	})
	return k
}

// builder returns what builds the images of all runs.
func (es *engines) builder() (*image.Builder, error) {
	return image.New(image.Options{
		Program:  es.Targets.ImageProgram,
		Start:    es.processes.Start,
		Registry: es.registry,
		Node:     es.node,
	})
}

func (es *engines) deployer(tiltfile string, log *logs.Store) *deploy.Deployer {
	project, owner := es.Targets.identity(tiltfile)
	return deploy.New(deploy.Options{
		Connect:  es.cluster.Connection,
		Start:    es.processes.Start,
		Project:  project,
		Owner:    owner,
		Projects: es.projects,
		NoPrune:  es.Targets.NoPrune,
		Log:      engine.NewLog(log, model.TiltfileResource),
	})
}

// StartUpdate implements engine.Updater.
func (k *kinds) StartUpdate(request engine.UpdateRequest) (engine.Activity, error) {
	switch request.Update.(type) {
	case *model.ImageBuild:
		return k.images.StartUpdate(request)
	case *model.Deploy:
		return k.deploys().StartUpdate(request)
	case *model.ComposeUp:
		return k.composes().StartUpdate(request)
	}
	return k.local.StartUpdate(request)
}

// StartRuntime implements engine.Runner.
func (k *kinds) StartRuntime(request engine.RuntimeRequest) (engine.Runtime, error) {
	switch request.Runtime.(type) {
	case *model.Workload:
		return k.workloads.StartRuntime(request)
	case *model.ComposeService:
		return k.composes().StartRuntime(request)
	}
	return k.local.StartRuntime(request)
}

// adopt tells what the Tiltfile has now, so that what it no longer has can be removed.
func (k *kinds) adopt(project *model.Project) {
	if k.deploying.Load() || deploys(project) {
		k.deploys().SetProject(project.Resources)
	}
	if k.composing.Load() || compose.Uses(project.Resources) {
		k.composes().SetProject(project)
	}
}

// disable removes what a disabled resource would leave behind.
func (k *kinds) disable(resource *model.Resource) {
	if k.composing.Load() {
		k.composes().Disable(resource, engine.NewLog(k.log, resource.Name))
	}
}

// deploys reports whether a project has Kubernetes resources.
func deploys(project *model.Project) bool {
	return slices.ContainsFunc(project.Resources, func(r model.Resource) bool {
		_, ok := r.Update.(*model.Deploy)
		return ok
	})
}

// close ends what the kinds still do, at the latest when ctx is done, and waits for it.
func (k *kinds) close(ctx context.Context) {
	k.workloads.Close()
	if k.composing.Load() {
		k.composes().Close(ctx)
	}
	if k.deploying.Load() {
		k.deploys().Close(ctx)
	}
}

// clusterPatience is how long the questions of a build wait for a cluster that doesn't answer.
const clusterPatience = 30 * time.Second

// ask asks the cluster something, again if it doesn't answer.
func (es *engines) ask(ctx context.Context, question func(context.Context, *cluster.Connection) error) error {
	connection, err := es.cluster.Connection()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, clusterPatience)
	defer cancel()
	return connection.Retry(ctx, cluster.CallTimeout, nil, func(ctx context.Context) error {
		return question(ctx, connection)
	})
}

// registry is the registry that a cluster names for local development.
func (es *engines) registry(ctx context.Context, _ *model.Cluster) (r *model.Registry, reason string, err error) {
	err = es.ask(ctx, func(ctx context.Context, c *cluster.Connection) (err error) {
		r, reason, err = c.Registry(ctx)
		return err
	})
	return r, reason, err
}

// node is what the nodes of a cluster have in common.
func (es *engines) node(ctx context.Context, _ *model.Cluster) (common image.Node, err error) {
	err = es.ask(ctx, func(ctx context.Context, c *cluster.Connection) error {
		node, err := c.Node(ctx)
		common.Runtime = node.Runtime
		if node.Arch != "" {
			common.Platform = "linux/" + node.Arch
		}
		return err
	})
	return common, err
}

// identity is by what a cluster knows the project of a Tiltfile. Without --inventory a project is the path of the
// Tiltfile on this machine.
func (t *Targets) identity(tiltfile string) (project, owner string) {
	owner = fmt.Sprintf("uid %d", os.Getuid()) // Of a user that has no name.
	if u, err := user.Current(); err == nil {
		owner = u.Username
	}
	if t.Inventory != "" {
		return t.Inventory, owner
	}
	if machine, err := os.Hostname(); err == nil {
		owner += "@" + machine
	}
	if resolved, err := filepath.EvalSymlinks(tiltfile); err == nil {
		tiltfile = resolved
	}
	sum := sha256.Sum256([]byte(tiltfile))
	return fmt.Sprintf("%s-%s", filepath.Base(filepath.Dir(tiltfile)), hex.EncodeToString(sum[:5])), owner
}
