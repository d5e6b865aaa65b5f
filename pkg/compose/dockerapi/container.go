// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package dockerapi

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Container is a container as the engine knows it.
type Container struct {
	ID           string `json:"Id"`
	Name         string
	Created      time.Time
	RestartCount int
	State        State
	Config       Config
	HostConfig   HostConfig
	// NetworkSettings has the ports once the container runs.
	NetworkSettings NetworkSettings
}

// State is how a container is.
type State struct {
	// Status is one of the constants.
	Status    string
	OOMKilled bool
	ExitCode  int
	// Error is why it couldn't be started.
	Error                 string
	StartedAt, FinishedAt time.Time
	// Health is nil without a healthcheck.
	Health *Health
}

// The values of State.Status.
const (
	StatusCreated    = "created"
	StatusRunning    = "running"
	StatusPaused     = "paused"
	StatusRestarting = "restarting"
	StatusRemoving   = "removing"
	StatusExited     = "exited"
	StatusDead       = "dead"
)

// Health is the result of the healthcheck of a container.
type Health struct {
	// Status is one of the constants.
	Status        string
	FailingStreak int
	// Log has the last probes, the latest at the end.
	Log []Probe
}

// The values of Health.Status.
const (
	HealthNone      = "none"
	HealthStarting  = "starting"
	HealthHealthy   = "healthy"
	HealthUnhealthy = "unhealthy"
)

// Probe is one execution of a healthcheck.
type Probe struct {
	ExitCode int
	Output   string
}

// Config is how a container was created.
type Config struct {
	Labels map[string]string
	Tty    bool
	// StopTimeout is in seconds, nil for the default of the engine.
	StopTimeout *int
}

// HostConfig says what the engine does for a container.
type HostConfig struct {
	RestartPolicy RestartPolicy
	// PortBindings are the ports as they were asked for. A port without a number is for the engine to choose.
	PortBindings map[string][]PortBinding
}

// RestartPolicy says whether the engine restarts a container that ends.
type RestartPolicy struct {
	// Name is one of the constants.
	Name              string
	MaximumRetryCount int
}

// The values of RestartPolicy.Name. Empty is the same as RestartNo.
const (
	RestartNo            = "no"
	RestartAlways        = "always"
	RestartUnlessStopped = "unless-stopped"
	RestartOnFailure     = "on-failure"
)

// NetworkSettings are the addresses of a container.
type NetworkSettings struct {
	// Ports are by the port within, such as "80/tcp".
	Ports map[string][]PortBinding
}

// PortBinding is a port of the engine's machine.
type PortBinding struct {
	HostIP   string `json:"HostIp"`
	HostPort string
}

// Containers lists the IDs of the containers with all labels, also of those that don't run.
func (c *Client) Containers(ctx context.Context, labels ...string) ([]string, error) {
	var list []struct {
		ID string `json:"Id"`
	}
	query := url.Values{"all": {"1"}, "filters": {labelFilter(nil, labels)}}
	if err := c.get(ctx, "/containers/json", query, &list); err != nil {
		return nil, err
	}
	ids := make([]string, len(list))
	for i, container := range list {
		ids[i] = container.ID
	}
	return ids, nil
}

// Inspect returns a container.
func (c *Client) Inspect(ctx context.Context, id string) (*Container, error) {
	container := &Container{}
	if err := c.get(ctx, "/containers/"+id+"/json", nil, container); err != nil {
		return nil, err
	}
	container.Name = trimName(container.Name)
	return container, nil
}

// DefaultStopTimeout is how long a container without a StopTimeout has to end.
const DefaultStopTimeout = 10 * time.Second

// Stop ends a container: its stop signal now, KILL when the grace is over. One that is gone is no error.
func (c *Client) Stop(ctx context.Context, id string, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout+grace)
	defer cancel()
	seconds := strconv.Itoa(int(math.Ceil(max(0, grace).Seconds())))
	err := c.do(ctx, http.MethodPost, "/containers/"+id+"/stop", url.Values{"t": {seconds}})
	if IsNotFound(err) {
		return nil
	}
	return err
}

// Restart ends the process of a container as Stop does, and starts it again.
func (c *Client) Restart(ctx context.Context, id string, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout+grace)
	defer cancel()
	seconds := strconv.Itoa(int(math.Ceil(max(0, grace).Seconds())))
	return c.do(ctx, http.MethodPost, "/containers/"+id+"/restart", url.Values{"t": {seconds}})
}

// Remove removes a container with its anonymous volumes, killing what runs. One that is gone, or about to be, is no
// error.
func (c *Client) Remove(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := c.do(ctx, http.MethodDelete, "/containers/"+id, url.Values{"force": {"1"}, "v": {"1"}})
	if answer := (*Error)(nil); IsNotFound(err) || errors.As(err, &answer) && answer.Status == http.StatusConflict {
		return nil
	}
	return err
}
