// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import "sync"

// inbox holds the notices for one watch until it takes them, one for each path
// however often that changes. Adding a notice never blocks.
type inbox struct {
	// filled holds a value while there may be notices or an error.
	filled chan struct{}

	mu      sync.Mutex
	order   []address
	notices map[address]notice
	err     error
}

// address is the root that a notice is for, and the path that it is about.
type address struct {
	root *root
	path string
}

// put adds a notice, or updates the present one.
func (in *inbox) put(r *root, n notice) {
	in.mu.Lock()
	defer in.mu.Unlock()
	to := address{r, n.path}
	if old, ok := in.notices[to]; ok {
		n.structural = n.structural || old.structural
	} else {
		in.order = append(in.order, to)
	}
	in.notices[to] = n
	in.wake()
}

// warn sets the error. Only the last error is kept.
func (in *inbox) warn(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.err = err
	in.wake()
}

func (in *inbox) wake() {
	select {
	case in.filled <- struct{}{}:
	default:
	}
}

// take returns and removes the notices and the error.
func (in *inbox) take() (order []address, notices map[address]notice, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	order, notices, err = in.order, in.notices, in.err
	in.order, in.notices, in.err = nil, map[address]notice{}, nil
	return order, notices, err
}
