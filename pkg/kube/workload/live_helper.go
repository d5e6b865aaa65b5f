// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/wait"
	conflicts "k8s.io/client-go/util/retry"

	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/liveupdate"
)

const (
	// helperPrefix begins the names of ephemeral containers. helperDirectory has the program that they leave, whose name
	// must begin with busybox.
	helperPrefix    = "tilt-session-live-update-"
	helperDirectory = ".tilt-session"
	helperProgram   = helperDirectory + "/busybox"
	// helperPatience is how long the image of an ephemeral container may take to be pulled.
	helperPatience = 2 * time.Minute
)

// helperScript copies BusyBox to the first of the directories, its arguments, that takes it, as the user of process 1,
// which is that of the other container. Its last line is the path there. The image may have no links to BusyBox.
const helperScript = `copy='for d do
  d=${d%/}
  to=/proc/1/root$d
  if [ -d "$to/" ] && /bin/busybox mkdir -p "$to/` + helperDirectory + `" &&
    /bin/busybox cp /bin/busybox "$to/` + helperProgram + `" &&
    /bin/busybox chmod 0755 "$to/` + helperProgram + `"; then
    echo "$d/` + helperProgram + `"
    exit
  fi
done
exit 1'
{
  if [ $$ = 1 ]; then
    echo "the container runtime does not let it see the processes of the other container"
    exit 1
  fi
  while read -r key _ effective _; do
    case $key in
      Uid:) uid=$effective ;;
      Gid:) gid=$effective ;;
    esac
  done </proc/1/status
  if [ "$uid" = "$(/bin/busybox id -u)" ]; then
    /bin/busybox sh -c "$copy" sh "$@"
  else
    /bin/busybox mkdir -p /etc
    [ -e /bin/sh ] || /bin/busybox ln -s busybox /bin/sh
    echo "target:x:$uid:$gid::/:/bin/sh" >>/etc/passwd
    /bin/busybox su -s /bin/sh -c "$copy" target sh "$@"
  fi
} >/dev/termination-log 2>&1`

// Equip implements liveupdate.Container by an ephemeral container in the pod. It sees the processes of this one, and
// through them its root directory; it copies the program there and ends. It's not a volume, since that would have to be
// in the pods of everyone before it is known whether they need it, and their owners would restart them for it.
func (c *container) Equip(ctx context.Context, directories []string) (string, error) {
	if c.pod.Spec.ShareProcessNamespace != nil && *c.pod.Spec.ShareProcessNamespace || c.pod.Spec.HostPID {
		return "", errors.New("the containers of its pod share their processes: leave out shareProcessNamespace and " +
			"hostPID, or use an image with tar where you develop")
	}
	key := c.helperKey()
	c.runner.mu.Lock()
	known := c.runner.unhelped[key]
	c.runner.mu.Unlock()
	if known != nil {
		return "", known
	}
	program, err := c.equip(ctx, directories)
	if err != nil && ctx.Err() == nil && !errors.Is(err, liveupdate.ErrGone) && !errors.Is(err, liveupdate.ErrAway) {
		err = fmt.Errorf("%w; or use an image with tar where you develop", err)
		c.runner.mu.Lock()
		c.runner.unhelped[key] = err
		c.runner.mu.Unlock()
	}
	return program, err
}

// helperKey is what the failure of a helper depends on, as far as the pod is concerned.
func (c *container) helperKey() string {
	var spec corev1.Container
	for _, s := range c.pod.Spec.Containers {
		if s.Name == c.name {
			spec = corev1.Container{Name: s.Name, SecurityContext: s.SecurityContext, VolumeMounts: s.VolumeMounts}
		}
	}
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: c.pod.Namespace}, Spec: corev1.PodSpec{
		Containers: []corev1.Container{spec}, SecurityContext: c.pod.Spec.SecurityContext,
	}}
	return pod.String()
}

func (c *container) equip(ctx context.Context, directories []string) (string, error) {
	helper, err := c.helper(directories)
	if err != nil {
		return "", err
	}
	connection := c.runner.feeds.connection
	pods := connection.Core.Pods(c.pod.Namespace)
	err = conflicts.RetryOnConflict(conflicts.DefaultRetry, func() error {
		ctx, cancel := context.WithTimeout(ctx, 2*cluster.CallTimeout)
		defer cancel()
		p, err := c.get(ctx)
		if err == nil && !c.runs(p) {
			return liveupdate.ErrGone
		}
		if err == nil {
			p.Spec.EphemeralContainers = append(p.Spec.EphemeralContainers, *helper)
			_, err = pods.UpdateEphemeralContainers(ctx, p.Name, p, metav1.UpdateOptions{})
		}
		return err
	})
	switch {
	case apierrors.IsNotFound(err):
		return "", fmt.Errorf("%w: %w", liveupdate.ErrGone, err)
	case apierrors.IsForbidden(err):
		return "", fmt.Errorf("the cluster refuses an ephemeral container in pod %s: %w; get the right to update "+
			"pods/ephemeralcontainers, or have the admission policy allow it", c.pod.Name, err)
	case err != nil && transient(err):
		return "", fmt.Errorf("%w: %w", liveupdate.ErrAway, connection.Explain(err))
	case err != nil:
		return "", fmt.Errorf("add an ephemeral container to pod %s: %w", c.pod.Name, err)
	}
	return c.await(ctx, helper)
}

