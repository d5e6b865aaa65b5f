// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package uiresource serves what people look at and press: UIResources, which can only be read, and UIButtons, whose
// status can be written as well.
//
// The objects are a projection of what the runs of this process publish. They are kept in a storage of their own in
// memory, whatever the storage of Sessions is, which begins with the first request for them: before that nothing is
// built, projected or started. Its versions begin with the time, so that one of another process or of another storage
// is expired here. Lists, watches and their versions are those of every other resource.
//
// A request is answered with the state of all changes before it. While the runs change faster than that, watches see
// the newest state several times a second.
package uiresource

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/registry/session/delivery"
	"tilt.dev/session/pkg/storage"
)

// Source has what the runs of this process publish. It is safe for concurrent use.
type Source interface {
	// Version changes with what Project returns. The channel is closed at the next change.
	Version() (version uint64, changed <-chan struct{})
	// Project returns all objects, each name of a kind once. Previous returns the UIResource of a name that the last
	// call returned, nil if there was none; the projection continues it and doesn't change it. There is one call at a
	// time. An object is never changed once it was returned; it may be returned again.
	Project(previous func(name string) *v1alpha1.UIResource) ([]*v1alpha1.UIResource, []*v1alpha1.UIButton)
	// Press starts the commands of a button with its inputs. Its errors are those of the API.
	Press(ctx context.Context, button *v1alpha1.UIButton) error
}

// pause is the time between two projections for open watches.
const pause = 50 * time.Millisecond

// View has the objects of both kinds, from the first request until End.
type View struct {
	source Source
	scheme *runtime.Scheme
	codec  runtime.Codec

	resources, buttons *kind

	mu      sync.Mutex
	backend *storage.Backend
	ended   bool
	// version is that of the source which is published.
	version uint64
	stop    context.CancelFunc
	running sync.WaitGroup
}

// New returns the implementations of the resources by their paths, over one View.
func New(scheme *runtime.Scheme, codec runtime.Codec, source Source) (map[string]rest.Storage, *View) {
	v := &View{source: source, scheme: scheme, codec: codec}
	v.resources, v.buttons = newResources(scheme), newButtons(scheme)
	buttons := reader{v, v.buttons}
	return map[string]rest.Storage{
		"uiresources":      reader{v, v.resources},
		"uibuttons":        buttons,
		"uibuttons/status": &statusREST{buttons},
	}, v
}

// kind is one of the two kinds.
type kind struct {
	store   *genericregistry.Store
	watches *delivery.Tracker
	// published are the objects by name, as the source has projected them last.
	published map[string]object
}

// ready opens the storage at the first call, and publishes what has changed in the source since the last one.
func (v *View) ready(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ended {
		return apierrors.NewServiceUnavailable("the server is ending")
	}
	if v.backend == nil {
		if err := v.open(ctx); err != nil {
			return apierrors.NewInternalError(err)
		}
	}
	retry := wait.Backoff{Duration: time.Millisecond, Factor: 1.1, Steps: 60, Cap: 50 * time.Millisecond}
	err := retry.DelayFunc().Until(ctx, true, false, func(context.Context) (bool, error) {
		return v.resources.store.ReadinessCheck() == nil && v.buttons.store.ReadinessCheck() == nil, nil
	})
	if err != nil {
		return apierrors.NewTimeoutError("the storage of uiresources isn't ready", 1)
	}
	return v.publish(ctx)
}

// open begins to publish, which doesn't end with ctx.
func (v *View) open(ctx context.Context) error {
	backend, err := storage.NewMemory(storage.Config{Codec: v.codec, Revision: time.Now().UnixMicro()})
	if err != nil {
		return fmt.Errorf("open the storage of uiresources: %w", err)
	}
	for _, k := range []*kind{v.resources, v.buttons} {
		if err := k.open(backend.RESTOptionsGetter()); err != nil {
			return errors.Join(err, backend.Close())
		}
	}
	v.backend = backend
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	v.stop = stop
	v.running.Go(func() { v.follow(following) })
	return nil
}

// follow publishes changes while watches are open, until ctx is done.
func (v *View) follow(ctx context.Context) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		_, changed := v.source.Version()
		if v.resources.watches.Watched() || v.buttons.watches.Watched() {
			v.mu.Lock()
			err := v.publish(ctx)
			v.mu.Unlock()
			if err != nil {
				klog.FromContext(ctx).Error(err, "UIResources aren't up to date")
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// publish stores what has changed in the source, also when ctx is done: a write that is given up may be stored. The
// caller holds mu.
func (v *View) publish(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	version, _ := v.source.Version()
	if version == v.version {
		return nil
	}
	resources, buttons := v.source.Project(func(name string) *v1alpha1.UIResource {
		previous, _ := v.resources.published[name].(*v1alpha1.UIResource)
		return previous
	})
	err := errors.Join(
		publish(ctx, v.resources, resources, updateResource), publish(ctx, v.buttons, buttons, updateButton))
	if err == nil {
		v.version = version
	}
	return err
}

// Delivered blocks until every open watch has been handed the state of the source at the time of the call. It returns
// an error when ctx is done first.
func (v *View) Delivered(ctx context.Context) error {
	v.mu.Lock()
	open := v.backend != nil && !v.ended
	var err error
	if open {
		err = v.publish(ctx)
	}
	v.mu.Unlock()
	if !open {
		return nil
	}
	return errors.Join(err, v.resources.watches.Delivered(ctx), v.buttons.watches.Delivered(ctx))
}

// End refuses further requests, hands open watches their pending events and ends them. When ctx is done first it ends
// them as they are and returns an error. It can be called once, after which nothing of the View goes on.
func (v *View) End(ctx context.Context) error {
	err := v.Delivered(ctx)
	v.mu.Lock()
	v.ended = true
	backend, stop := v.backend, v.stop
	v.mu.Unlock()
	if backend == nil {
		return err
	}
	stop()
	v.running.Wait()
	err = errors.Join(err, v.resources.watches.End(ctx), v.buttons.watches.End(ctx))
	return errors.Join(err, backend.Close())
}
