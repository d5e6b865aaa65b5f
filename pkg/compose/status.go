// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"tilt.dev/session/pkg/compose/dockerapi"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

// proof is how long a container without a healthcheck must have run before ci relies on it.
const proof = 5 * time.Second

// situation is what is known of a service after its update.
type situation struct {
	service *model.ComposeService
	// containers are in the order of their numbers.
	containers []*dockerapi.Container
	// ci is true for a run that ends with a verdict. waits is true if a service that is unhealthy still has time.
	ci, waits bool
	// skew is by how much the clock of the engine is ahead.
	skew time.Duration
}

// report returns how a service is.
func (s *situation) report() engine.Report {
	if s.service.Scale == 0 && len(s.containers) == 0 {
		return engine.Report{Phase: engine.Absent}
	}
	if len(s.containers) == 0 {
		if s.ci {
			return engine.Report{Phase: engine.Failed, Error: "the container was removed outside"}
		}
		return engine.Report{
			Phase: engine.Pending, Reason: "removed", Detail: "removed outside; trigger the resource to create it again",
		}
	}
	reports := make([]engine.Report, len(s.containers))
	for i, c := range s.containers {
		reports[i] = s.container(c)
	}
	return s.sum(reports)
}

// urgency orders phases: the most urgent of the containers is that of the service.
var urgency = map[engine.Phase]int{
	engine.Failed: 5, engine.Pending: 4, engine.Starting: 3, engine.Ready: 2, engine.Succeeded: 1,
}

// sum is the report of a service with several containers.
func (s *situation) sum(reports []engine.Report) engine.Report {
	sum, restarts, done := reports[0], 0, 0
	for _, r := range reports {
		restarts += r.Restarts
		if r.Phase == engine.Ready || r.Phase == engine.Succeeded {
			done++
		}
		if urgency[r.Phase] > urgency[sum.Phase] {
			sum = r
		}
	}
	for _, r := range reports {
		if sum.Phase == engine.Ready && r.Unproven.After(sum.Unproven) {
			sum.Unproven = r.Unproven
		}
	}
	sum.Restarts = restarts
	if want := max(s.service.Scale, len(reports)); want > 1 {
		if done < want && urgency[sum.Phase] <= urgency[engine.Ready] {
			sum.Phase, sum.Unproven = engine.Starting, time.Time{}
		}
		state := fmt.Sprintf("%d/%d ready", done, want)
		if s.service.OneOff {
			state = fmt.Sprintf("%d/%d ready or succeeded", done, want)
		}
		sum.Detail = joined(state, sum.Detail)
	}
	return sum
}

// container is the report of one container.
func (s *situation) container(c *dockerapi.Container) engine.Report {
	report := engine.Report{Restarts: c.RestartCount}
	if c.State.StartedAt.Unix() > 0 {
		report.Start = c.State.StartedAt.Add(-s.skew)
	}
	switch c.State.Status {
	case dockerapi.StatusRunning:
		s.running(c, &report)
	case dockerapi.StatusPaused:
		report.Phase, report.Detail = engine.Starting, "paused"
	case dockerapi.StatusRestarting:
		report.Phase, report.Detail = engine.Starting, "restarting after "+exit(c)
	case dockerapi.StatusExited, dockerapi.StatusDead:
		s.exited(c, &report)
	case dockerapi.StatusCreated:
		if c.State.Error != "" {
			s.exited(c, &report)
		} else {
			report.Phase, report.Reason = engine.Pending, "create"
		}
	default:
		report.Phase, report.Reason = engine.Pending, c.State.Status
	}
	return report
}

// running judges a container that runs.
func (s *situation) running(c *dockerapi.Container, report *engine.Report) {
	h := c.State.Health
	switch {
	case s.service.OneOff:
		report.Phase = engine.Starting // It has to end.
	case h == nil || h.Status == dockerapi.HealthNone || h.Status == "":
		report.Phase, report.Unproven = engine.Ready, report.Start.Add(proof)
	case h.Status == dockerapi.HealthHealthy:
		report.Phase = engine.Ready
	case h.Status == dockerapi.HealthUnhealthy && !s.waits:
		report.Phase, report.Error = engine.Failed, subject(c)+joined("unhealthy", lastProbe(h))
	default:
		report.Phase, report.Detail = engine.Starting, joined(h.Status, lastProbe(h))
	}
}

// exited judges a container that has ended.
func (s *situation) exited(c *dockerapi.Container, report *engine.Report) {
	policy := c.HostConfig.RestartPolicy
	if c.State.ExitCode == 0 && !c.State.OOMKilled && c.State.Error == "" && c.State.Status == dockerapi.StatusExited {
		report.Exited = true
		if s.service.OneOff || policy.Name != dockerapi.RestartAlways && policy.Name != dockerapi.RestartUnlessStopped {
			report.Phase = engine.Succeeded
			return
		}
		report.Phase = engine.Failed
		report.Error = subject(c) + "exit 0, although its restart policy is " + policy.Name
		return
	}
	report.Phase, report.Error = engine.Failed, subject(c)+exit(c)
	if c.RestartCount > 0 {
		report.Error += fmt.Sprintf(" after %d restarts", c.RestartCount)
	}
	report.Exited, report.Code, report.Signal = true, c.State.ExitCode, signal(c.State.ExitCode)
}

func subject(c *dockerapi.Container) string { return fmt.Sprintf("container %s: ", c.Name) }

// exit is how a container has ended: "exit 137 (killed: out of memory)".
func exit(c *dockerapi.Container) string {
	text := fmt.Sprintf("exit %d", c.State.ExitCode)
	why := []string{}
	if name := signal(c.State.ExitCode); name != "" {
		why = append(why, name)
	}
	if c.State.OOMKilled {
		why = append(why, "out of memory")
	}
	if c.State.Error != "" {
		why = append(why, oneLine(c.State.Error))
	}
	if c.State.Status == dockerapi.StatusDead {
		why = append(why, "dead")
	}
	if len(why) > 0 {
		text += " (" + strings.Join(why, ": ") + ")"
	}
	return text
}

// Exit codes from signalBase on are those of signals, of which there are lastSignal with names.
const (
	signalBase = 128
	lastSignal = 31
)

// signal is the name of the signal that an exit code stands for, empty if it's none.
func signal(code int) string {
	if code <= signalBase || code > signalBase+lastSignal {
		return ""
	}
	return syscall.Signal(code - signalBase).String()
}

// lastProbe is the result of the last probe that failed, empty if none did.
func lastProbe(h *dockerapi.Health) string {
	if len(h.Log) == 0 {
		return ""
	}
	last := h.Log[len(h.Log)-1]
	if last.ExitCode == 0 {
		return ""
	}
	text := fmt.Sprintf("probe exit %d", last.ExitCode)
	if output := oneLine(last.Output); output != "" {
		text += ": " + output
	}
	return text
}

// longestDetail is how much of an output is shown of how a service is.
const longestDetail = 500

// oneLine is a text without line breaks, and not too long.
func oneLine(text string) string {
	line := strings.Join(strings.Fields(text), " ")
	if len(line) > longestDetail {
		line = strings.ToValidUTF8(line[:longestDetail], "") + "…"
	}
	return line
}

// joined joins what isn't empty.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}
