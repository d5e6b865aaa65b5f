// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apiserver/pkg/storage/etcd3"
	"k8s.io/utils/clock"
)

// Bounds of the history where Options doesn't say otherwise. The age is what
// an API server keeps of etcd's history.
const (
	DefaultHistoryRevisions = 10_000
	DefaultHistoryBytes     = 64 << 20
	DefaultHistoryAge       = 5 * time.Minute
)

// ErrClosed is the answer of a store that was closed.
var ErrClosed = errors.New("mvcc: store is closed")

// Options says how a store is to be. The zero value is a store in memory.
type Options struct {
	// Clock measures leases and the age of the history; nil is the real one.
	Clock clock.Clock
	// HistoryRevisions, HistoryBytes (of keys and values) and HistoryAge bound
	// what is kept of the past; 0 is the default. The latest revision is
	// always kept. Age is bounded with a tolerance of a tenth, and what no
	// longer can be read may take up as much memory again until it is freed.
	HistoryRevisions int
	HistoryBytes     int64
	HistoryAge       time.Duration
	// Log is nil for a store that ends with its process. The caller closes it,
	// after the store.
	Log Log
	// Restore is what the Log held when it was opened; nil is nothing.
	Restore *Snapshot
}

// limits are the bounds that each commit keeps.
type limits struct {
	revisions int
	bytes     int64
}

// Store holds the keys, their history and the leases. New makes one; Close
// ends it. All methods can be called at any time by any goroutine.
type Store struct {
	clock  clock.Clock
	limits limits
	maxAge time.Duration
	log    Log

	state   atomic.Pointer[state]
	watches watches

	queueMu sync.Mutex
	queue   []*proposal

	commitMu sync.Mutex // whoever holds it owns leases, and publishes state
	leases   leases

	failed  atomic.Pointer[error] // why nothing could be committed last
	closed  atomic.Bool
	stop    chan struct{}
	wake    chan struct{} // tells the housekeeper that there is something new
	running sync.WaitGroup
}

var _ etcd3.Compactor = (*Store)(nil)

// New returns a running store. It fails when what it is to restore
// contradicts itself.
func New(o Options) (*Store, error) {
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	first, err := newState(o.Restore, o.Clock.Now())
	if err != nil {
		return nil, fmt.Errorf("mvcc: restoring: %w", err)
	}
	s := &Store{
		clock:  o.Clock,
		limits: limits{cmp.Or(o.HistoryRevisions, DefaultHistoryRevisions), cmp.Or(o.HistoryBytes, DefaultHistoryBytes)},
		maxAge: cmp.Or(o.HistoryAge, DefaultHistoryAge),
		log:    o.Log,
		stop:   make(chan struct{}),
		wake:   make(chan struct{}, 1),
	}
	if o.Restore != nil {
		s.leases = newLeases(o.Restore.Leases)
	}
	s.state.Store(first)
	s.running.Go(s.keepHouse)
	return s, nil
}

// CompactRevision is the oldest revision that can be read, 0 before the first
// compaction.
func (s *Store) CompactRevision() int64 { return s.state.Load().compacted }

// Err tells why the store takes no changes: ErrClosed, what its Log last failed
// with until it works again, or nil.
func (s *Store) Err() error {
	if s.closed.Load() {
		return ErrClosed
	}
	if failed := s.failed.Load(); failed != nil {
		return *failed
	}
	return nil
}

// read returns what readers see.
func (s *Store) read() (*state, error) {
	if s.closed.Load() {
		return nil, ErrClosed
	}
	return s.state.Load(), nil
}

// Close waits for the changes under way, ends all watches, and returns when
// none of the store's goroutines is left. What is asked afterwards gets
// ErrClosed, a watch a closed channel.
func (s *Store) Close() {
	s.commitMu.Lock()
	if !s.closed.Swap(true) {
		close(s.stop)
	}
	s.commitMu.Unlock()
	s.watches.close()
	s.running.Wait()
}