// await waits for the end of the helper, and returns the path of its program.
func (c *container) await(ctx context.Context, helper *corev1.EphemeralContainer) (program string, err error) {
	state := "it hasn't started"
	err = wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, helperPatience, true,
		func(ctx context.Context) (bool, error) {
			p, err := c.get(ctx)
			switch {
			case apierrors.IsNotFound(err) || err == nil && !c.runs(p):
				return false, liveupdate.ErrGone
			case err == nil:
				var done bool
				program, state, done, err = helperState(p, helper)
				return done, err
			}
			state = err.Error() // It is asked again until the patience is over.
			return false, nil
		})
	if wait.Interrupted(err) && ctx.Err() == nil {
		err = fmt.Errorf("ephemeral container %s of pod %s isn't done after %s: %s", helper.Name, c.pod.Name,
			helperPatience, state)
	}
	return program, err
}

// helperState is how a helper is.
func helperState(p *corev1.Pod, helper *corev1.EphemeralContainer) (program, state string, done bool, err error) {
	i := slices.IndexFunc(p.Status.EphemeralContainerStatuses, func(s corev1.ContainerStatus) bool {
		return s.Name == helper.Name
	})
	if i < 0 {
		return "", "it hasn't started", false, nil
	}
	name := fmt.Sprintf("ephemeral container %s of pod %s", helper.Name, p.Name)
	switch s := p.Status.EphemeralContainerStatuses[i].State; {
	case s.Terminated != nil:
		lines := strings.Split(strings.TrimSpace(s.Terminated.Message), "\n")
		if s.Terminated.ExitCode == 0 && strings.HasPrefix(lines[len(lines)-1], "/") {
			return lines[len(lines)-1], "", true, nil
		}
		text := strings.Join(lines, "; ")
		err := fmt.Errorf("%s exited with code %d: %s", name, s.Terminated.ExitCode, text)
		switch {
		case strings.Contains(text, "Read-only file system"):
			err = fmt.Errorf("%w; its root file system is read-only: mount an emptyDir at /tmp", err)
		case strings.Contains(text, "ermission denied"):
			err = fmt.Errorf("%w; its user may write nowhere: have it own the directory that files are synced to", err)
		}
		return "", "", false, err
	case s.Waiting != nil && slices.Contains(helperFailures, s.Waiting.Reason):
		return "", "", false, fmt.Errorf("%s with image %s doesn't start: %s: %s; if the cluster can't pull the image, give "+
			"it a copy with --live-update-helper", name, helper.Image, s.Waiting.Reason, s.Waiting.Message)
	case s.Waiting != nil:
		return "", strings.TrimSpace(s.Waiting.Reason + " " + s.Waiting.Message), false, nil
	}
	return "", "it runs", false, nil
}

// helperFailures are the reasons of a waiting helper that won't start.
var helperFailures = []string{"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError",
	"CreateContainerError", "RunContainerError"}

// helper returns the ephemeral container.
func (c *container) helper(directories []string) (*corev1.EphemeralContainer, error) {
	security, err := c.helperSecurity()
	if err != nil {
		return nil, err
	}
	places := slices.Concat([]string{"/tmp", "/"}, directories)
	return &corev1.EphemeralContainer{
		EphemeralContainerCommon: corev1.EphemeralContainerCommon{
			Name: helperPrefix + rand.String(5), Image: c.runner.helper(),
			Command:         slices.Concat([]string{"/bin/busybox", "sh", "-c", helperScript, "sh"}, places),
			SecurityContext: security,
		},
		TargetContainerName: c.name,
	}, nil
}

// helperSecurity is that of the container, with its user as far as that is known. Another user couldn't see into its
// root directory. If nothing tells the user, root begins and becomes it.
func (c *container) helperSecurity() (*corev1.SecurityContext, error) {
	security, pod := &corev1.SecurityContext{}, c.pod.Spec.SecurityContext
	for _, s := range c.pod.Spec.Containers {
		if s.Name == c.name && s.SecurityContext != nil {
			security = s.SecurityContext.DeepCopy()
		}
	}
	if pod == nil {
		pod = &corev1.PodSecurityContext{}
	}
	if security.RunAsUser != nil || pod.RunAsUser != nil {
		return security, nil
	}
	if s := containerStatus(c.pod, c.name); s != nil && s.User != nil && s.User.Linux != nil {
		security.RunAsUser, security.RunAsGroup = &s.User.Linux.UID, &s.User.Linux.GID
		return security, nil
	}
	nonRoot := pod.RunAsNonRoot
	if security.RunAsNonRoot != nil {
		nonRoot = security.RunAsNonRoot
	}
	if nonRoot != nil && *nonRoot {
		return nil, errors.New("its user is that of its image, which the cluster doesn't tell, and runAsNonRoot allows no " +
			"root to find out: set runAsUser in its securityContext")
	}
	security.ReadOnlyRootFilesystem = nil // Its own: the user is written there.
	if security.Capabilities != nil && len(security.Capabilities.Drop) > 0 {
		security.Capabilities.Add = append(security.Capabilities.Add, "SETUID", "SETGID")
	}
	return security, nil
}
