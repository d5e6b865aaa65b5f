// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"os"
	"slices"

	"k8s.io/client-go/util/cert"
)

// readFlagFile reads the file that a flag names. Its error names both.
func readFlagFile(flag, path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		// It names the file.
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return content, nil
}

// checkAuthorities returns what keeps the file that a flag names from being a
// bundle of certificates.
func checkAuthorities(flag, path string) error {
	content, err := readFlagFile(flag, path)
	if err != nil {
		return err
	}
	if _, err := cert.ParseCertsPEM(content); err != nil {
		return fmt.Errorf("%s: %s is not a bundle of certificates in PEM: %w", flag, path, err)
	}
	return nil
}

// nonNil returns the errors that are some.
func nonNil(errs ...error) []error {
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}
