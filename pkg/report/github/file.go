// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package github

import (
	"fmt"
	"os"

	"tilt.dev/session/pkg/report"
)

// AppendSummary appends the summary of a report to a file, that of GITHUB_STEP_SUMMARY. What other programs of the step
// wrote there stays.
func AppendSummary(path string, r *report.Report) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("append the summary of the job: %w", err)
	}
	_, err = file.WriteString(Summary(r))
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("append the summary of the job: %w", err)
	}
	return nil
}
