// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package verbs

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/cli/command"
	clientv1alpha1 "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
)

// sessionClient are the flags by which our own commands find a running Session.
type sessionClient struct {
	command.Endpoint
	// session is the name of the Session.
	session string
}

func (c *sessionClient) addFlags(cmd *cobra.Command) {
	c.Endpoint.AddFlags(cmd)
	cmd.Flags().StringVar(&c.session, "session", command.SessionName, "name of the Session")
}

// sessions returns a client for the server that the flags name.
func (c *sessionClient) sessions() (clientv1alpha1.SessionInterface, error) {
	if problems := content.IsPathSegmentName(c.session); len(problems) > 0 {
		return nil, command.WithCode(command.ExitUsage, "--session %q is not a valid name of a Session: it %s",
			c.session, strings.Join(problems, ", "))
	}
	if err := c.CheckPort(); err != nil {
		return nil, err
	}
	config, err := newClientGetter(&c.Endpoint, nil).ToRESTConfig()
	if err != nil {
		return nil, command.WithCode(command.ExitAPI, "%w", err)
	}
	client, err := clientv1alpha1.NewForConfig(config)
	if err != nil {
		return nil, command.WithCode(command.ExitAPI, "make a client: %w", err)
	}
	return client.Sessions(), nil
}

// requestError describes a request that failed, in the words of the server if it has
// answered. A server of many Sessions need not have one of the default name.
func (c *sessionClient) requestError(err error) error {
	var answered apierrors.APIStatus
	if errors.As(err, &answered) && answered.Status().Code != 0 {
		status := answered.Status()
		if c.session == command.SessionName && isSessionMissing(status) {
			return command.WithCode(command.ExitFailure, "%s; choose another Session with --session", status.Message)
		}
		return command.WithCode(command.ExitFailure, "%s", status.Message)
	}
	return command.WithCode(command.ExitAPI, "reach the API server: %w", err)
}

// isSessionMissing reports whether there's no such Session. If there's no such resource
// in a Session, the answer has a cause.
func isSessionMissing(status metav1.Status) bool {
	return status.Reason == metav1.StatusReasonNotFound && status.Details != nil && len(status.Details.Causes) == 0
}

// refused is the error of arguments that the server would refuse, with the exit code of that.
func refused(message string) error { return command.WithCode(command.ExitFailure, "%s", message) }
