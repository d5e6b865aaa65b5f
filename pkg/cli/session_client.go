// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/generated/clientset/versioned"
	clientv1alpha1 "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
)

// sessionClient is how our own verbs reach a running Session.
type sessionClient struct {
	endpoint
	// session is the name of the Session.
	session string
}

func (c *sessionClient) addFlags(cmd *cobra.Command) {
	c.endpoint.addFlags(cmd)
	cmd.Flags().StringVar(&c.session, "session", sessionName, "name of the Session")
}

// sessions returns a client for the server that the flags name.
func (c *sessionClient) sessions(cmd *cobra.Command) (clientv1alpha1.SessionInterface, error) {
	errs := append(emptyFlags(cmd), c.endpoint.completeClient(cmd))
	if problems := content.IsPathSegmentName(c.session); len(problems) > 0 {
		errs = append(errs, fmt.Errorf("--session %q is no name of a Session: it %s", c.session, strings.Join(problems, ", ")))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, withCode(ExitUsage, "%w", err)
	}
	config, err := newClientGetter(&c.endpoint, nil).ToRESTConfig()
	if err != nil {
		return nil, withCode(ExitAPI, "%w", err)
	}
	client, err := versioned.NewForConfig(config)
	if err != nil {
		return nil, withCode(ExitAPI, "make a client: %w", err)
	}
	return client.TiltV1alpha1().Sessions(), nil
}

// requestError is what a person is told of a request that failed: the words of
// the server if it has answered. Where many Sessions are served, none of them need
// have the name that's taken without a flag.
func (c *sessionClient) requestError(err error) error {
	var answered apierrors.APIStatus
	if errors.As(err, &answered) && answered.Status().Code != 0 {
		status := answered.Status()
		if c.session == sessionName && isSessionMissing(status) {
			return withCode(ExitFailure, "%s: name another Session by --session", status.Message)
		}
		return withCode(ExitFailure, "%s", status.Message)
	}
	return withCode(ExitAPI, "reach the API server: %w", err)
}

// isSessionMissing tells the answer that there's no such Session from the one that
// there's no such resource in it, which has a cause.
func isSessionMissing(status metav1.Status) bool {
	return status.Reason == metav1.StatusReasonNotFound && status.Details != nil && len(status.Details.Causes) == 0
}

// refused says that arguments contradict each other, as the server would.
func refused(message string) error { return withCode(ExitFailure, "%s", message) }
