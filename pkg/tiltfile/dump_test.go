// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"tilt.dev/session/pkg/model"
)

// execRunner runs commands for real, each in its own process group.
type execRunner struct{}

var _ Runner = execRunner{}

func (execRunner) Run(ctx context.Context, c Command) error {
	command := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	command.Dir, command.Env = c.Dir, c.Env
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(c.Stdin), c.Stdout, c.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	return command.Run()
}

// dump describes a project, without what is the default: commands run in the directory of the Tiltfile, all resources
// are enabled.
func dump(work string, p model.Project) string {
	var b strings.Builder
	for _, r := range p.Resources {
		dumpResource(&b, work, r)
	}
	for _, image := range p.Images {
		b.WriteString("image ")
		dumpImage(&b, image)
		dumpFlag(&b, "for a cluster", image.Build.Cluster != nil && composes(p))
	}
	for _, c := range p.Companions {
		dumpCompanion(&b, work, c)
	}
	for _, button := range p.Buttons {
		dumpButton(&b, &button)
	}
	if !p.Enabled.All {
		fmt.Fprintf(&b, "enabled: %s\n", strings.Join(p.Enabled.Names, ", "))
	}
	if p.MaxParallelUpdates != model.DefaultMaxParallelUpdates {
		fmt.Fprintf(&b, "max parallel updates: %d\n", p.MaxParallelUpdates)
	}
	for _, s := range []struct {
		name  string
		value *time.Duration
	}{{"timeout", p.CI.Timeout}, {"readiness timeout", p.CI.ReadinessTimeout}, {"grace period", p.CI.K8sGracePeriod}, {"settle", p.CI.Settle}} {
		if s.value != nil {
			fmt.Fprintf(&b, "ci %s: %s\n", s.name, s.value)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(p.Environ)) {
		if value := p.Environ[key]; value != nil {
			fmt.Fprintf(&b, "environ: %s=%s\n", key, *value)
		} else {
			fmt.Fprintf(&b, "environ: %s removed\n", key)
		}
	}
	return b.String()
}

func dumpResource(b *strings.Builder, work string, r model.Resource) {
	fmt.Fprintf(b, "%s\n", r.Name)
	if c, ok := r.Update.(*model.Command); ok {
		dumpCommand(b, work, "update", c)
	}
	if server, ok := r.Runtime.(*model.Server); ok {
		dumpCommand(b, work, "serve", &server.Command)
		if server.Readiness != nil {
			dumpProbe(b, *server.Readiness)
		}
	}
	dumpDeployed(b, work, r)
	dumpComposed(b, r)
	if r.Deps != nil {
		fmt.Fprintf(b, "  files: %s\n", strings.Join(r.Deps, ", "))
	}
	for _, i := range r.Ignores {
		fmt.Fprintf(b, "  except: %s in %s (%s)\n", strings.Join(i.Patterns, ", "), i.Base, i.Source)
	}
	if r.ResourceDeps != nil {
		fmt.Fprintf(b, "  after: %s\n", strings.Join(r.ResourceDeps, ", "))
	}
	for _, deps := range []struct {
		what  string
		names []string
	}{{"started", r.StartedDeps}, {"if they can", r.OptionalDeps}, {"restarted with", r.RestartDeps}} {
		if deps.names != nil {
			fmt.Fprintf(b, "    %s: %s\n", deps.what, strings.Join(deps.names, ", "))
		}
	}
	if r.TriggerMode == model.TriggerManual {
		fmt.Fprintf(b, "  manual\n")
	}
	if !r.AutoInit {
		fmt.Fprintf(b, "  not at first\n")
	}
	_, local := r.Update.(*model.Command)
	if r.AllowParallel && (local || r.Update == nil) {
		fmt.Fprintf(b, "  parallel\n")
	}
	if r.Timeout != 0 || r.Retries != 0 {
		fmt.Fprintf(b, "  job: within %v, again %d times\n", r.Timeout, r.Retries)
	}
	if r.ReadinessTimeout != 0 || r.Restart != model.RestartNever {
		fmt.Fprintf(b, "  server: ready within %v, restarted %t\n", r.ReadinessTimeout, r.Restart == model.RestartOnFailure)
	}
	for _, l := range r.Links {
		fmt.Fprintf(b, "  link: %s\n", strings.TrimSpace(l.URL+" "+l.Name))
	}
	if r.Labels != nil {
		fmt.Fprintf(b, "  labels: %s\n", strings.Join(r.Labels, ", "))
	}
}

func dumpIgnores(ignores []model.IgnoreSet) string {
	var b strings.Builder
	for _, i := range ignores {
		fmt.Fprintf(&b, "%s in %s (%s)\n", strings.Join(i.Patterns, ", "), i.Base, i.Source)
	}
	return b.String()
}

func dumpCompanion(b *strings.Builder, work string, c model.Companion) {
	fmt.Fprintf(b, "companion %s of %s\n", c.Name, c.Source)
	dumpCommand(b, work, "command", &c.Command)
	if c.RestartOn.Paths != nil {
		fmt.Fprintf(b, "  files: %s\n", strings.Join(c.RestartOn.Paths, ", "))
	}
	for _, i := range c.RestartOn.Ignores {
		fmt.Fprintf(b, "  except: %s in %s (%s)\n", strings.Join(i.Patterns, ", "), i.Base, i.Source)
	}
	if len(c.Buttons) > 0 {
		fmt.Fprintf(b, "  buttons: %s\n", strings.Join(c.Buttons, ", "))
	}
	if c.OnDemand {
		fmt.Fprintf(b, "  on demand\n")
	}
}

func dumpButton(b *strings.Builder, button *model.Button) {
	fmt.Fprintf(b, "button %s: %q at %s %s", button.Name, button.Text, button.ComponentType, button.ComponentID)
	fmt.Fprintf(b, ", icon %q %q", button.IconName, button.IconSVG)
	fmt.Fprintf(b, ", disabled %t, confirm %t, labels %v, annotations %v\n",
		button.Disabled, button.Confirm, button.Labels, button.Annotations)
	for _, input := range button.Inputs {
		fmt.Fprintf(b, "  %s (%s):", input.Name, input.Label)
		switch {
		case input.Text != nil:
			fmt.Fprintf(b, " text %+v", *input.Text)
		case input.Bool != nil:
			fmt.Fprintf(b, " bool %t", input.Bool.Default)
			for _, text := range []*string{input.Bool.True, input.Bool.False} {
				if text == nil {
					b.WriteString(" default")
				} else {
					fmt.Fprintf(b, " %q", *text)
				}
			}
		case input.Hidden != nil:
			fmt.Fprintf(b, " hidden %q", *input.Hidden)
		case input.Choice != nil:
			fmt.Fprintf(b, " choice of %q", input.Choice.Choices)
		}
		b.WriteByte('\n')
	}
}

func dumpCommand(b *strings.Builder, work, kind string, c *model.Command) {
	if c == nil {
		return
	}
	fmt.Fprintf(b, "  %s: %q\n", kind, c.Argv)
	if c.Dir != work {
		fmt.Fprintf(b, "    in %s\n", c.Dir)
	}
	for _, variable := range c.Env {
		fmt.Fprintf(b, "    with %s\n", variable)
	}
}

func dumpProbe(b *strings.Builder, p model.Probe) {
	fmt.Fprintf(b, "  ready: after %v, every %v, within %v, %d up, %d down: ",
		p.InitialDelay, p.Period, p.Timeout, p.SuccessThreshold, p.FailureThreshold)
	switch {
	case p.Exec != nil:
		fmt.Fprintf(b, "exec %q\n", p.Exec.Argv)
	case p.HTTPGet != nil:
		fmt.Fprintf(b, "get %s://%s:%d%s\n", p.HTTPGet.Scheme, p.HTTPGet.Host, p.HTTPGet.Port, p.HTTPGet.Path)
	case p.TCPSocket != nil:
		fmt.Fprintf(b, "connect %s:%d\n", p.TCPSocket.Host, p.TCPSocket.Port)
	}
}
