// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

// ended is never certain: launchd reaps what is left to it.
func zombie(int) bool { return false }
