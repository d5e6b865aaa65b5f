// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"fmt"

	"tilt.dev/session/pkg/compose/dockerapi"
	"tilt.dev/session/pkg/logs"
)

// told is what the log has of a container.
type told struct {
	health   string
	restarts int
	ports    string
	running  bool
}

// tell logs what has happened to a container.
func (t *runtime) tell(c *dockerapi.Container) {
	before, known := t.told[c.ID]
	now := told{restarts: c.RestartCount, ports: ports(c), running: c.State.Status == dockerapi.StatusRunning}
	if c.State.Health != nil {
		now.health = c.State.Health.Status
	}
	if known && now.restarts > before.restarts {
		t.spec.Log.Append(logs.LevelWarn, fmt.Sprintf("Container %s: %s, restarted %d times by the engine",
			c.Name, exit(c), now.restarts))
	}
	// The engine calls a container unhealthy that has ended.
	if now.health == dockerapi.HealthUnhealthy && before.health != now.health && now.running {
		t.spec.Log.Append(logs.LevelWarn, fmt.Sprintf("Container %s is unhealthy: %s", c.Name, lastProbe(c.State.Health)))
	}
	if c.State.Status == dockerapi.StatusExited && before.running && !t.runner.busy(t.spec.key()) {
		t.spec.Log.Append(logs.LevelInfo, fmt.Sprintf("Container %s: %s", c.Name, exit(c)))
	}
	if now.ports == "" {
		now.ports = before.ports
	} else if now.ports != before.ports {
		t.spec.Log.Append(logs.LevelInfo, "Listening at "+now.ports)
	}
	t.told[c.ID] = now
}
