// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/session"
)

// output are the flags for what is printed of a run.
type output struct {
	command.LogPrefix
	timestamps, format, level string
	resources                 []string
	// quiet prints nothing before the end.
	quiet bool
}

const (
	formatJSON    = "json"
	timeElapsed   = "elapsed"
	timeOfTheDate = "rfc3339"
)

func (o *output) addFlags(flags *pflag.FlagSet) {
	o.LogPrefix.AddFlag(flags)
	flags.StringVar(&o.timestamps, "timestamps", "",
		"begin each line with its time: rfc3339, or elapsed for the seconds since the start")
	flags.Lookup("timestamps").NoOptDefVal = timeOfTheDate
	flags.StringVar(&o.format, "log-format", "text", "text, or json for an object in each line of stdout")
	flags.StringSliceVar(&o.resources, "resources", nil, "print the lines of these resources alone; (Tiltfile) is one")
	flags.StringVar(&o.level, "level", string(v1alpha1.SessionLogLevelInfo),
		"print lines of this level and of higher ones: info, warn or error")
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "print nothing before the end")
}

// check returns what is wrong with the flags.
func (o *output) check() (errs []error) {
	errs = append(errs, o.LogPrefix.Check())
	if !slices.Contains([]string{"", timeOfTheDate, timeElapsed}, o.timestamps) {
		errs = append(errs, fmt.Errorf("--timestamps %q must be rfc3339 or elapsed", o.timestamps))
	}
	if o.format != "text" && o.format != formatJSON {
		errs = append(errs, fmt.Errorf("--log-format %q must be text or json", o.format))
	}
	if o.format == formatJSON && o.quiet {
		errs = append(errs, errors.New("--quiet must not be set together with --log-format json"))
	}
	return append(errs, command.CheckLevel(o.level))
}

// lines are what is printed of the log.
func (o *output) lines() logs.Selection {
	return logs.Selection{Sources: o.resources, Level: session.LevelOf(v1alpha1.SessionLogLevel(o.level))}
}

// logStyle is how lines are printed of a run that has begun at a time.
func (o *output) logStyle(began time.Time) logs.Style {
	style := o.LogPrefix.Style()
	style.Timed = style.Timed || o.timestamps != ""
	if o.timestamps == timeElapsed {
		style.Start = began
	}
	return style
}
