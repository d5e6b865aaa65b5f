// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
)

// write writes until the process is killed, and fails when it is refused before that.
func (r *run) write(ctx context.Context, process Process, killed *atomic.Bool, writer int, random *rand.Rand) error {
	for ctx.Err() == nil {
		name := fmt.Sprintf("object-%d-%d", writer, random.IntN(r.options.Objects))
		before, tried, highest := r.ledger.begin(name, func(last write) write { return r.choose(random, name, last) })
		version, err := perform(ctx, process, name, before, tried)
		switch {
		case err != nil && killed.Load():
			return nil // the outcome is known after the restart
		case err != nil:
			return fmt.Errorf("writing %s of %s: %w", tried, name, err)
		}
		if err := r.ledger.acknowledge(name, version, highest); err != nil {
			return err
		}
	}
	return nil
}

// choose makes up what to write.
func (r *run) choose(random *rand.Rand, name string, last write) write {
	if !last.deleted && random.IntN(5) == 0 {
		return write{deleted: true}
	}
	stamp := fmt.Sprintf("%s %016x ", name, random.Uint64())
	return write{content: stamp + strings.Repeat("x", random.IntN(r.options.Size))}
}

// perform returns the new version, which a deletion doesn't have.
func perform(ctx context.Context, process Process, name string, before, tried write) (int64, error) {
	switch {
	case tried.deleted:
		return 0, process.Delete(ctx, name, before.version)
	case before.deleted:
		return process.Create(ctx, name, tried.content)
	default:
		return process.Update(ctx, name, tried.content, before.version)
	}
}
