// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import "context"

// turn lets one at a time do something. Unlike that of a mutex, the wait for it ends with a context.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// take waits for the turn. Without an error the caller has to give it back.
func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) giveBack() { <-t }
