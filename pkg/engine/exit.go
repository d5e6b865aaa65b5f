// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"time"

	"tilt.dev/session/pkg/process"
)

// updateExit returns the published result of a job.
func updateExit(x *execution, end ended) *Exit {
	switch {
	case end.err != nil:
		err := fmt.Sprintf("Command %q failed: failed to start: %v", x.command, end.err)
		return &Exit{Start: x.start, Finish: end.at, Error: err}
	case x.timedOut:
		return newExit(x.start, end, fmt.Sprintf("Command %q failed: timed out after %s", x.command, x.timeout))
	case end.exit == process.Exit{}:
		return newExit(x.start, end, "")
	}
	return newExit(x.start, end, fmt.Sprintf("Command %q failed: %s", x.command, end.exit))
}

// serveExit returns the published result of a server, which is always a failure.
// The process is nil if the launch failed.
func serveExit(command string, p *ServerProcess, end ended) *Exit {
	switch {
	case end.err != nil:
		return &Exit{Finish: end.at, Error: fmt.Sprintf("Command %q failed to start: %v", command, end.err)}
	case end.exit.Signal != "":
		return newExit(p.Start, end, fmt.Sprintf("Process %d was killed by signal: %s", p.PID, end.exit.Signal))
	case end.exit.Code != 0:
		return newExit(p.Start, end, fmt.Sprintf("Process %d exited with code %d", p.PID, end.exit.Code))
	}
	return newExit(p.Start, end, fmt.Sprintf(
		"Process %d exited with code 0, but servers are expected to run indefinitely", p.PID))
}

func newExit(start time.Time, end ended, err string) *Exit {
	exit := &Exit{Start: start, Finish: end.at, Error: err, Signal: end.exit.Signal}
	if end.exit.Signal == "" {
		exit.Code = &end.exit.Code
	}
	return exit
}
