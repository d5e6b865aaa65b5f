// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"context"
	"strings"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// maxOutput is how many bytes of a command's output are examined.
const maxOutput = 4 << 10

// execCheck passes if a command exits with code 0. It has no result if the command
// can't be started. When ctx is done, it kills the process group.
func (p *Prober) execCheck(action model.ExecAction) check {
	run := func(ctx context.Context) (outcome, string) {
		var output head
		running, err := p.Start(process.Spec{Argv: action.Argv, Dir: p.Dir, Env: p.Env, Output: &output})
		if err != nil {
			return noResult, err.Error()
		}
		select {
		case <-running.Done():
		case <-ctx.Done():
			running.Stop(0)
			<-running.Done()
		}
		exit := running.Exit()
		text := exit.String()
		if line := output.firstLine(); line != "" {
			text += ": " + line
		}
		if exit == (process.Exit{}) {
			return passed, text
		}
		return failed, text
	}
	return check{run: run}
}

// head keeps the beginning of what is written to it.
type head struct{ kept []byte }

func (h *head) Write(p []byte) (int, error) {
	h.kept = append(h.kept, p[:min(len(p), maxOutput-len(h.kept))]...)
	return len(p), nil
}

// firstLine returns the first line that isn't blank.
func (h *head) firstLine() string {
	for line := range bytes.Lines(h.kept) {
		if text := strings.TrimSpace(string(line)); text != "" {
			return text
		}
	}
	return ""
}
