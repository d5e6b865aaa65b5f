// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package serve has the commands of the two parts: serve, an API on file, memory or etcd, with a runner for all of its
// Sessions unless they're in etcd; and runner, which runs Sessions of such an API elsewhere.
package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/controller"
	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/storage"
	"tilt.dev/session/pkg/text"
)

// logLimit is how many bytes of the output of each Session are kept in memory.
const logLimit = 4 << 20

// serve serves Sessions until a signal, and returns when nothing of it is left.
func (o *options) serve(ctx context.Context, p command.Program) error {
	host.SetGCPercent(host.ServePercent)
	if err := command.DirectLog(p.Streams.ErrOut, o.verbosity); err != nil {
		return command.Failed(err)
	}
	systemd, err := host.TakeSystemd()
	if err != nil {
		return command.WithCode(command.ExitUsage, "read the environment that systemd sets: %w", err)
	}
	api := &host.API{
		Server: o.server,
		Open: func(config storage.Config) (*storage.Backend, error) {
			defer o.warnOfExposure(p.Warn)
			return o.open(config)
		},
		DataDir:       o.dataDir,
		Address:       o.address,
		AddressFlag:   "--bind-address",
		PortFlag:      "--secure-port",
		KubeconfigOut: o.kubeconfigOut,
		Warn:          p.Warn,
	}
	if o.storage == storageFile {
		o.server.IdentityDir = o.dataDir
	}
	health := api.StorageHealth(func(err error) {
		if err == nil {
			fmt.Fprintln(p.Streams.ErrOut, "The storage works again.")
			return
		}
		p.Warn(err)
	})
	steps := o.steps(p, api)
	steps = append(steps, []host.Part{health}, []host.Part{systemd.Part(api)})
	err, late := p.Group().Run(ctx, steps, func(ctx context.Context) error {
		o.announce(p, api)
		o.announcePage(p.Streams.Out, api)
		<-ctx.Done()
		return context.Cause(ctx)
	})
	if errors.As(err, new(*host.SignalError)) {
		err = nil
	}
	return command.Failed(errors.Join(err, late))
}

// steps are those of the API and of what runs its Sessions: this process, or Runners elsewhere.
func (o *options) steps(p command.Program, api *host.API) [][]host.Part {
	if !o.runSessions {
		return host.NewKeeper(api, o.housekeeping).Steps()
	}
	return host.NewRunner(api, host.RunnerOptions{
		MaxRunning: o.maxRunning,
		Engines:    host.Engines{Watch: true, MaxDataSize: o.maxDataSize, KillGrace: o.killGrace, Targets: o.targets.Targets},
		Log:        func() *logs.Store { return logs.New(logLimit, clock.RealClock{}) },
		Started: func(s *v1alpha1.Session, _ controller.Run) {
			fmt.Fprintf(p.Streams.Out, "Session %s: runs %s\n", s.Name, s.Spec.TiltfilePath)
		},
		Finished: func(outcome host.Outcome) { fmt.Fprintln(p.Streams.Out, describe(outcome)) },
	}).Steps()
}

// announce prints where the server is and where it keeps its Sessions.
func (o *options) announce(p command.Program, api *host.API) {
	out := p.Streams.Out
	fmt.Fprintf(out, "tilt-session %s %v\n", p.Version, api)
	switch o.storage {
	case storageFile:
		fmt.Fprintf(out, "Sessions are kept in %s\n", o.dataDir)
	case storageEtcd:
		fmt.Fprintf(out, "Sessions are kept in etcd at %s below %s\n", strings.Join(o.etcd.Servers, ", "), o.etcd.Prefix)
	}
	if !o.runSessions {
		fmt.Fprintln(out, "Sessions are not run here: runners elsewhere claim them")
	}
}

// announcePage prints where the web page is. The log of a server is no place for a code.
func (o *options) announcePage(out io.Writer, api *host.API) {
	if o.server.Web.Off {
		return
	}
	address, err := api.WebURL(false)
	if err != nil {
		fmt.Fprintf(out, "Web: none: %v\n", err)
		return
	}
	place, _, _ := strings.Cut(address, "#")
	login := "tilt-session ui"
	if at, err := url.Parse(address); err == nil && at.Port() != strconv.Itoa(command.DefaultPort) {
		login += " --port " + at.Port()
	}
	fmt.Fprintf(out, "Web: %s (%s logs in)\n", place, login)
}

// describe is a line about the outcome of a Session.
func describe(o host.Outcome) string {
	status, ran := o.Session.Status, o.Run != nil
	what := "ended"
	switch {
	case !ran && !status.Done:
		message := status.Error
		for _, failed := range session.Failures(status) {
			message = failed.State.Terminated.Error
		}
		what = "can't be run (" + brief(message) + ")"
	case session.VerdictOf(status) == session.Interrupted && o.Err == nil && ran:
		what = "interrupted before its verdict"
	case status.Done && status.Error == "":
		what = "succeeded"
	case status.Done:
		what = "failed (" + brief(status.Error) + ")"
	}
	if ran {
		what += " after " + o.Took.Round(time.Millisecond).String()
	}
	return fmt.Sprintf("Session %s: %s", o.Session.Name, what)
}

// brief shortens an error to a line among others.
func brief(err string) string { return text.Cut(text.ErrorLine(err), 200) }

// NewCommand returns the command.
func NewCommand(p command.Program) *cobra.Command {
	o := newOptions(p.Version)
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve and run any number of Sessions and keep them across restarts",
		Long: `Serves Sessions until a signal ends it, and runs all of them: creating a Session
starts a run, deleting it ends the run. The next start finds what is stored; it
runs Sessions with the exit condition "manual" again, and those that should have
reached a verdict have failed.

"tilt-session ui" opens its web page in the browser.

With --etcd-servers any number of servers share the Sessions in etcd, run none of
them and have no web page. While etcd can't be reached, /readyz says so and
requests that need it are refused with 503; watches resume when it's back.

Fields of a Session's spec beside tiltfilePath, exitCondition and ci:
  args                     the arguments of its Tiltfile, a list such as ["web","--env=a b"]
  keepGoing                true: after a failure finish what doesn't depend on it
  ttlSecondsAfterFinished  how many seconds after its verdict it's deleted

Users authenticate with the owner's token, which is in the kubeconfig, or by
--token-auth-file and --client-ca-file. Their groups decide what they may do:
  system:masters  everything, as the owner; that includes running any command here
  tilt:viewers    read Sessions, their logs, metrics and API documents
Everyone may read the server's health. With --authorization-kubeconfig the RBAC
rules of a core API server decide about everyone outside system:masters.

` + command.ExitCodesHelp,
		Example: `  tilt-session serve
  tilt-session create -f session.yaml
  tilt-session wait --for=condition=Succeeded session/build

  # For the network, with certificates and users of your own
  tilt-session serve --bind-address 0.0.0.0 --tls-cert-file tls.crt --tls-private-key-file tls.key \
    --client-ca-file ca.crt

  # One of several servers that share what etcd keeps
  tilt-session serve --etcd-servers https://etcd-0:2379,https://etcd-1:2379,https://etcd-2:2379 \
    --etcd-cafile etcd-ca.crt --etcd-certfile etcd.crt --etcd-keyfile etcd.key`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.complete(cmd); err != nil {
				return err
			}
			return o.serve(cmd.Context(), p)
		},
	}
	o.addFlags(cmd, p)
	return cmd
}
