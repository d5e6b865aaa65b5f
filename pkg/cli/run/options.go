// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/model"
)

// options say which Tiltfile is run, and how.
type options struct {
	command.Endpoint
	exitCondition v1alpha1.ExitCondition
	// file is the Tiltfile, absolute after complete.
	file string
	// timeout is the overall limit of ci, 0 for none.
	timeout time.Duration
	// keepGoing lets ci finish what doesn't depend on a failure.
	keepGoing bool
	// linger is how long the API stays up after the verdict of ci.
	linger time.Duration
	// killGrace is the time from SIGTERM to SIGKILL.
	killGrace time.Duration
	// args are the Tiltfile's arguments.
	args []string
	// verbosity is the level of the log, 0 for errors alone.
	verbosity uint16
	// address is where Endpoint.Host leads, maxDataSize is from the environment.
	address     host.Address
	maxDataSize int64
}

// addFlags adds the flags that up and ci share.
func (o *options) addFlags(cmd *cobra.Command) {
	o.Endpoint.AddFlags(cmd)
	cmd.Flags().StringVarP(&o.file, "file", "f", "Tiltfile",
		"path of the Tiltfile; paths in a Tiltfile from a pipe, such as /dev/stdin, are relative to the working directory")
	command.AddKillGrace(cmd.Flags(), &o.killGrace)
	// Scripts written for Tilt give the flag. It has no effect here.
	cmd.Flags().String("web-mode", "", "")
	cmd.Flags().Lookup("web-mode").Hidden = true
	command.AddVerbosity(cmd.Flags(), &o.verbosity)
}

// complete sets what follows from the command line and returns all of its errors.
func (o *options) complete(args []string) (err error) {
	errs := []error{
		command.CheckNotNegative("timeout", o.timeout, "for no limit"),
		command.CheckNotNegative("linger", o.linger, "to end at once"),
		command.CheckNotNegative("kill-grace", o.killGrace, "to kill at once"),
	}
	if o.maxDataSize, err = command.EnvironmentDataSize(); err != nil {
		errs = append(errs, err)
	}
	if info, err := os.Stat(o.file); err == nil && info.IsDir() {
		errs = append(errs, fmt.Errorf("--file %s is a directory; name the Tiltfile in it", o.file))
	}
	if o.file, err = filepath.Abs(o.file); err != nil {
		errs = append(errs, fmt.Errorf("--file %s: %w", o.file, err))
	}
	if err := errors.Join(errs...); err != nil {
		return command.WithCode(command.ExitUsage, "%w", err)
	}
	if o.address, err = host.Resolve(o.Host); err != nil {
		return command.WithCode(command.ExitUsage, "--host %q has no address: %w", o.Host, err)
	}
	o.args = args
	return nil
}

// session is the Session that the command creates.
func (o *options) session() *v1alpha1.Session {
	s := &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{
			Name:        command.SessionName,
			Annotations: map[string]string{"tilt.dev/resource": model.TiltfileResource},
			Finalizers:  []string{v1alpha1.Finalizer}, // The controller would add it.
		},
		Spec: v1alpha1.SessionSpec{
			TiltfilePath: o.file, ExitCondition: o.exitCondition, Args: o.args, KeepGoing: o.keepGoing,
		},
	}
	if o.exitCondition == v1alpha1.ExitConditionCI {
		s.Spec.CI = &v1alpha1.SessionCISpec{
			Timeout:          &metav1.Duration{Duration: o.timeout},
			ReadinessTimeout: &metav1.Duration{Duration: model.DefaultReadinessTimeout},
		}
	}
	return s
}
