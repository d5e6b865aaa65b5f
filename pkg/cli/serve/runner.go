// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/controller"
	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/logs"
)

// noAddress is the address of a server that is not wanted.
const noAddress = "none"

// runnerOptions are those of the command runner.
type runnerOptions struct {
	kubeconfig, context string
	name                string
	labels              map[string]string
	maxRunning          int32
	lease               time.Duration
	root                string
	// endpoint is where the API reaches the runs, listen the address for that.
	endpoint, listen string
	healthAddress    string
	targets          command.Targets
	killGrace        time.Duration
	verbosity        uint16
	// maxDataSize is from the environment.
	maxDataSize int64
	// config is the way to the API, set by complete.
	config *rest.Config
}

func (o *runnerOptions) addFlags(flags *pflag.FlagSet, p command.Program) {
	flags.StringVar(&o.kubeconfig, "kubeconfig", "",
		"kubeconfig of the API whose Sessions are run (default $KUBECONFIG, ~/.kube/config, or the pod's service account)")
	flags.StringVar(&o.context, "context", "", "context of the kubeconfig (default the current one)")
	flags.StringVar(&o.name, "name", "", "name of the runner, of which one process runs at a time (default the host name)")
	flags.StringToStringVar(&o.labels, "labels", nil,
		"labels by which Sessions select runners, such as gpu=yes,zone=a")
	flags.Int32Var(&o.maxRunning, "max-running", 4, "how many Sessions run at a time")
	flags.DurationVar(&o.lease, "lease-duration", 15*time.Second,
		"how long the claims of this runner are good after each renewal, in whole seconds from 3s to 5m")
	flags.StringVar(&o.root, "root", "", "directory that Tiltfiles have to be below (default any)")
	flags.StringVar(&o.endpoint, "endpoint", "",
		"address, such as https://10.0.0.7:10360, at which the API reaches this runner for logs and requests (default none)")
	flags.StringVar(&o.listen, "bind-address", "",
		"address to listen on for --endpoint (default the port of --endpoint on all addresses)")
	flags.StringVar(&o.healthAddress, "health-bind-address", "127.0.0.1:10361",
		`address for /healthz, /livez, /readyz and /metrics over plain HTTP, "none" for none`)
	o.targets.AddDeployFlags(flags)
	command.AddKillGrace(flags, &o.killGrace)
	p.AddVerbosity(flags, &o.verbosity)
}

// complete sets what follows from the command line and returns all of its errors.
func (o *runnerOptions) complete() (err error) {
	var errs []error
	o.maxDataSize, err = command.EnvironmentDataSize()
	errs = append(errs, err, command.CheckNotNegative("kill-grace", o.killGrace, "to kill at once"))
	if o.name == "" {
		host, err := os.Hostname()
		o.name = strings.ToLower(host)
		errs = append(errs, err)
	}
	if o.lease != o.lease.Truncate(time.Second) {
		errs = append(errs, fmt.Errorf("--lease-duration %v must be whole seconds", o.lease))
	}
	if o.root != "" {
		root, err := filepath.Abs(o.root)
		if err == nil {
			root, err = filepath.EvalSymlinks(root)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("--root: %w", err))
		}
		o.root = root
	}
	if address, err := url.Parse(o.endpoint); o.listen == "" && err == nil {
		o.listen = ":" + address.Port()
	}
	if o.healthAddress != noAddress {
		if _, _, err := net.SplitHostPort(o.healthAddress); err != nil {
			errs = append(errs, fmt.Errorf("--health-bind-address: %w", err))
		}
	}
	errs = append(errs, o.targets.Check()...)
	flags := map[string]string{
		"metadata.name": "--name " + o.name, "spec.capacity": fmt.Sprintf("--max-running %d", o.maxRunning),
		"spec.leaseDurationSeconds": fmt.Sprintf("--lease-duration %v", o.lease), "metadata.labels": "--labels",
		"spec.endpoint": "--endpoint " + o.endpoint,
	}
	for _, problem := range v1alpha1.ValidateRunner(o.record()) {
		if problem.Field == "spec.caBundle" {
			continue // It is made with the certificate of the endpoint.
		}
		errs = append(errs, fmt.Errorf("%s: %s", flags[problem.Field], problem.ErrorBody()))
	}
	if err := errors.Join(errs...); err != nil {
		return command.WithCode(command.ExitUsage, "%w", err)
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.kubeconfig
	o.config, err = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		rules, &clientcmd.ConfigOverrides{CurrentContext: o.context}).ClientConfig()
	if err != nil {
		return command.WithCode(command.ExitUsage, "find the API whose Sessions are to be run: %w", err)
	}
	return nil
}

