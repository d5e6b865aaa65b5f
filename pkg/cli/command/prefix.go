// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"os"
	"slices"

	"github.com/spf13/pflag"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/view"
)

// LogPrefix is the flag for what stands before the text of a line.
type LogPrefix struct{ value string }

// AddFlag adds the flag.
func (l *LogPrefix) AddFlag(flags *pflag.FlagSet) {
	flags.StringVar(&l.value, "log-prefix", "name", `what stands before each line: none, name, time or "name,time"`)
}

// Check returns what is wrong with the flag.
func (l *LogPrefix) Check() error {
	if !slices.Contains([]string{"none", "name", "time", "name,time", "time,name"}, l.value) {
		return fmt.Errorf("--log-prefix %q must be none, name, time or name,time", l.value)
	}
	return nil
}

// Style is how lines are printed for a person in this environment.
func (l *LogPrefix) Style() logs.Style {
	return logs.Style{
		ASCII:    view.ASCII(os.Getenv),
		Nameless: l.value == "none" || l.value == "time",
		Timed:    l.value != "none" && l.value != "name" && l.value != "",
	}
}

// CheckLevel returns an error for a value of --level that is no level of a log.
func CheckLevel(level string) error {
	switch v1alpha1.SessionLogLevel(level) {
	case v1alpha1.SessionLogLevelInfo, v1alpha1.SessionLogLevelWarn, v1alpha1.SessionLogLevelError:
		return nil
	}
	return fmt.Errorf("--level %q must be info, warn or error", level)
}
