// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/kube/manifest"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// project is what the last evaluation of the Tiltfile says: all resources, also those that are disabled or weren't
// selected.
type project struct {
	deploys map[string]*model.Deploy
	// objects are the keys of all objects, with the namespaces as they are written. Namespace is that of objects
	// without.
	objects   map[manifest.Key]bool
	namespace string
}

func newProject(resources []model.Resource) *project {
	p := &project{deploys: map[string]*model.Deploy{}, objects: map[manifest.Key]bool{}}
	for _, r := range resources {
		deploy, ok := r.Update.(*model.Deploy)
		if !ok {
			continue
		}
		p.deploys[deploy.Resource] = deploy
		if deploy.Cluster != nil {
			p.namespace = cmp.Or(p.namespace, deploy.Cluster.Namespace)
		}
		for _, o := range deploy.Objects {
			p.objects[manifest.IDOf(o).Key()] = true
		}
	}
	return p
}

// has reports whether the Tiltfile has the object of an entry. An object of a kind without namespaces may be written
// with one, so all namespaces match such an entry.
func (p *project) has(e Entry) bool {
	key := e.key()
	if p.objects[key] {
		return true
	}
	if e.Namespace == p.namespace {
		key.Namespace = ""
		return p.objects[key]
	}
	if e.Namespace != "" {
		return false
	}
	for k := range p.objects {
		if k.Group == e.Group && k.Kind == e.Kind && k.Name == e.Name {
			return true
		}
	}
	return false
}

// leftResource returns the entries of a resource that left its YAML and joined no other.
func (p *project) leftResource(entries []Entry, resource string) []Entry {
	var left []Entry
	for _, e := range entries {
		if e.Resource == resource && !p.has(e) {
			left = append(left, e)
		}
	}
	return left
}

// leftProject returns the entries whose resources and objects left the Tiltfile.
func (p *project) leftProject(entries []Entry) []Entry {
	var left []Entry
	for _, e := range entries {
		if p.deploys[e.Resource] == nil && !p.has(e) {
			left = append(left, e)
		}
	}
	return left
}

// SetProject tells the Deployer all resources of the Tiltfile after a successful evaluation, those that are disabled or
// weren't selected included. In the background it prunes what belongs to resources that are gone,
// and runs the delete commands of custom deploys that left within this run. Objects that left a resource are pruned
// after the next deploy of that resource. A project that never had a deploy contacts no cluster.
func (d *Deployer) SetProject(resources []model.Resource) {
	d.mu.Lock()
	previous := d.project
	current := newProject(resources)
	d.project = current
	d.options.Projects.set(d, current)
	var commands []command
	for resource, c := range d.commands {
		if now := current.deploys[resource]; now == nil || now.Custom == nil {
			delete(d.commands, resource)
			if !d.options.NoPrune && !current.deletes(c.deploy.Custom.Delete) {
				commands = append(commands, c)
			}
		}
	}
	d.mu.Unlock()
	if len(current.deploys) == 0 && (previous == nil || len(previous.deploys) == 0) {
		return
	}
	d.goes(func() {
		for _, c := range commands {
			if err := d.runDelete(d.ctx, c, d.options.Log); err != nil {
				d.options.Log.Append(logs.LevelWarn, err.Error())
			}
		}
		if err := d.pruneProject(); err != nil {
			d.options.Log.Append(logs.LevelWarn, "Pruning failed: "+err.Error())
		}
	})
}

// deletes reports whether a custom deploy of the project has a delete command. It is the same deploy by another name
// then: the command would remove what that has applied.
func (p *project) deletes(command model.Command) bool {
	for _, deploy := range p.deploys {
		if deploy.Custom != nil && reflect.DeepEqual(deploy.Custom.Delete, command) {
			return true
		}
	}
	return false
}

// current is what the last evaluation says, nil before the first.
func (d *Deployer) current() *project {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.project
}

// named reports whether a Tiltfile has the object of an entry: that of this run or of another one that shares the
// inventory.
func (d *Deployer) named(e Entry) bool { return d.current().has(e) || d.options.Projects.has(e, d) }

// pruneProject removes what belongs to resources that are gone.
func (d *Deployer) pruneProject() error {
	connection, err := d.options.Connect()
	if err != nil {
		return nil // Nothing can be there, and each deploy fails with that error.
	}
	left := func(entries []Entry) []Entry { return d.current().leftProject(entries) }
	ctx, cancel := context.WithCancel(d.ctx)
	defer cancel()
	p := printer{d.options.Log}
	away := func(err error) {
		p.away(err)
		context.AfterFunc(d.closing, cancel)
	}
	if err := d.prune(ctx, connection, left, p, away); ctx.Err() == nil {
		return err
	}
	return nil // It was given up, which the next run makes up for.
}

