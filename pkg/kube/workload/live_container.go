// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/exec"

	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/kube/manifest"
	"tilt.dev/session/pkg/liveupdate"
)

// container is a container of a pod that takes files.
type container struct {
	runner *Runner
	// pod is its state when the update began.
	pod      *corev1.Pod
	name, id string
}

var _ liveupdate.Container = (*container)(nil)

func (c *container) String() string { return describe(c.pod.Name, c.name) }

// Exec implements liveupdate.Container.
func (c *container) Exec(ctx context.Context, argv []string, stdin io.Reader, stdout, stderr io.Writer) error {
	connection := c.runner.feeds.connection
	c.mark(ctx)
	command := cluster.Exec{Namespace: c.pod.Namespace, Pod: c.pod.Name, Container: c.name, Argv: argv,
		Stdin: stdin, Stdout: stdout, Stderr: stderr}
	err := command.Run(ctx, connection)
	var exit exec.CodeExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &exit):
		if exit.Code == 128+9 && c.ended(ctx, noticed) {
			return fmt.Errorf("%w: %w", liveupdate.ErrGone, err)
		}
		return &liveupdate.ExitError{Code: exit.Code}
	case transient(err):
		if c.ended(ctx, 0) {
			return fmt.Errorf("%w: %w", liveupdate.ErrGone, err)
		}
		return fmt.Errorf("%w: %w", liveupdate.ErrAway, connection.Explain(err))
	case apierrors.IsNotFound(err) || aboutContainer(err):
		if c.ended(ctx, noticed) {
			return fmt.Errorf("%w: %w", liveupdate.ErrGone, err)
		}
	}
	return connection.Explain(err)
}

// mark labels the pod before its first command, so that a later run knows that it may have other files than its image.
// Without the right to do so, it doesn't.
func (c *container) mark(ctx context.Context) {
	c.runner.mu.Lock()
	marked := c.runner.marked[c.pod.UID] || c.pod.Labels[manifest.LiveUpdatedLabel] != ""
	c.runner.marked[c.pod.UID] = true
	c.runner.mu.Unlock()
	if marked {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, cluster.CallTimeout)
	defer cancel()
	patch := fmt.Sprintf(`{"metadata":{"uid":%q,"labels":{%q:"true"}}}`, c.pod.UID, manifest.LiveUpdatedLabel)
	_, err := c.runner.feeds.connection.Core.Pods(c.pod.Namespace).Patch(ctx, c.pod.Name, types.MergePatchType,
		[]byte(patch), metav1.PatchOptions{})
	if err != nil && (transient(err) || ctx.Err() != nil) {
		c.runner.mu.Lock()
		delete(c.runner.marked, c.pod.UID)
		c.runner.mu.Unlock()
	}
}

// noticed is how long the kubelet may take to notice that a container has ended.
const noticed = 10 * time.Second

// ended reports whether the container has ended, after a while at most.
func (c *container) ended(ctx context.Context, patience time.Duration) bool {
	ended := false
	_ = wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, max(patience, time.Millisecond), true,
		func(ctx context.Context) (bool, error) {
			p, err := c.get(ctx)
			ended = err == nil && !c.runs(p) || apierrors.IsNotFound(err)
			return ended || patience == 0, nil
		})
	return ended || errors.Is(context.Cause(ctx), liveupdate.ErrGone)
}

// get reads the pod.
func (c *container) get(ctx context.Context) (*corev1.Pod, error) {
	ctx, cancel := context.WithTimeout(ctx, cluster.CallTimeout)
	defer cancel()
	return c.runner.feeds.connection.Core.Pods(c.pod.Namespace).Get(ctx, c.pod.Name, metav1.GetOptions{})
}

// runs reports whether the container runs, by the state of its pod.
func (c *container) runs(p *corev1.Pod) bool {
	s := containerStatus(p, c.name)
	return p.UID == c.pod.UID && s != nil && s.State.Running != nil && s.ContainerID == c.id
}

// transient reports whether an error is of the way to a container, and may be over soon.
func transient(err error) bool {
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		code := status.Status().Code
		return code >= http.StatusInternalServerError || code == http.StatusTooManyRequests
	}
	return errors.Is(err, cluster.ErrLost) || cluster.Unreachable(err)
}

// aboutContainer reports whether an error says that the container isn't there or doesn't run, in the words of kubelets
// and container runtimes.
func aboutContainer(err error) bool {
	text := strings.ToLower(err.Error())
	for _, words := range []string{"container not found", "not running", "container_exited", "no such container",
		"task not found", "process already finished", "cannot exec in a stopped", "container is stopped",
		"is not created or running"} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}
