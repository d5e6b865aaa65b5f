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

// The default bounds of the history. The age is the one that an API server keeps of etcd's history.
const (
	DefaultHistoryRevisions = 10_000
	DefaultHistoryBytes     = 64 << 20
	DefaultHistoryAge       = 5 * time.Minute
)

// ErrClosed is the error of calls to a closed store.
var ErrClosed = errors.New("mvcc: store is closed")

// Options configure a store. The zero value configures a store in memory.
type Options struct {
	// Clock measures the age of the history; nil is the real clock.
	Clock clock.Clock
	// HistoryRevisions, HistoryBytes (of keys and values) and HistoryAge bound the history; 0 is the default. The
	// latest revision is always kept. The age has a tolerance of a tenth. Dropped history may use as much memory
	// again until it is freed.
	HistoryRevisions int
	HistoryBytes     int64
	HistoryAge       time.Duration
	// Log is nil for a store that ends with its process. The caller closes it, after the store.
	Log Log
	// Restore is what the Log held when it was opened; nil is nothing.
	Restore *Snapshot
}

// limits are the bounds that each commit keeps.
type limits struct {
	revisions int
	bytes     int64
}

// Store holds the keys and their history. New makes one; Close ends it. All methods are safe for concurrent use.
type Store struct {
	clock  clock.Clock
	limits limits
	maxAge time.Duration
	log    Log

	state   atomic.Pointer[state]
	watches watches

	queueMu sync.Mutex
	queue   []*proposal

	commitMu   sync.Mutex // guards unresolved, and serializes writes of state
	unresolved *attempt   // the failed commit whose outcome is unknown

	failed  atomic.Pointer[error] // why the Log failed; set while unresolved is
	closed  atomic.Bool
	stop    chan struct{}
	wake    chan struct{} // makes the housekeeper look at failed
	running sync.WaitGroup
}

var _ etcd3.Compactor = (*Store)(nil)

// New returns a running store. It fails if Options.Restore is inconsistent.
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
	s.state.Store(first)
	s.running.Go(s.keepHouse)
	return s, nil
}

// CompactRevision returns the oldest revision that can be read, 0 before the first compaction.
func (s *Store) CompactRevision() int64 { return s.state.Load().compacted }

// Err returns why the store accepts no changes: ErrClosed, the last error of
// its Log until that is open again, or nil.
func (s *Store) Err() error {
	if s.closed.Load() {
		return ErrClosed
	}
	if failed := s.failed.Load(); failed != nil {
		return *failed
	}
	return nil
}

// read returns the current state.
func (s *Store) read() (*state, error) {
	if s.closed.Load() {
		return nil, ErrClosed
	}
	return s.state.Load(), nil
}

// Close waits for the changes in progress, ends all watches, and returns when none of the store's goroutines is
// left. Later calls return ErrClosed, later watches a closed channel.
func (s *Store) Close() {
	s.commitMu.Lock()
	if !s.closed.Swap(true) {
		close(s.stop)
	}
	s.commitMu.Unlock()
	s.watches.close()
	s.running.Wait()
}