// record is what the runner registers as.
func (o *runnerOptions) record() *v1alpha1.Runner {
	labels := map[string]string{"kubernetes.io/os": runtime.GOOS, "kubernetes.io/arch": runtime.GOARCH}
	maps.Copy(labels, o.labels)
	return &v1alpha1.Runner{
		ObjectMeta: metav1.ObjectMeta{Name: o.name, Labels: labels},
		Spec: v1alpha1.RunnerSpec{
			Capacity: o.maxRunning, LeaseDurationSeconds: int32(o.lease / time.Second), Endpoint: o.endpoint,
		},
	}
}

// run runs Sessions until a signal, and returns when nothing of them is left.
func (o *runnerOptions) run(ctx context.Context, p command.Program) error {
	host.SetGCPercent(host.ServePercent)
	if err := command.DirectLog(p.Streams.ErrOut, o.verbosity); err != nil {
		return command.Failed(err)
	}
	systemd, err := host.TakeSystemd()
	if err != nil {
		return command.WithCode(command.ExitUsage, "read the environment that systemd sets: %w", err)
	}
	o.config.UserAgent = "tilt-session/" + p.Version + " runner"
	remote := &host.Remote{
		ClientConfig: o.config,
		Record:       o.record(),
		Registered: func() {
			fmt.Fprintf(p.Streams.Out, "tilt-session %s is runner %s of %s\n", p.Version, o.name, o.config.Host)
		},
		Warn: p.Warn,
		Options: host.RunnerOptions{
			Engines: host.Engines{
				Watch: true, MaxDataSize: o.maxDataSize, KillGrace: o.killGrace, Targets: o.targets.Targets, Root: o.root,
			},
			Log: func() *logs.Store { return logs.New(logLimit, clock.RealClock{}) },
			Started: func(s *v1alpha1.Session, _ controller.Run) {
				fmt.Fprintf(p.Streams.Out, "Session %s: runs %s\n", s.Name, s.Spec.TiltfilePath)
			},
			Finished: func(outcome host.Outcome) { fmt.Fprintln(p.Streams.Out, describe(outcome)) },
		},
	}
	steps := [][]host.Part{{remote.Part()}, {systemd.NotifierOf(remote.Alive, p.Warn)}}
	if o.endpoint != "" {
		steps = slices.Insert(steps, 0, []host.Part{remote.Relay(o.listen, o.endpoint)})
	}
	if o.healthAddress != noAddress {
		steps = slices.Insert(steps, 0, []host.Part{remote.Health(o.healthAddress)})
	}
	err, late := p.Group().Run(ctx, steps, func(ctx context.Context) error {
		<-ctx.Done()
		return context.Cause(ctx)
	})
	if errors.As(err, new(*host.SignalError)) {
		err = nil
	}
	return command.Failed(errors.Join(err, late))
}

// NewRunnerCommand returns the command.
func NewRunnerCommand(p command.Program) *cobra.Command {
	o := &runnerOptions{}
	cmd := &cobra.Command{
		Use:   "runner",
		Short: "Run Sessions of an API elsewhere on this machine",
		Long: `Registers this machine as a Runner of an API, such as that of a team, and runs
Sessions that it claims there: the oldest that wait and that select it.

The Tiltfiles and what they need have to be on this machine. A user who may create
Sessions there can run any command here as this user, --root or not: a Tiltfile
below it runs what it wants.

The claims are good as long as the record of the Runner is renewed. A Runner that
can't renew it in time, or that is stopped, ends its runs before another one may
claim them; a Session with the exit condition "ci" has failed then, and one with
"manual" is run by another Runner. An outage of the API that is shorter than
--lease-duration changes nothing.

The first signal drains the Runner: it claims nothing more, hands manual Sessions
over, and ends when the others are done. The second one interrupts them.

` + command.ExitCodesHelp,
		Example: `  tilt-session runner --kubeconfig team.kubeconfig --root /srv/src
  tilt-session runner --kubeconfig team.kubeconfig --name gpu-1 --labels gpu=yes --max-running 2`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.complete(); err != nil {
				return err
			}
			return o.run(cmd.Context(), p)
		},
	}
	o.addFlags(cmd.Flags(), p)
	return cmd
}
