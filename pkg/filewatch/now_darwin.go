// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import "time"

// fileNow is at most the modification time of the next file that is modified.
func fileNow() int64 { return time.Now().UnixNano() }
