// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"flag"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/pflag"
	"k8s.io/klog/v2"
)

// AddVerbosity adds the flag -v.
func AddVerbosity(flags *pflag.FlagSet, level *uint16) {
	flags.Uint16VarP(level, "v", "v", 0,
		"log the work of the API server on stderr, the higher the number the more detailed")
}

// DirectLog directs the log of the libraries, which is klog's, of which a process has
// one. With verbosity 0 only errors are shown.
func DirectLog(errOut io.Writer, verbosity uint16) error {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	settings := map[string]string{
		"logtostderr": "false", "stderrthreshold": "ERROR", "v": strconv.Itoa(int(verbosity)),
		// Otherwise an error is logged once more for each lower severity.
		"one_output": "true",
	}
	sink := io.Discard
	if verbosity > 0 {
		sink, settings["stderrthreshold"] = errOut, "FATAL"
	}
	for name, value := range settings {
		if err := flags.Set(name, value); err != nil {
			return fmt.Errorf("set up the log: %s=%s: %w", name, value, err)
		}
	}
	klog.SetOutput(sink)
	return nil
}
