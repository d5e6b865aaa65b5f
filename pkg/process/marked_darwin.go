// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

// killMarked does nothing: environments of other processes can't be relied on
// to be readable here.
func killMarked(string) {}