// pruneResource removes what left the YAML of a resource.
func (d *Deployer) pruneResource(ctx context.Context, c *cluster.Connection, resource string, p printer) error {
	if d.current() == nil {
		return nil
	}
	left := func(entries []Entry) []Entry { return d.current().leftResource(entries, resource) }
	return d.prune(ctx, c, left, p, p.away)
}

// prune removes the selected objects as far as they still carry the annotation of this project. What it can't remove
// stays in the inventory. Away is called if the cluster is away.
func (d *Deployer) prune(ctx context.Context, c *cluster.Connection, selected func([]Entry) []Entry, p printer,
	away func(error)) error {
	if d.options.NoPrune {
		return nil
	}
	left := func(entries []Entry) []Entry { return slices.DeleteFunc(selected(entries), d.named) }
	entries, err := d.inventory.read(ctx, c, away)
	if err != nil || len(left(entries)) == 0 {
		return err
	}
	// One at a time: a later one finds what the earlier one has left.
	if err := d.pruning.take(ctx); err != nil {
		return err
	}
	defer d.pruning.giveBack()
	if entries, err = d.inventory.read(ctx, c, away); err != nil {
		return err
	}
	if entries = left(entries); len(entries) == 0 {
		return nil
	}
	found, err := d.examine(ctx, c, entries, false)
	if err != nil {
		return err
	}
	if objects := found.delete; len(objects) > 0 {
		p.print("Pruning objects that left the YAML:")
		for _, o := range objects {
			p.print("  → %v", o.entry)
		}
	}
	for _, k := range found.kept {
		p.print("Not pruning %v: %s", k.entry, k.reason)
	}
	// While one object ends, the Tiltfile may get another one back.
	remaining := d.remove(ctx, c, found.delete, d.named)
	gone := found.forget
	for _, o := range found.delete {
		if remaining[o.entry.key()] == "" {
			gone = append(gone, o.entry)
		}
	}
	err = d.inventory.update(ctx, c, nil, func(now []Entry) ([]Entry, bool) {
		// A deploy may have made one of them anew.
		return without(now, slices.DeleteFunc(slices.Clone(gone), d.named))
	})
	return errors.Join(describe(remaining, found.delete), err)
}

// describe is the error of objects that weren't removed, nil if all were.
func describe(left map[manifest.Key]string, objects []liveObject) error {
	var lines []string
	for _, o := range objects {
		if why := left[o.entry.key()]; why != "" {
			lines = append(lines, fmt.Sprintf("%v: %s", o.entry, why))
		}
	}
	if lines == nil {
		return nil
	}
	return errors.New(strings.Join(lines, "\n"))
}

// DownPolicyKey is the annotation that spares an object if its value is "keep".
const DownPolicyKey = "tilt.dev/down-policy"

// fate is what happens to an object of the inventory.
type fate int

const (
	// forgotten is an object that isn't there or isn't ours: it leaves the inventory.
	forgotten fate = iota
	// retained is an object that stays in the cluster and in the inventory.
	retained
	// spared is an object that stays in the cluster and leaves the inventory.
	spared
	// deleted is an object that's to be deleted.
	deleted
)

// judge says what happens to an object that left the Tiltfile, or that down removes, by its live metadata. Live is nil
// if it's gone. A reason is for people.
func judge(e Entry, live *metav1.PartialObjectMetadata, id string, namespaces bool) (f fate, reason string) {
	switch {
	case live == nil:
		return forgotten, ""
	case live.Annotations[InventoryKey] == "":
		return spared, "it isn't marked as an object of this project"
	case live.Annotations[InventoryKey] != id:
		return spared, fmt.Sprintf("it belongs to %q", live.Annotations[InventoryKey])
	case live.Annotations[DownPolicyKey] == "keep":
		return spared, "its annotation " + DownPolicyKey + " says so"
	case isNamespace(e) && !namespaces:
		return retained, "namespaces are only deleted by `tilt-session down --delete-namespaces`"
	}
	return deleted, ""
}

func isNamespace(e Entry) bool { return e.Group == "" && e.Kind == "Namespace" }

func isDefinition(e Entry) bool {
	return e.Group == "apiextensions.k8s.io" && e.Kind == "CustomResourceDefinition"
}

// deletionPatience is how long the objects of one batch may take to be gone.
const deletionPatience = time.Minute
