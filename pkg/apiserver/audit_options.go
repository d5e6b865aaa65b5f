// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apiserver/pkg/audit/policy"
	genericoptions "k8s.io/apiserver/pkg/server/options"
)

// AuditOptions say by files which requests are recorded and where. By default none
// is. Each is written before its request is answered.
type AuditOptions struct {
	// PolicyFile is the path of an audit.k8s.io/v1 Policy, which is read once.
	PolicyFile string
	// Log is the file that requests are recorded in, and how many there get to be
	// of it.
	Log genericoptions.AuditLogOptions
}

func newAuditOptions() AuditOptions {
	return AuditOptions{Log: genericoptions.NewAuditOptions().LogOptions}
}

// AddFlags adds the flags, with what is set as their defaults.
func (o *AuditOptions) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.PolicyFile, "audit-policy-file", o.PolicyFile, "file with the audit policy, which says of each request how much of it is recorded")
	o.Log.AddFlags(fs)
}

// Validate returns everything that's wrong with the options, and with the policy.
func (o *AuditOptions) Validate() []error {
	log := o.Log
	if log.Path == "" {
		log.Path = "-" // or nothing would be validated
	}
	errs := log.Validate()
	for i, err := range errs {
		// The library doesn't name these flags.
		switch {
		case strings.Contains(err.Error(), "audit log format"):
			errs[i] = fmt.Errorf("--audit-log-format: %w", err)
		case strings.Contains(err.Error(), "group version"):
			errs[i] = fmt.Errorf("--audit-log-version: %w", err)
		}
	}
	switch {
	case o.PolicyFile == "" && o.Log.Path != "":
		errs = append(errs, errors.New("--audit-log-path: nothing is recorded without --audit-policy-file"))
	case o.PolicyFile != "" && o.Log.Path == "":
		errs = append(errs, errors.New("--audit-policy-file: nothing is recorded without --audit-log-path"))
	case o.PolicyFile != "":
		if _, err := policy.LoadPolicyFromFile(o.PolicyFile); err != nil {
			errs = append(errs, fmt.Errorf("--audit-policy-file: %w", err))
		}
	}
	return errs
}

// record sets up the recording of requests.
func (c *Config) record() error {
	if audit := c.options.Audit; audit != nil {
		c.generic.AuditPolicyRuleEvaluator, c.generic.AuditBackend = audit.Policy, audit.Backend
		return nil
	}
	files := genericoptions.NewAuditOptions()
	files.PolicyFile, files.LogOptions = c.options.AuditFiles.PolicyFile, c.options.AuditFiles.Log
	if files.PolicyFile == "" {
		return nil
	}
	if err := files.ApplyTo(c.generic); err != nil {
		return fmt.Errorf("--audit-policy-file and --audit-log-path: %w", err)
	}
	return nil
}
