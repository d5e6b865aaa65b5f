// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/workload/status"
	"tilt.dev/session/pkg/liveupdate"
	"tilt.dev/session/pkg/model"
)

// live has which files the containers of a workload have got. All its containers take the changes of a request; one
// that starts later lacks them until the next one.
type live struct {
	mu sync.Mutex
	// request is the last one of the runtime, and images are what its images were built as.
	request engine.RuntimeRequest
	images  map[string]model.BuiltImage
	// deployed is when its deploy ended.
	deployed time.Time
	// known is true once the state of the current deploy was seen: pods are its pods, and settled is true if no others
	// are about to come.
	known, settled bool
	pods           []status.Pod
	marks          map[markKey]*mark
	// latest are the largest numbers of changes of the last request.
	latest map[identity]uint64
	// reported are the last states, nil before. closed ends the reports.
	reported []engine.LiveState
	closed   bool
	// repositories are those of the references of containers, whose pods may be many.
	repositories map[string]string
	// current is the last live update, nil before.
	current *liveUpdate
}

// identity is which containers a live update is for. Its steps may change.
type identity struct{ image, repository, container string }

// markKey is a container for a live update.
type markKey struct {
	identity
	pod      types.UID
	name, id string
}

// mark is what a container has got.
type mark struct {
	// had is the number up to which it has all changes, tried that up to which it was tried to bring them.
	had, tried uint64
	// brought are the files that it ever got. again is true if another deploy has left it as it is since, so that they may
	// be other ones, owed until it got them anew.
	brought     map[string]bool
	again, owed bool
	// initial is true once it has had its initial sync, initialTried once that was tried.
	initial, initialTried bool
	// program is what Equip returned.
	program string
	// job brings it files, nil if none does.
	job *liveJob
}

func newLive(s spec) *live {
	l := &live{marks: map[markKey]*mark{}, repositories: map[string]string{}}
	l.renew(s)
	return l
}

// renew follows another request. Its containers are unknown if it is of another deploy.
func (l *live) renew(s spec) {
	l.mu.Lock()
	defer l.mu.Unlock()
	request := s.RuntimeRequest
	l.request = request
	if request.Output != nil || request.Images != nil {
		l.images = request.Images
	}
	if request.Output != nil && !s.applied.At.Equal(l.deployed) || l.latest == nil {
		l.deployed = s.applied.At
		l.known, l.pods, l.latest = false, nil, map[identity]uint64{}
		for _, m := range l.marks {
			m.again, m.owed = len(m.brought) > 0, m.owed || len(m.brought) > 0
		}
	}
	l.reported = nil
	l.report()
}

// observe takes in the pods that count, and forgets containers that are in none of all pods. Settled is true if the
// workload has all pods that it will have.
func (l *live) observe(current, all []status.Pod, settled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known, l.settled = true, settled
	l.pods = slices.DeleteFunc(slices.Clone(current), func(p status.Pod) bool { return p.DeletionTimestamp != nil })
	if len(l.marks) > 0 {
		exist := map[types.UID]*corev1.Pod{}
		for _, p := range all {
			exist[p.UID] = p.Pod
		}
		for key, m := range l.marks {
			s := containerStatus(exist[key.pod], key.name)
			switch is := s != nil && (s.ContainerID == "" || s.ContainerID == key.id); {
			case m.job != nil && (!is || s.State.Terminated != nil):
				m.job.cancel(liveupdate.ErrGone)
			case m.job == nil && !is:
				delete(l.marks, key)
			}
		}
	}
	l.report()
}

