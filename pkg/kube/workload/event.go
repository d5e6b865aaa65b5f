// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/logs"
)

// eventLog shows the warning events of a workload as lines of its log.
type eventLog struct {
	// since is from when on events are shown.
	since time.Time
	// seen has what was shown. A repetition isn't shown again.
	seen map[eventKey]bool
}

// eventKey is what tells events of a workload apart: the owner of the pods, so that what is said of each of its pods is
// shown for the first one, and the message without the pod's name and UID.
type eventKey struct {
	owner   types.UID
	message string
}

// readEvents shows new warnings, and returns the latest one of each pod and of each applied object since the deploy.
func (t *activity) readEvents(ctx context.Context, applied map[types.UID]types.UID, seen *observation,
) map[types.UID]string {
	pods := map[types.UID]types.UID{} // Their owners.
	for _, p := range seen.pods {
		pods[p.UID] = p.UID
		if owner := metav1.GetControllerOf(p.Pod); owner != nil {
			pods[p.UID] = owner.UID
		}
	}
	latest, times := map[types.UID]string{}, map[types.UID]time.Time{}
	for key, f := range t.feeds {
		if key.resource != eventResource {
			continue
		}
		events := make([]*corev1.Event, 0, 16)
		for _, item := range f.List() {
			if e, ok := item.(*corev1.Event); ok && !eventTime(e).Before(t.events.since) {
				events = append(events, e)
			}
		}
		slices.SortStableFunc(events, func(a, b *corev1.Event) int { return eventTime(a).Compare(eventTime(b)) })
		for _, e := range events {
			about := e.InvolvedObject
			subject, owner := about.UID, pods[about.UID]
			if owner == "" {
				ref := metav1.OwnerReference{APIVersion: about.APIVersion, Kind: about.Kind, Name: about.Name, UID: about.UID}
				// An object that can't be read isn't ours, as far as one can tell.
				subject, _, _ = t.runner.owners.root(ctx, about.Namespace, about.UID, []metav1.OwnerReference{ref}, applied)
			}
			if subject == "" {
				continue
			}
			if when := eventTime(e); !when.Before(times[subject]) && !when.Before(seen.Deployed.Add(-time.Minute)) {
				latest[subject], times[subject] = e.Message, when
			}
			t.showEvent(e, cmp.Or(owner, about.UID))
		}
	}
	return latest
}

func (t *activity) showEvent(e *corev1.Event, owner types.UID) {
	about := e.InvolvedObject
	key := eventKey{owner, strings.NewReplacer(about.Name, "", string(about.UID), "").Replace(e.Message)}
	if t.events.seen[key] {
		return
	}
	t.events.seen[key] = true
	name := about.Name
	if about.Namespace != "" {
		name = about.Namespace + "/" + name
	}
	t.spec.Log.Append(logs.LevelWarn,
		fmt.Sprintf("[event: %s %s] %s", strings.ToLower(about.Kind), name, strings.TrimSpace(e.Message)))
}

// eventTime is when an event was last seen.
func eventTime(e *corev1.Event) time.Time {
	switch {
	case e.Series != nil && !e.Series.LastObservedTime.IsZero():
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	}
	return e.CreationTimestamp.Time
}
