// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// mayBeEmpty are the flags of which an empty value means something, or is
// refused where they are completed.
var mayBeEmpty = []string{
	"host", // see endpoint
	dataDirFlag,
	"requestheader-allowed-names", // any name
	"web-mode",                    // it has no effect
}

// emptyFlags returns an error for each flag that is given an empty value, as of
// a variable that isn't set: to do without the flag takes leaving it out.
func emptyFlags(cmd *cobra.Command) (errs []error) {
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if slices.Contains(mayBeEmpty, flag.Name) {
			return
		}
		values := []string{flag.Value.String()}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		if !slices.ContainsFunc(values, isNotBlank) {
			errs = append(errs, emptyFlag(flag.Name))
		}
	})
	return errs
}

func emptyFlag(name string) error {
	return fmt.Errorf("--%s must not be empty; omit it to use the default", name)
}

func isBlank(s string) bool    { return strings.TrimSpace(s) == "" }
func isNotBlank(s string) bool { return !isBlank(s) }

// withoutEmpty leaves out of errs, which begin with their flags, what else is
// wrong with a flag that is empty.
func withoutEmpty(empty, errs []error) []error {
	return append(empty, slices.DeleteFunc(errs, func(err error) bool {
		return err == nil || slices.ContainsFunc(empty, func(e error) bool {
			flag, _, _ := strings.Cut(e.Error(), " ")
			text := err.Error()
			return strings.HasPrefix(text, flag+":") || strings.HasPrefix(text, flag+" ")
		})
	})...)
}

// checkVerbosity refuses levels that the log doesn't have.
func checkVerbosity(level int) error {
	switch {
	case level < 0:
		return fmt.Errorf("--v %d is negative: use 0 for errors alone", level)
	case level > math.MaxInt32:
		return fmt.Errorf("--v %d is out of range: use 10 for everything", level)
	}
	return nil
}

// wrongFlag says in the words of a flag what is wrong with its value.
func wrongFlag(cmd *cobra.Command, err error) error {
	invalid := new(pflag.InvalidValueError)
	if !errors.As(err, &invalid) {
		return wrongUsage(cmd, err)
	}
	name, value := invalid.GetFlag().Name, invalid.GetValue()
	if isBlank(value) {
		return wrongUsage(cmd, emptyFlag(name))
	}
	if errors.Is(err, strconv.ErrRange) {
		return wrongUsage(cmd, fmt.Errorf("--%s %s is out of range", name, value))
	}
	kind := ""
	switch invalid.GetFlag().Value.Type() {
	case "int", "int32", "int64":
		kind = "is not a whole number"
	case "float64":
		kind = "is not a number"
	case "bool":
		kind = "is neither true nor false"
	case "duration":
		kind = "is not a duration, such as 30s or 10m"
	default:
		return wrongUsage(cmd, err)
	}
	return wrongUsage(cmd, fmt.Errorf("--%s %q %s", name, value, kind))
}
