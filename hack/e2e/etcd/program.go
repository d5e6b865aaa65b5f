// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package etcd

import "testing"

// Program returns the path of etcd's server.
func Program(t testing.TB) string {
	t.Helper()
	return build(t)
}
