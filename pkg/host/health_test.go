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

func TestHealthIsToldOnceItChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full, damaged := errors.New("full"), errors.New("damaged")
		answers := []error{nil, full, damaged, nil, nil, full}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		began := time.Now()
		check := func(context.Context) error {
			if len(answers) == 0 {
				cancel()
				return nil // as if it worked again, which nobody wants to know any more
			}
			answer := answers[0]
			answers = answers[1:]
			return answer
		}
		var told []error
		watchHealth(ctx, check, func(err error) { told = append(told, err) })
		if !slices.Equal(told, []error{full, nil, full}) {
			t.Errorf("it told %v", told)
		}
		if took := time.Since(began); took != 7*healthEvery {
			t.Errorf("seven looks took %v", took)
		}
	})
}
