// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"testing"
)

func discovery(t *testing.T, s *server) {
	t.Run("Legacy", func(t *testing.T) {
		t.Parallel()
		s.get(t, groupPath).want(http.StatusOK)
	})
}
