// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import "golang.org/x/sys/unix"

// uptimeClock goes on while the machine sleeps, unlike that of the same name on Linux.
const uptimeClock = unix.CLOCK_MONOTONIC
