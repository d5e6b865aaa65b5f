// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package uiresource

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

// describe sets what follows from the definition of a resource.
func (p Projection) describe(status *v1alpha1.UIResourceStatus, r *engine.ResourceState, runtime session.Phase) {
	spec := r.Spec
	status.TriggerMode = triggerMode(spec)
	status.Position = spec.Position.String()
	status.Specs = specs(spec)
	status.Dependencies = slices.Clone(spec.ResourceDeps)
	for _, image := range spec.Images {
		status.Dependencies = append(status.Dependencies, model.ImagePrefix+image)
	}
	slices.Sort(status.Dependencies)
	for _, link := range spec.Links {
		status.EndpointLinks = append(status.EndpointLinks, v1alpha1.UIResourceLink{URL: link.URL, Name: link.Name})
	}
	switch u := spec.Update.(type) {
	case *model.Deploy:
		status.K8sResourceInfo = kubernetes(r, u, runtime)
	case *model.ComposeUp:
		status.ComposeResourceInfo = &v1alpha1.UIResourceCompose{HealthStatus: health(r.Runtime, runtime)}
	default:
		status.LocalResourceInfo = &v1alpha1.UIResourceLocal{}
		if s := r.Runtime; s != nil && s.Running != nil && s.Exit == nil {
			status.LocalResourceInfo.PID = int64(s.Running.PID)
		}
	}
	if workload, ok := spec.Runtime.(*model.Workload); ok {
		status.EndpointLinks = append(status.EndpointLinks, forwards(workload)...)
	}
}

func triggerMode(spec *model.Resource) int32 {
	switch manual := spec.TriggerMode == model.TriggerManual; {
	case manual && spec.AutoInit:
		return v1alpha1.TriggerModeManualWithAutoInit
	case manual:
		return v1alpha1.TriggerModeManual
	case !spec.AutoInit:
		return v1alpha1.TriggerModeAutoWithManualInit
	default:
		return v1alpha1.TriggerModeAuto
	}
}

func specs(spec *model.Resource) []v1alpha1.UIResourceTargetSpec {
	var list []v1alpha1.UIResourceTargetSpec
	live := func(image string) bool {
		return slices.ContainsFunc(spec.LiveUpdates, func(l model.LiveUpdate) bool {
			return l.Image == image || slices.Contains(l.Sources, image)
		})
	}
	for _, image := range spec.Images {
		list = append(list, v1alpha1.UIResourceTargetSpec{
			ID: model.ImagePrefix + image, Type: v1alpha1.UIResourceTargetTypeImage, HasLiveUpdate: live(image),
		})
	}
	kind := v1alpha1.UIResourceTargetTypeLocal
	switch spec.Update.(type) {
	case *model.Deploy:
		kind = v1alpha1.UIResourceTargetTypeKubernetes
	case *model.ComposeUp:
		kind = v1alpha1.UIResourceTargetTypeDockerCompose
	}
	return append(list, v1alpha1.UIResourceTargetSpec{ID: fmt.Sprintf("%s:%s", kind, spec.Name), Type: kind})
}

// forwards are the addresses at which the ports of pods are reached, as far as they are known beforehand.
func forwards(workload *model.Workload) []v1alpha1.UIResourceLink {
	var links []v1alpha1.UIResourceLink
	for _, forward := range workload.PortForwards {
		if forward.Local != 0 {
			url := fmt.Sprintf("http://%s:%d/%s", host(forward.Host), forward.Local, strings.TrimPrefix(forward.Path, "/"))
			links = append(links, v1alpha1.UIResourceLink{URL: url, Name: forward.Name})
		}
	}
	return links
}

func host(address string) string {
	switch {
	case address == "":
		return "localhost"
	case strings.Contains(address, ":"):
		return "[" + address + "]"
	default:
		return address
	}
}

// kubernetes is how a workload is, as far as a run knows it.
func kubernetes(r *engine.ResourceState, u *model.Deploy, runtime session.Phase) *v1alpha1.UIResourceKubernetes {
	info := &v1alpha1.UIResourceKubernetes{}
	for _, object := range u.Objects {
		kind, _ := object["kind"].(string)
		metadata, _ := object["metadata"].(map[string]any)
		name, _ := metadata["name"].(string)
		info.DisplayNames = append(info.DisplayNames, name+":"+strings.ToLower(kind))
	}
	s := r.Runtime
	if s == nil || s.Running == nil || r.Disabled {
		return info
	}
	info.PodStatus, info.PodStatusMessage = s.Running.Reason, s.Detail
	if info.PodStatus == "" {
		info.PodStatus = runtime.String()
	}
	info.AllContainersReady = runtime == session.PhaseReady || runtime == session.PhaseSucceeded
	info.PodRestarts = int32(min(s.Restarts, math.MaxInt32))
	if r.Update != nil && r.Update.Last != nil {
		info.PodUpdateStartTime = metav1.NewTime(r.Update.Last.Start.Truncate(time.Second))
	}
	return info
}

// health is the state of the health check of a service, empty without one.
func health(s *engine.RuntimeState, phase session.Phase) string {
	if s == nil || !s.Probed {
		return ""
	}
	switch phase {
	case session.PhaseReady:
		return "healthy"
	case session.PhaseActive:
		return "starting"
	case session.PhaseFailed:
		return "unhealthy"
	default:
		return ""
	}
}
