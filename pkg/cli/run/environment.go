// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/report/html"
)

// gitTimeout bounds how long git may take to tell the revision.
const gitTimeout = time.Second

// page is a report as a page that says where the run took place.
func page(r *report.Report) ([]byte, error) {
	return html.Encode(r, html.Environment{
		System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version(),
		Revision: revision(filepath.Dir(r.Tiltfile)),
	})
}

// revision is that of a directory in a git repository, with "-dirty" if files differ from it, empty elsewhere.
func revision(directory string) string {
	ctx, cancel := context.WithTimeout(context.Background(), gitTimeout)
	defer cancel()
	git := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
	git.Dir = directory
	git.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0")
	git.WaitDelay = gitTimeout
	out, err := git.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
