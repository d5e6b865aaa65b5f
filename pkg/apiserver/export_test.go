// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import "github.com/jonboulle/clockwork"

// SetClock has a server's certificates renewed by a test's clock.
func (o *Options) SetClock(clock clockwork.Clock) { o.clock = clock }
