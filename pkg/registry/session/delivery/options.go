// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"
)

// Options makes the storage of a resource tell the Tracker of each write.
func (t *Tracker) Options(options generic.RESTOptionsGetter) generic.RESTOptionsGetter {
	return trackedOptions{options, t}
}

type trackedOptions struct {
	generic.RESTOptionsGetter
	watches *Tracker
}

// GetRESTOptions implements generic.RESTOptionsGetter.
func (o trackedOptions) GetRESTOptions(
	resource schema.GroupResource,
	example runtime.Object,
) (generic.RESTOptions, error) {
	options, err := o.RESTOptionsGetter.GetRESTOptions(resource, example)
	decorate := options.Decorator
	options.Decorator = func(
		config *storagebackend.ConfigForResource, prefix string, key func(runtime.Object) (string, error),
		newFunc, newListFunc func() runtime.Object, attrs storage.AttrFunc, triggers storage.IndexerFuncs,
		indexers *cache.Indexers,
	) (storage.Interface, factory.DestroyFunc, error) {
		opened, destroy, err := decorate(config, prefix, key, newFunc, newListFunc, attrs, triggers, indexers)
		if err != nil {
			return nil, nil, err
		}
		return o.watches.Storage(opened), destroy, nil
	}
	return options, err
}
