// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"testing"
	"time"
)

// started is when the variables of this package were set, after the start.
var started = time.Now()

func TestProcessAge(t *testing.T) {
	least := time.Since(started)
	age, err := processAge()
	if err != nil {
		t.Fatal(err)
	}
	if age < least-tick || age > least+time.Minute {
		t.Errorf("the process has run for %v, %v after its variables were set", age, least)
	}
}
