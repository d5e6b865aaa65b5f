// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package verbs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // The plugins that kubectl has.
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/cli/webpage"
	clientv1alpha1 "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/web"
)

// remote is an API elsewhere.
type remote struct {
	config *rest.Config
	// context and user are its names in the kubeconfig.
	context, user string
}

// remote finds the API as kubectl does.
func (o *uiOptions) remote() (*remote, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.kubeconfig
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules,
		&clientcmd.ConfigOverrides{CurrentContext: o.context})
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, command.WithCode(command.ExitUsage, "read the kubeconfig: %w", err)
	}
	r := &remote{context: o.context}
	if r.context == "" {
		r.context = raw.CurrentContext
	}
	context := raw.Contexts[r.context]
	if context == nil {
		return nil, command.WithCode(command.ExitUsage, "kubeconfig %s: %w",
			strings.Join(rules.GetLoadingPrecedence(), ", "), unknownContext(r.context, raw))
	}
	if raw.Clusters[context.Cluster] == nil {
		return nil, command.WithCode(command.ExitUsage, "context %s: the kubeconfig has no cluster %q",
			r.context, context.Cluster)
	}
	r.user = context.AuthInfo
	if r.config, err = loader.ClientConfig(); err != nil {
		return nil, command.WithCode(command.ExitUsage, "context %s: %w", r.context, err)
	}
	r.config.QPS = -1
	return r, nil
}

// unknownContext names the contexts that there are.
func unknownContext(name string, config clientcmdapi.Config) error {
	known := slices.Sorted(maps.Keys(config.Contexts))
	switch {
	case len(known) == 0:
		return errors.New("it has no context: name another file with --kubeconfig")
	case name == "":
		return fmt.Errorf("it has no current context: choose one with --context (%s)", strings.Join(known, ", "))
	}
	return fmt.Errorf("it has no context %q: choose one of %s", name, strings.Join(known, ", "))
}

// check asks for what the page shows first.
func (r *remote) check(ctx context.Context) error {
	client, err := clientv1alpha1.NewForConfig(r.config)
	if err != nil {
		return command.WithCode(command.ExitUsage, "context %s: %w", r.context, err)
	}
	_, err = client.Sessions().List(ctx, metav1.ListOptions{Limit: 1})
	switch {
	case err == nil:
		return nil
	case apierrors.IsNotFound(err):
		return command.WithCode(command.ExitAPI, "the API server of context %s at %s doesn't serve the group tilt.dev: "+
			"choose the context of a server that was started with `tilt-session serve`", r.context, r.config.Host)
	case apierrors.ReasonForError(err) != metav1.StatusReasonUnknown:
		return command.WithCode(command.ExitFailure, "context %s: list Sessions: %w", r.context, err)
	}
	return command.WithCode(command.ExitAPI, "reach the API server of context %s: %w", r.context, err)
}

// serve serves the page for an API elsewhere until a signal.
func (o *uiOptions) serve(cmd *cobra.Command, p command.Program) error {
	if err := o.checkSession(); err != nil {
		return err
	}
	r, err := o.remote()
	if err != nil {
		return err
	}
	if err := r.check(cmd.Context()); err != nil {
		return err
	}
	api, err := web.NewProxy(r.config)
	if err != nil {
		return command.WithCode(command.ExitFailure, "pass requests on to the API server of context %s: %w", r.context, err)
	}
	port := 0
	if cmd.Flags().Changed("port") { // The variable TILT_PORT is for servers of this program.
		port = o.Port
	}
	server, err := webpage.Listen(api, r.user, port, o.viewOnly)
	if err != nil {
		return command.WithCode(command.ExitAPI, "%w", err)
	}
	steps := [][]host.Part{{{Name: "web page", Run: server.Run}}}
	err, late := p.Group().Run(cmd.Context(), steps, func(ctx context.Context) error {
		if err := o.show(ctx, p, server.Address); err != nil {
			return err
		}
		if !o.printURL {
			fmt.Fprintf(p.Streams.ErrOut, "Serving the page for context %s at %s until Ctrl-C.\n", r.context, r.config.Host)
		}
		<-ctx.Done()
		return context.Cause(ctx)
	})
	if errors.As(err, new(*host.SignalError)) {
		err = nil
	}
	return command.Failed(errors.Join(err, late))
}