// observeLive tells the live updates what was seen, unless it is of a former deploy or pods may be missing.
func (t *activity) observeLive(seen observation, phase engine.Phase) {
	settled := phase >= engine.Ready && t.spec.workload.Readiness != model.PodReadinessIgnore
	makes := len(t.spec.workload.PodSelectors) > 0 || slices.ContainsFunc(t.mapped, func(o object) bool {
		return status.MakesPods(o.Unstructured)
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next == nil && seen.again.IsZero() {
		t.live.observe(seen.current, seen.pods, settled || !makes)
	}
}

// close ends the reports. The caller has ended the live updates, or does.
func (l *live) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// report tells the states if they have changed. The caller holds mu.
func (l *live) report() {
	if !l.known || l.closed || l.request.ReportLive == nil || len(l.request.LiveUpdates) == 0 {
		return
	}
	states := make([]engine.LiveState, len(l.request.LiveUpdates))
	for i := range l.request.LiveUpdates {
		states[i] = l.state(&l.request.LiveUpdates[i])
	}
	if l.reported == nil || !slices.Equal(l.reported, states) {
		l.reported = states
		l.request.ReportLive(slices.Clone(states))
	}
}

// state is how the containers of a live update are.
func (l *live) state(u *model.LiveUpdate) engine.LiveState {
	var running, waiting, lacking bool
	crashing, stopped := "", ""
	for _, p := range l.pods {
		for _, name := range l.containers(u, p.Pod) {
			s := containerStatus(p.Pod, name)
			switch {
			case p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed:
				stopped = p.Name
			case s == nil:
				waiting = true
			case s.State.Running != nil:
				running = true
				lacking = lacking || l.lacks(u, l.marks[keyOf(u, p.Pod, s)])
			case s.State.Waiting != nil && s.State.Waiting.Reason == "CrashLoopBackOff":
				crashing = p.Name
			case s.State.Terminated != nil && !restarts(p.Pod, s.State.Terminated):
				stopped = p.Name
			default:
				waiting = true
			}
		}
	}
	switch {
	case crashing != "":
		return engine.LiveState{Phase: engine.LiveFailed, Reason: "CrashLoopBackOff", Lacking: lacking,
			Message: "Cannot live update because container crashing. Pod: " + crashing}
	case running:
		return engine.LiveState{Phase: engine.LiveReady, Lacking: lacking}
	case waiting:
		return engine.LiveState{Phase: engine.LiveWaiting}
	case stopped != "":
		return engine.LiveState{Phase: engine.LiveFailed, Reason: "Terminated",
			Message: "Container for live update is stopped. Pod name: " + stopped}
	case len(l.pods) == 0 && !l.settled:
		return engine.LiveState{Phase: engine.LiveWaiting}
	}
	return engine.LiveState{Phase: engine.LiveAbsent}
}

// lacks reports whether a running container should get files that it wasn't tried to bring. The mark may be nil.
func (l *live) lacks(u *model.LiveUpdate, m *mark) bool {
	if m == nil {
		m = &mark{}
	}
	return m.job == nil && (m.again || m.tried < l.latest[identityOf(u)] || u.InitialSync && !m.initialTried)
}

// containers returns the names of the containers of a pod that take files.
func (l *live) containers(u *model.LiveUpdate, p *corev1.Pod) []string {
	wanted := u.Repository
	if u.Image != "" {
		wanted = l.repository(l.images[u.Image].ClusterRef)
	}
	var names []string
	for _, c := range p.Spec.Containers {
		if u.Container != "" && c.Name == u.Container || wanted != "" && l.repository(c.Image) == wanted {
			names = append(names, c.Name)
		}
	}
	return names
}

// repository is the normalized name of an image without tag and digest, empty if the text is no reference.
func (l *live) repository(ref string) string {
	name, ok := l.repositories[ref]
	if !ok {
		if named, err := reference.ParseNormalizedNamed(ref); err == nil {
			name = named.Name()
		}
		l.repositories[ref] = name
	}
	return name
}

// restarts reports whether the kubelet starts a container again that has ended.
func restarts(p *corev1.Pod, t *corev1.ContainerStateTerminated) bool {
	return p.Spec.RestartPolicy == corev1.RestartPolicyAlways ||
		p.Spec.RestartPolicy == corev1.RestartPolicyOnFailure && t.ExitCode != 0
}

// containerStatus returns the status of a container, nil without a pod or before there is one.
func containerStatus(p *corev1.Pod, name string) *corev1.ContainerStatus {
	if p == nil {
		return nil
	}
	for i := range p.Status.ContainerStatuses {
		if p.Status.ContainerStatuses[i].Name == name {
			return &p.Status.ContainerStatuses[i]
		}
	}
	return nil
}

func identityOf(u *model.LiveUpdate) identity { return identity{u.Image, u.Repository, u.Container} }

func keyOf(u *model.LiveUpdate, p *corev1.Pod, s *corev1.ContainerStatus) markKey {
	return markKey{identityOf(u), p.UID, s.Name, s.ContainerID}
}

// describe names a container as people know it.
func describe(pod, container string) string { return fmt.Sprintf("%s/%s", pod, container) }
