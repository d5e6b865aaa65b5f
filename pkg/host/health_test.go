// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestHealthIsReportedWhenItChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full, damaged := errors.New("full"), errors.New("damaged")
		answers := []error{nil, full, damaged, nil, nil, full}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		began := time.Now()
		check := func(context.Context) error {
			if len(answers) == 0 {
				cancel()
				return nil // as if it worked again, which must not be reported after the end
			}
			answer := answers[0]
			answers = answers[1:]
			return answer
		}
		var reported []error
		watchHealth(ctx, check, func(err error) { reported = append(reported, err) })
		if !slices.Equal(reported, []error{full, nil, full}) {
			t.Errorf("it reported %v", reported)
		}
		if took := time.Since(began); took != 7*healthEvery {
			t.Errorf("seven looks took %v", took)
		}
	})
}
