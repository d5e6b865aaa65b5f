// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const (
	// minLease leaves a Runner time for several renewals, maxLease bounds how long a lost one goes unnoticed.
	minLease = 3
	maxLease = 300
	// maxEndpoint and maxBundle leave room for records of many Runners in every storage.
	maxEndpoint = 512
	maxBundle   = 64 << 10
)

// ValidateRunner returns all faults in the metadata and the spec of a new Runner.
func ValidateRunner(runner *Runner) field.ErrorList {
	metadata := field.NewPath("metadata")
	errs := validation.ValidateObjectMeta(&runner.ObjectMeta, false, validation.NameIsDNSSubdomain, metadata)
	errs = append(errs, validateMetadataTimes(&runner.ObjectMeta, metadata)...)
	return append(errs, validateRunnerSpec(&runner.Spec, field.NewPath("spec"))...)
}

// ValidateRunnerUpdate returns all faults in the metadata and the spec of a Runner that replaces another one.
func ValidateRunnerUpdate(runner, old *Runner) field.ErrorList {
	errs := validateMetadataTimes(&runner.ObjectMeta, field.NewPath("metadata"))
	at := field.NewPath("spec")
	errs = append(errs, validation.ValidateImmutableField(
		runner.Spec.LeaseDurationSeconds, old.Spec.LeaseDurationSeconds, at.Child("leaseDurationSeconds"))...)
	return append(errs, validateRunnerSpec(&runner.Spec, at)...)
}

// ValidateRunnerStatusUpdate returns all faults in the status of a Runner that replaces another one.
func ValidateRunnerStatusUpdate(runner, _ *Runner) field.ErrorList {
	errs := validateMetadataTimes(&runner.ObjectMeta, field.NewPath("metadata"))
	at := field.NewPath("status")
	if renewed := runner.Status.RenewTime; renewed != nil {
		errs = append(errs, validateTime(renewed.Time, at.Child("renewTime"))...)
	}
	if runner.Status.Running < 0 {
		errs = append(errs, field.Invalid(at.Child("running"), runner.Status.Running, "must not be negative"))
	}
	return errs
}

func validateRunnerSpec(spec *RunnerSpec, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if spec.Capacity < 1 {
		errs = append(errs, field.Invalid(at.Child("capacity"), spec.Capacity, "must be at least 1"))
	}
	errs = append(errs, validateLease(spec.LeaseDurationSeconds, at.Child("leaseDurationSeconds"))...)
	if spec.Endpoint != "" {
		if err := checkEndpoint(spec.Endpoint); err != nil {
			errs = append(errs, field.Invalid(at.Child("endpoint"), spec.Endpoint, err.Error()))
		}
		if len(spec.CABundle) == 0 {
			errs = append(errs, field.Required(at.Child("caBundle"), "must verify the certificate of spec.endpoint"))
		}
	}
	if len(spec.CABundle) > maxBundle {
		errs = append(errs, field.TooLong(at.Child("caBundle"), "", maxBundle))
	} else if err := checkBundle(spec.CABundle); err != nil {
		errs = append(errs, field.Invalid(at.Child("caBundle"), field.OmitValueType{}, err.Error()))
	}
	return errs
}

func validateLease(seconds int32, at *field.Path) field.ErrorList {
	if seconds < minLease || seconds > maxLease {
		return field.ErrorList{field.Invalid(at, seconds, fmt.Sprintf("must be from %d to %d", minLease, maxLease))}
	}
	return nil
}

// checkEndpoint returns what is wrong with an address that the server is to connect to. It must have nothing but a host
// and a port.
func checkEndpoint(endpoint string) error {
	if len(endpoint) > maxEndpoint {
		return fmt.Errorf("must be no more than %d bytes", maxEndpoint)
	}
	address, err := url.Parse(endpoint)
	if err != nil {
		return errors.New("must be a URL such as https://10.0.0.7:10360")
	}
	plain := url.URL{Scheme: "https", Host: address.Host}
	port, err := strconv.Atoi(address.Port())
	if plain.String() != endpoint || address.Hostname() == "" || err != nil || port < 1 || port > 65535 {
		return errors.New("must be https:// with a host and a port, and nothing else")
	}
	return nil
}

func checkBundle(bundle []byte) error {
	for rest := bytes.TrimSpace(bundle); len(rest) > 0; rest = bytes.TrimSpace(rest) {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return errors.New("must have certificates in PEM and nothing else")
		}
		if block.Type != "CERTIFICATE" {
			return fmt.Errorf("must have certificates alone, not a block %q", block.Type)
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return fmt.Errorf("must have certificates in PEM: %w", err)
		}
	}
	return nil
}

func validateClaim(claim *SessionRunner, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if claim.Name == "" {
		errs = append(errs, field.Required(at.Child("name"), "must be that of the Runner"))
	}
	if claim.UID == "" {
		errs = append(errs, field.Required(at.Child("uid"), "must be that of the Runner"))
	}
	errs = append(errs, validateTime(claim.ClaimTime.Time, at.Child("claimTime"))...)
	return append(errs, validateLease(claim.LeaseDurationSeconds, at.Child("leaseDurationSeconds"))...)
}
