// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/model"
)

// tiltfileResult is what a Tiltfile defines, in the form in which Tilt prints it: the fields that scripts read, as far
// as this program knows their values. The types below belong to it.
type tiltfileResult struct {
	Manifests        []manifest
	EnabledManifests []string
	// ConfigFiles are what the result depends on.
	ConfigFiles     []string
	Error           *string
	DefaultRegistry *registryHosting
	UpdateSettings  updateSettings
	CISettings      v1alpha1.SessionCISpec
}

type manifest struct {
	Name         string
	ImageTargets []imageTarget
	// DeployTarget is a localTarget, kubernetesTarget or composeTarget.
	DeployTarget any
	// TriggerMode has the numbers of Tilt: 0 runs on changes and at first, 1 at first, 2 on request, 3 on changes.
	TriggerMode          int
	ResourceDependencies []string
	Labels               map[string]string
}

type commandSpec struct {
	Args []string `json:"args"`
	Dir  string   `json:"dir,omitempty"`
	Env  []string `json:"env,omitempty"`
}

type localTarget struct {
	Name          string
	UpdateCmdSpec *commandSpec
	ServeCmd      serveCommand
	Deps          []string
	AllowParallel bool
}

// serveCommand is a command that Tilt writes in another form.
type serveCommand struct {
	Argv []string
	Dir  string
	Env  []string
}

type kubernetesTarget struct {
	Name             string
	YAML             string       `json:"yaml,omitempty"`
	ApplyCmd         *commandSpec `json:"applyCmd,omitempty"`
	DeleteCmd        *commandSpec `json:"deleteCmd,omitempty"`
	Timeout          string       `json:"timeout,omitempty"`
	ImageMaps        []string     `json:"imageMaps,omitempty"`
	PodReadinessMode string
}

type composeTarget struct {
	Name string
	Spec composeSpec
}

type composeSpec struct {
	Service string         `json:"service"`
	Project composeProject `json:"project"`
}

type composeProject struct {
	Name        string   `json:"name"`
	ProjectPath string   `json:"projectPath"`
	ConfigPaths []string `json:"configPaths"`
	EnvFile     string   `json:"envFile,omitempty"`
	Profiles    []string `json:"profiles,omitempty"`
	Wait        bool     `json:"wait,omitempty"`
}

type imageTarget struct {
	Selector     string `json:"selector"`
	ImageMapDeps []string
	// BuildDetails is a dockerBuild or customBuild.
	BuildDetails any
}

type dockerBuild struct {
	Ref                string   `json:"ref"`
	DockerfileContents string   `json:"dockerfileContents,omitempty"`
	Context            string   `json:"context,omitempty"`
	Args               []string `json:"args,omitempty"`
	Target             string   `json:"target,omitempty"`
	Network            string   `json:"network,omitempty"`
	Platform           string   `json:"platform,omitempty"`
	Pull               bool     `json:"pull,omitempty"`
	CacheFrom          []string `json:"cacheFrom,omitempty"`
	ExtraTags          []string `json:"extraTags,omitempty"`
}

type customBuild struct {
	commandSpec
	Ref       string `json:"ref"`
	OutputTag string `json:"outputTag,omitempty"`
	Deps      []string
}

type registryHosting struct {
	Host                     string `json:"host"`
	HostFromContainerRuntime string `json:"hostFromContainerRuntime,omitempty"`
	SingleName               string `json:"singleName,omitempty"`
}

type updateSettings struct {
	MaxParallelUpdates int
}

func newTiltfileResult(p *model.Project) (*tiltfileResult, error) {
	result := &tiltfileResult{
		Manifests: []manifest{}, EnabledManifests: []string{}, ConfigFiles: p.Inputs,
		UpdateSettings: updateSettings{p.MaxParallelUpdates},
		CISettings: v1alpha1.SessionCISpec{
			Timeout:          &metav1.Duration{Duration: model.DefaultTimeout},
			ReadinessTimeout: &metav1.Duration{Duration: model.DefaultReadinessTimeout},
		},
	}
	if ci := p.CI; ci != nil {
		result.CISettings = v1alpha1.SessionCISpec{
			Timeout:          cmp.Or(duration(ci.Timeout), result.CISettings.Timeout),
			ReadinessTimeout: cmp.Or(duration(ci.ReadinessTimeout), result.CISettings.ReadinessTimeout),
			K8sGracePeriod:   duration(ci.K8sGracePeriod),
		}
	}
	images := map[string]imageTarget{}
	for _, image := range p.Images {
		images[image.Name] = newImageTarget(image)
		if r := image.Build.Registry; r != nil {
			result.DefaultRegistry = &registryHosting{r.Host, r.HostFromCluster, r.SingleName}
		}
	}
	for _, r := range p.Resources {
		m, err := newManifest(r, images)
		if err != nil {
			return nil, err
		}
		result.Manifests = append(result.Manifests, m)
		if p.Enabled.Contains(r.Name) {
			result.EnabledManifests = append(result.EnabledManifests, r.Name)
		}
	}
	return result, nil
}

