// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"sync"
	"time"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/kubeconfig"
)

const (
	// arrivalTimeout is how long clients that have connected before the server
	// was up may take to ask for something.
	arrivalTimeout = 100 * time.Millisecond
	// visitTimeout is how long who has read the kubeconfig may take to ask for
	// Sessions: some languages need a while to set up their TLS, on a busy machine
	// more than a second.
	visitTimeout = 3 * time.Second
	// maxPatience bounds for how long readers of the kubeconfig are looked for from
	// when the server is ready.
	maxPatience = time.Second
)

// visitors are clients that want to see a run from its beginning. A run can be
// shorter than their way to the server, so it waits for those that are known to
// be on it, and for nobody else.
type visitors struct {
	server *apiserver.Server
	// ends is true for a run that ends by itself.
	ends bool

	mu      sync.Mutex
	readers *kubeconfig.Readers
	// until is when readers aren't looked for any longer.
	until time.Time
	// waited is true when they were given their time.
	waited bool
}

// connected waits for clients that have connected already, now that the server
// is ready. Who asks for nothing isn't waited for any longer.
func (v *visitors) connected(ctx context.Context) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.until = time.Now().Add(v.patience())
	ctx, cancel := context.WithTimeout(ctx, arrivalTimeout)
	defer cancel()
	_ = v.server.Arrived(ctx)
}

// informed waits for who has read the kubeconfig since the entry is in it. It
// does so once: who doesn't come then has read it for another reason.
func (v *visitors) informed(ctx context.Context) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.waited || !v.readers.Seen(time.Until(v.until)) {
		return
	}
	v.waited = true
	ctx, cancel := context.WithTimeout(ctx, visitTimeout)
	defer cancel()
	_ = v.server.Visited(ctx)
}

// patience is for how long readers are looked for. Whoever polls for the entry is
// as slow as the machine is, which shows in how long this process took to start:
// half of that is too short for one reader in twenty on a busy machine. Twice that
// is nothing for a run that goes on until somebody ends it.
func (v *visitors) patience() time.Duration {
	age, err := processAge()
	if err != nil {
		return 0 // readers are told by the same system
	}
	if !v.ends {
		age *= 2
	}
	return min(age, maxPatience)
}
