// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	clientv1alpha1 "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
)

// Source is where the view learns of a Session.
type Source interface {
	// Watch calls changed with the Session, and with it or an error whenever one of them changes, until ctx is done.
	Watch(ctx context.Context, changed func(*v1alpha1.Session, error))
	// Log calls line with each line that options select, in order. With options.Follow it goes on until the run ends.
	Log(ctx context.Context, options v1alpha1.SessionLogOptions, line func(*v1alpha1.SessionLogLine)) error
	// Places returns the positions of resources in the Tiltfile, nil where they aren't known.
	Places(ctx context.Context) map[string]int32
}

// Control is how the view changes a Session.
type Control interface {
	Trigger(ctx context.Context, resource string) error
	SetEnabled(ctx context.Context, resource string, enabled bool) error
}

// Client is a Source and the Control of a Session of an API server.
type Client struct {
	API clientv1alpha1.TiltV1alpha1Interface
	// Name is that of the Session, Manager the field manager of requests.
	Name, Manager string
}

var _ interface {
	Source
	Control
} = (*Client)(nil)

// retry is the time between two attempts to reach the server.
const retry = time.Second

// Watch implements Source. It goes on after errors.
func (c *Client) Watch(ctx context.Context, changed func(*v1alpha1.Session, error)) {
	for ctx.Err() == nil {
		if err := c.watch(ctx, changed); err != nil && ctx.Err() == nil {
			changed(nil, err)
		}
		pause(ctx, retry)
	}
}

// watch returns nil at the end of a watch, which a server may end at any time.
func (c *Client) watch(ctx context.Context, changed func(*v1alpha1.Session, error)) error {
	s, err := c.API.Sessions().Get(ctx, c.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	changed(s, nil)
	changes, err := c.API.Sessions().Watch(ctx, metav1.ListOptions{
		FieldSelector:   fields.OneTermEqualSelector(metav1.ObjectNameField, c.Name).String(),
		ResourceVersion: s.ResourceVersion,
	})
	if err != nil {
		return err
	}
	defer changes.Stop()
	for event := range changes.ResultChan() {
		switch object := event.Object.(type) {
		case *v1alpha1.Session:
			if event.Type == watch.Deleted {
				return errors.New("the Session was deleted")
			}
			changed(object, nil)
		default:
			return apierrors.FromObject(object)
		}
	}
	return nil
}

// Log implements Source.
func (c *Client) Log(ctx context.Context, options v1alpha1.SessionLogOptions,
	line func(*v1alpha1.SessionLogLine)) error {
	options.Format = v1alpha1.SessionLogFormatJSON
	stream, err := c.API.Sessions().GetLogs(c.Name, &options).Stream(ctx)
	if err != nil {
		return err
	}
	defer stream.Close()
	decoder := json.NewDecoder(stream)
	for {
		l := &v1alpha1.SessionLogLine{}
		switch err := decoder.Decode(l); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the log: %w", err)
		}
		line(l)
	}
}

// Places implements Source.
func (c *Client) Places(ctx context.Context) map[string]int32 {
	list, err := c.API.UIResources().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil // Tilt and servers on etcd don't serve them.
	}
	known := map[string]int32{}
	for i := range list.Items {
		if r := &list.Items[i]; r.Annotations[v1alpha1.UISession] == c.Name {
			known[r.Annotations[v1alpha1.UIName]] = r.Status.Order
		}
	}
	return known
}

// Trigger implements Control.
func (c *Client) Trigger(ctx context.Context, resource string) error {
	spec := v1alpha1.SessionTriggerSpec{Resources: []string{resource}}
	_, err := c.API.Sessions().Trigger(ctx, c.Name, &v1alpha1.SessionTrigger{Spec: spec}, c.options())
	return err
}

// SetEnabled implements Control.
func (c *Client) SetEnabled(ctx context.Context, resource string, enabled bool) (err error) {
	resources := []string{resource}
	if enabled {
		_, err = c.API.Sessions().Enable(ctx, c.Name,
			&v1alpha1.SessionEnable{Spec: v1alpha1.SessionEnableSpec{Resources: resources}}, c.options())
	} else {
		_, err = c.API.Sessions().Disable(ctx, c.Name,
			&v1alpha1.SessionDisable{Spec: v1alpha1.SessionDisableSpec{Resources: resources}}, c.options())
	}
	return err
}

func (c *Client) options() metav1.CreateOptions { return metav1.CreateOptions{FieldManager: c.Manager} }

// pause waits for a time or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