func duration(d *time.Duration) *metav1.Duration {
	if d == nil {
		return nil
	}
	return &metav1.Duration{Duration: *d}
}

func newManifest(r model.Resource, images map[string]imageTarget) (m manifest, err error) {
	m = manifest{
		Name: r.Name, ImageTargets: []imageTarget{}, ResourceDependencies: r.ResourceDeps, Labels: map[string]string{},
	}
	for _, label := range r.Labels {
		m.Labels[label] = label
	}
	for _, name := range r.Images {
		m.ImageTargets = append(m.ImageTargets, images[name])
	}
	switch {
	case r.TriggerMode == model.TriggerManual && r.AutoInit:
		m.TriggerMode = 1
	case r.TriggerMode == model.TriggerManual:
		m.TriggerMode = 2
	case !r.AutoInit:
		m.TriggerMode = 3
	}
	switch update := r.Update.(type) {
	case *model.Deploy:
		m.DeployTarget, err = newKubernetesTarget(update, r)
	case *model.ComposeUp:
		p := update.Project
		m.DeployTarget = composeTarget{r.Name, composeSpec{
			update.Service, composeProject{p.Name, p.Directory, p.Files, p.EnvFile, p.Profiles, update.Wait},
		}}
	default:
		m.DeployTarget = newLocalTarget(r)
	}
	return m, err
}

func newLocalTarget(r model.Resource) localTarget {
	t := localTarget{Name: r.Name, Deps: r.Deps, AllowParallel: r.AllowParallel}
	if c, ok := r.Update.(*model.Command); ok && c != nil {
		t.UpdateCmdSpec = newCommand(*c)
	}
	if s, ok := r.Runtime.(*model.Server); ok {
		t.ServeCmd = serveCommand{s.Command.Argv, s.Command.Dir, s.Command.Env}
	}
	return t
}

func newKubernetesTarget(d *model.Deploy, r model.Resource) (kubernetesTarget, error) {
	t := kubernetesTarget{Name: r.Name, Timeout: d.Timeout.String()}
	for _, use := range d.Images {
		t.ImageMaps = append(t.ImageMaps, strings.NewReplacer("/", "_", "%", "_").Replace(use.Image))
	}
	if w, ok := r.Runtime.(*model.Workload); ok {
		t.PodReadinessMode = string(w.Readiness)
	}
	if d.Custom != nil {
		t.ApplyCmd, t.DeleteCmd = newCommand(d.Custom.Apply), newCommand(d.Custom.Delete)
	}
	var text bytes.Buffer
	for i, object := range d.Objects {
		document, err := yaml.Marshal(object)
		if err != nil {
			return t, fmt.Errorf("encode an object of resource %q: %w", r.Name, err)
		}
		if i > 0 {
			text.WriteString("---\n")
		}
		text.Write(document)
	}
	t.YAML = text.String()
	return t, nil
}

func newImageTarget(image model.Image) imageTarget {
	t := imageTarget{Selector: image.Name, ImageMapDeps: image.Bases}
	if d := image.Build.Docker; d != nil {
		t.BuildDetails = dockerBuild{
			image.Name, d.Contents, d.Context, d.BuildArgs, d.Target, d.Network, d.Platform, d.Pull, d.CacheFrom, d.ExtraTags,
		}
	} else if c := image.Build.Custom; c != nil {
		t.BuildDetails = customBuild{*newCommand(c.Command), image.Name, c.Tag, image.Deps}
	}
	return t
}

func newCommand(c model.Command) *commandSpec { return &commandSpec{c.Argv, c.Dir, c.Env} }
