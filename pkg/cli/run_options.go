// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/model"
)

// runOptions say which Tiltfile is run, and how.
type runOptions struct {
	endpoint
	exitCondition v1alpha1.ExitCondition
	// file is the Tiltfile, absolute after complete.
	file string
	// timeout is the overall limit of ci, 0 for none.
	timeout time.Duration
	// keepGoing has ci end only when nothing is left that a failure doesn't hold
	// back.
	keepGoing bool
	// killGrace is the time from SIGTERM to SIGKILL.
	killGrace time.Duration
	// args are the Tiltfile's arguments.
	args []string
	// verbosity is the level of the log for operators, 0 for errors alone.
	verbosity int
}

// defaultKillGrace is what processes get that don't want to end.
const defaultKillGrace = 10 * time.Second

// addFlags adds the flags that up and ci share.
func (o *runOptions) addFlags(cmd *cobra.Command) {
	o.endpoint.addFlags(cmd)
	cmd.Flags().StringVarP(&o.file, "file", "f", "Tiltfile", "path of the Tiltfile; in a pipe such as /dev/stdin, paths are relative to the working directory")
	cmd.Flags().DurationVar(&o.killGrace, "kill-grace", defaultKillGrace,
		"how long processes may take to end after SIGTERM before they get SIGKILL")
	// Scripts written for Tilt say how to serve its web page; there's none here.
	cmd.Flags().String("web-mode", "", "")
	cmd.Flags().Lookup("web-mode").Hidden = true
	cmd.Flags().IntVarP(&o.verbosity, "v", "v", 0, "log the API server's work on stderr, in more detail the higher the number")
}

// complete fills in what follows from the command line and returns everything
// that's wrong with it.
func (o *runOptions) complete(cmd *cobra.Command, args []string) error {
	empty := emptyFlags(cmd)
	errs := []error{o.endpoint.complete(cmd), checkVerbosity(o.verbosity), checkDataSize()}
	if o.timeout < 0 {
		errs = append(errs, fmt.Errorf("--timeout %v is negative: use 0 for no limit", o.timeout))
	}
	if o.killGrace < 0 {
		errs = append(errs, fmt.Errorf("--kill-grace %v is negative: use 0 to kill at once", o.killGrace))
	}
	file, err := filepath.Abs(o.file)
	if err != nil {
		errs = append(errs, fmt.Errorf("--file %s: %w", o.file, err))
	}
	if info, err := os.Stat(o.file); err == nil && info.IsDir() {
		errs = append(errs, fmt.Errorf("--file %s is a directory: name the Tiltfile in it", o.file))
	}
	if err := errors.Join(withoutEmpty(empty, errs)...); err != nil {
		return withCode(ExitUsage, "%w", err)
	}
	o.file, o.args = file, args
	return nil
}

// session is the object that asks for the run.
func (o *runOptions) session() *v1alpha1.Session {
	s := &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{
			Name:        sessionName,
			Annotations: map[string]string{"tilt.dev/resource": model.TiltfileResource},
			// The controller sets it before it starts a run, if it's not there.
			Finalizers: []string{v1alpha1.Finalizer},
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

// sessionName is the name of the Session of up and ci, as Tilt has it.
const sessionName = "Tiltfile"
