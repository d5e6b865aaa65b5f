// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import "time"

// fileNow is not after the time that a file gets which is modified next.
func fileNow() int64 { return time.Now().UnixNano() }
