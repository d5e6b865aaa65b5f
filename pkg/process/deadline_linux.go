// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import "golang.org/x/sys/unix"

const uptimeClock = unix.CLOCK_BOOTTIME
