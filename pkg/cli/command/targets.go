// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"

	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/image"
	"tilt.dev/session/pkg/liveupdate"
)

// Targets are the flags for images and Kubernetes resources.
type Targets struct{ host.Targets }

// AddFlags adds the flags that say which cluster is meant.
func (t *Targets) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&t.Cluster.Context, "context", "",
		"kubeconfig context to deploy to (default the current one when the command starts)")
	flags.StringVar(&t.Cluster.Namespace, "namespace", "",
		"namespace of objects that name none (default that of the context)")
}

// AddInventoryFlag adds the flag for the name of the project, which commands have that deploy or remove one.
func (t *Targets) AddInventoryFlag(flags *pflag.FlagSet) {
	flags.StringVar(&t.Inventory, "inventory", "",
		"name of the project in the cluster, for machines that deploy the same one (default from the Tiltfile's path)")
}

// AddDeployFlags adds the flags that only commands have that deploy.
func (t *Targets) AddDeployFlags(flags *pflag.FlagSet) {
	flags.StringVar(&t.ImageProgram, "docker", image.ProgramDocker,
		"program that builds images: "+strings.Join(imagePrograms, ", "))
	flags.BoolVar(&t.NoPrune, "no-prune", false,
		"leave objects in the cluster that this project has applied and that are no longer in the YAML")
	flags.StringVar(&t.LiveUpdateHelper, "live-update-helper", liveupdate.DefaultHelper,
		"image with a static BusyBox, which live updates bring into containers without tar")
}

var imagePrograms = []string{image.ProgramDocker, image.ProgramPodman, image.ProgramNerdctl}

// Check returns what is wrong with the flags.
func (t *Targets) Check() (errs []error) {
	if t.ImageProgram != "" && !slices.Contains(imagePrograms, t.ImageProgram) {
		errs = append(errs, fmt.Errorf("--docker %q doesn't build images; use one of %s",
			t.ImageProgram, strings.Join(imagePrograms, ", ")))
	}
	if name := t.Inventory; name != "" {
		for _, problem := range validation.IsDNS1123Label(name) {
			errs = append(errs, fmt.Errorf("--inventory %q: %s", name, problem))
		}
	}
	if name := t.LiveUpdateHelper; name != "" {
		if _, err := reference.ParseNormalizedNamed(name); err != nil {
			errs = append(errs, fmt.Errorf("--live-update-helper %q: %w", name, err))
		}
	}
	if name := t.Cluster.Namespace; name != "" {
		for _, problem := range validation.IsDNS1123Label(name) {
			errs = append(errs, fmt.Errorf("--namespace %q: %s", name, problem))
		}
	}
	return errs
}
