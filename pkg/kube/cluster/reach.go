// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/wait"
)

// Unreachable reports whether an error says that the cluster couldn't be asked, rather than what it answered: nothing
// listens, the connection broke, no answer came in time, or the API server is starting or ending. A request that had
// such an error may have been carried out all the same.
func Unreachable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		return apierrors.IsServiceUnavailable(err) || status.Status().Code == http.StatusBadGateway ||
			status.Status().Code == http.StatusGatewayTimeout && !apierrors.IsTimeout(err)
	}
	var operation *net.OpError
	var lookup *net.DNSError
	return errors.As(err, &operation) || errors.As(err, &lookup) || utilnet.IsTimeout(err) ||
		utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) || utilnet.IsHTTP2ConnectionLost(err) ||
		utilnet.IsProbableEOF(err)
}

// Explain adds to the error of a connection which context and server it is about and what to do. Other errors are
// returned as they are.
func (c *Connection) Explain(err error) error {
	switch {
	case Unreachable(err):
		return fmt.Errorf("cluster of context %q doesn't answer at %s: %w; check that it runs with `kubectl "+
			"--context %s version`", c.Cluster.Context, c.Server, err, c.Cluster.Context)
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("cluster of context %q at %s refuses the credentials of the kubeconfig: %w; "+
			"log in again", c.Cluster.Context, c.Server, err)
	}
	if request := (*url.Error)(nil); errors.As(err, &request) {
		return fmt.Errorf("connect to the cluster of context %q at %s: %w", c.Cluster.Context, c.Server, err)
	}
	return err
}

// Retry calls do until it succeeds, returns an error other than that of a connection, or ctx ends. Each call gets a
// context that ends after limit, or with ctx. Away is called once, before the first repetition; it may be nil. The
// error of the last call that didn't just run out of time is returned, explained.
func (c *Connection) Retry(ctx context.Context, limit time.Duration, away func(error),
	do func(context.Context) error) error {
	return c.RetryWhile(ctx, limit, func(err error, _ time.Duration) bool { return Unreachable(err) }, away, do)
}

// RetryWhile is Retry with another decision about errors. It gets the time since the first call.
func (c *Connection) RetryWhile(ctx context.Context, limit time.Duration, while func(error, time.Duration) bool,
	away func(error), do func(context.Context) error) error {
	backoff := wait.Backoff{Duration: 200 * time.Millisecond, Factor: 1.5, Steps: 8, Jitter: 0.1, Cap: 2 * time.Second}
	begin := time.Now()
	var last error
	for {
		attempt, cancel := context.WithTimeout(ctx, limit)
		err := do(attempt)
		cancel()
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) && last != nil {
			return c.Explain(last) // It says more than that the time is over.
		}
		if err == nil || ctx.Err() != nil || !while(err, time.Since(begin)) {
			return c.Explain(err)
		}
		if last == nil && away != nil {
			away(c.Explain(err))
		}
		last = err
		timer := time.NewTimer(backoff.Step())
		select {
		case <-ctx.Done():
			timer.Stop()
			return c.Explain(err)
		case <-timer.C:
		}
	}
}

type warningsKey struct{}

// WithWarnings returns a context for requests whose warnings, such as those of unknown fields, are given to warn.
// Without it they are dropped.
func WithWarnings(ctx context.Context, warn func(string)) context.Context {
	return context.WithValue(ctx, warningsKey{}, warn)
}

// warnings gives the warnings of the server to the context of the request.
type warnings struct{}

func (warnings) HandleWarningHeaderWithContext(ctx context.Context, code int, _, text string) {
	if warn, ok := ctx.Value(warningsKey{}).(func(string)); ok && code == 299 && text != "" {
		warn(text)
	}
}
