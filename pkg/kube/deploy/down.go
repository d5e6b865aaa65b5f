// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/model"
)

// DownOptions configure Down.
type DownOptions struct {
	// DeleteNamespaces also deletes the Namespaces of the project, as far as a deploy of it created them.
	DeleteNamespaces bool
	// Environ is the environment of delete commands, without variables of their own.
	Environ []string
	// Selected says which resources are removed, with what the Tiltfile no longer names of them; the others stay whole.
	// Nil removes all, also resources that left the Tiltfile.
	Selected func(resource string) bool
	// Log gets what is done.
	Log engine.Log
}

// Down removes a project from the cluster: first what the inventory has and the Tiltfile no longer names, then the
// objects of the resources, those that depend on others first, each in the reverse order of its deploy. It waits until
// they are gone, at most a minute for each batch, and the error says what is left and why. Only objects with the
// annotation of this project are deleted, Namespaces only as the options say, and none with the policy "keep". Delete
// commands of custom deploys always run. At the end the inventory is removed, or has what is left.
//
// Resources are all of the Tiltfile in the order of their definition. Without a deploy among them nothing is done.
func (d *Deployer) Down(ctx context.Context, resources []model.Resource, options DownOptions) error {
	current := newProject(resources)
	if len(current.deploys) == 0 {
		return nil
	}
	c, err := d.options.Connect()
	if err != nil {
		return err
	}
	p := printer{options.Log}
	entries, err := d.inventory.read(ctx, c, p.away)
	readable := !apierrors.IsForbidden(err)
	if !readable {
		p.warn("What left the YAML stays in the cluster: %v", err)
	} else if err != nil {
		return err
	}
	var errs []error
	var left []Entry
	if readable && len(entries) == 0 {
		p.print("No objects of this project are known in namespace %q of context %q.", c.Cluster.Namespace, c.Cluster.Context)
	}
	if others := unselected(resources, options.Selected); len(others) > 0 {
		p.print("Not selected, so all of it stays: %s", strings.Join(others, ", "))
	}
	for _, stage := range downStages(resources, current, entries, options.Selected) {
		for _, deploy := range stage.commands {
			errs = append(errs, d.runDelete(ctx, command{deploy, options.Environ}, options.Log))
		}
		stuck, err := d.downStage(ctx, c, stage.entries, options, p)
		left = append(left, stuck...)
		errs = append(errs, err)
	}
	if options.Selected != nil {
		left = append(left, slices.DeleteFunc(entries, func(e Entry) bool { return options.Selected(e.Resource) })...)
	}
	switch {
	case !readable:
	case len(left) == 0:
		err := d.inventory.remove(ctx, c)
		if len(entries) == 0 && apierrors.IsForbidden(err) {
			err = nil // A user without the right to delete it had none to write it.
		}
		errs = append(errs, err)
	default:
		errs = append(errs, d.inventory.update(ctx, c, nil, func([]Entry) ([]Entry, bool) { return left, true }))
	}
	return errors.Join(errs...)
}

// unselected are the names of the deploys that Down leaves as they are.
func unselected(resources []model.Resource, selected func(string) bool) (names []string) {
	for _, r := range resources {
		if _, ok := r.Update.(*model.Deploy); ok && selected != nil && !selected(r.Name) {
			names = append(names, r.Name)
		}
	}
	return names
}

// downStage deletes objects and returns those that stay in the inventory. The error says which should be gone and why
// they aren't.
func (d *Deployer) downStage(ctx context.Context, c *cluster.Connection, entries []Entry, options DownOptions,
	p printer) (left []Entry, err error) {
	if len(entries) == 0 {
		return nil, nil
	}
	located, err := d.locateEntries(ctx, c, entries)
	if err != nil {
		return entries, err
	}
	found, err := d.examine(ctx, c, located, options.DeleteNamespaces)
	if err != nil {
		return located, err
	}
	if len(found.delete) > 0 {
		p.print("Deleting objects:")
		for _, o := range found.delete {
			p.print("  → %v", o.entry)
		}
	}
	for _, k := range found.kept {
		p.print("Not deleting %v: %s", k.entry, k.reason)
		if !slices.Contains(found.forget, k.entry) {
			left = append(left, k.entry)
		}
	}
	why := d.remove(ctx, c, found.delete, func(Entry) bool { return false })
	for _, o := range found.delete {
		if why[o.entry.key()] != "" {
			left = append(left, o.entry)
		}
	}
	if err := describe(why, found.delete); err != nil {
		return left, fmt.Errorf("objects are left in the cluster:\n%w", err)
	}
	return left, nil
}

// locateEntries sets the namespaces of entries that come from YAML without.
func (d *Deployer) locateEntries(ctx context.Context, c *cluster.Connection, entries []Entry) ([]Entry, error) {
	located := slices.Clone(entries)
	for i := range located {
		e := &located[i]
		var namespaced bool
		err := c.Retry(ctx, cluster.CallTimeout, nil, func(ctx context.Context) (err error) {
			_, namespaced, err = c.Resource(ctx, e.groupVersionKind(), e.Namespace)
			return err
		})
		switch {
		case meta.IsNoMatchError(err):
		case err != nil:
			return nil, fmt.Errorf("find the kind of %v: %w", e, err)
		case !namespaced:
			e.Namespace = ""
		case e.Namespace == "":
			e.Namespace = c.Cluster.Namespace
		}
	}
	return located, nil
}

// stage is what Down removes at the same time.
type stage struct {
	commands []*model.Deploy
	entries  []Entry
}

// downStages returns what is removed one after the other: what the Tiltfile no longer names, then resources that no
// other one depends on, then those that only these depend on, and so on.
func downStages(resources []model.Resource, current *project, inventory []Entry,
	selected func(string) bool) []stage {
	var stages []stage
	var unnamed stage
	for _, e := range inventory {
		if !current.has(e) && (selected == nil || selected(e.Resource)) {
			unnamed.entries = append(unnamed.entries, e)
		}
	}
	stages = append(stages, unnamed)
	depth := depths(resources)
	for level := 0; level <= slices.Max(depth); level++ {
		var s stage
		for i := len(resources) - 1; i >= 0; i-- {
			deploy, ok := resources[i].Update.(*model.Deploy)
			if !ok || depth[i] != level || selected != nil && !selected(deploy.Resource) {
				continue
			}
			if deploy.Custom != nil {
				s.commands = append(s.commands, deploy)
			}
			for _, o := range slices.Backward(deploy.Objects) {
				s.entries = append(s.entries, entryOf(&unstructured.Unstructured{Object: o}, deploy.Resource))
			}
		}
		stages = append(stages, s)
	}
	return stages
}

// depths returns for each resource how many others depend on it in the longest chain.
func depths(resources []model.Resource) []int {
	index := make(map[string]int, len(resources))
	for i, r := range resources {
		index[r.Name] = i
	}
	depth := make([]int, len(resources))
	// Dependencies form no cycle, so no chain is longer than the list.
	for changed, n := true, 0; changed && n < len(resources); n++ {
		changed = false
		for i, r := range resources {
			for _, name := range r.ResourceDeps {
				if j, ok := index[name]; ok && depth[j] <= depth[i] {
					depth[j], changed = depth[i]+1, true
				}
			}
		}
	}
	return depth
}
