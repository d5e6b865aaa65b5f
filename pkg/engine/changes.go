// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"maps"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"

	"tilt.dev/session/pkg/model"
)

// A run's own file is one that the run itself writes. A path counts as one after it changed during ownRuns runs in
// a row that had no cause but such changes. After ownDirRuns, so does every path in the same directory, because
// some commands write files with a new name each time.
const (
	ownRuns    = 3
	ownDirRuns = 10
)

// changes records the changes of a task's files and decides whether the task runs
// again. The zero value is for a task that never ran.
//
// A run consumes the changes that were seen before its start. A change that was seen later and made before its end
// may be an edit, or the run's own: it leads to another run, unless it recurs with each run. A change that was made
// after the end always leads to another run.
type changes struct {
	// start and finish are the times of the last run. finish is zero while it runs.
	start, finish time.Time
	// noted are the changes that no run has consumed, by path.
	noted map[string]change
	// doubted is true if the last run had no cause but changes during the run before. rounds are the paths that
	// changed during each of the earlier runs for which that is true too, the latest last.
	doubted bool
	rounds  []sets.Set[string]
	// own and ownDirs are the runs' own paths and directories.
	own, ownDirs sets.Set[string]
}

// change summarizes the changes of one path.
type change struct {
	// seen is when the first was seen, modified when the last was made.
	seen, modified time.Time
}

// running is true between begin and end.
func (c *changes) running() bool { return !c.start.IsZero() && c.finish.IsZero() }

// add notes changes, except for those that the last run consumed.
func (c *changes) add(list []model.Change) {
	for _, m := range list {
		if m.Seen.Before(c.start) {
			continue
		}
		if c.noted == nil {
			c.noted = map[string]change{}
		}
		n := c.noted[m.Path]
		n.seen = earliest(n.seen, m.Seen)
		if m.Modified.After(n.modified) {
			n.modified = m.Modified
		}
		c.noted[m.Path] = n
	}
}

// begin records the start of a run, and whether it has a cause other than changes.
// It returns the sorted paths of the changes, which the run consumes.
func (c *changes) begin(now time.Time, otherCause bool) []string {
	paths := slices.Sorted(maps.Keys(c.noted))
	within := c.within()
	doubted := !otherCause && len(within) > 0 && len(within) == len(c.noted)
	switch {
	case !doubted:
		c.rounds = nil
	case c.doubted:
		c.rounds = append(c.rounds, within)
		c.rounds = c.rounds[max(0, len(c.rounds)-ownDirRuns+1):]
	}
	c.doubted = doubted
	c.start, c.finish = now, time.Time{}
	c.noted = nil
	return paths
}

// hand drops the noted changes, which others than a run consume. Those consume nothing else: a change that was seen
// before may be noted later.
func (c *changes) hand() { c.noted = nil }

// forget forgets the runs' own files.
func (c *changes) forget() {
	c.doubted, c.rounds, c.own, c.ownDirs = false, nil, nil, nil
}

// end records the end of the run.
func (c *changes) end(now time.Time) { c.finish = now }

// within returns the paths of the noted changes that were made before the end of the last run.
func (c *changes) within() sets.Set[string] {
	within := sets.Set[string]{}
	if c.start.IsZero() {
		return within
	}
	for path, n := range c.noted {
		if c.finish.IsZero() || !n.modified.After(c.finish) {
			within.Insert(path)
		}
	}
	return within
}

// dropOwn drops the last run's own changes, and returns the sorted paths and directories that it newly recognizes
// as the run's own. It must not be called during a run.
func (c *changes) dropOwn() (found []string) {
	within := c.within()
	for path := range c.noted {
		if !within.Has(path) {
			// Not only the runs write it.
			delete(c.own, path)
			delete(c.ownDirs, filepath.Dir(path))
		}
	}
	found = c.learn(&c.own, within, ownRuns, func(path string) string { return path })
	found = append(found, c.learn(&c.ownDirs, within, ownDirRuns, filepath.Dir)...)
	for path := range within {
		if c.own.Has(path) || c.ownDirs.Has(filepath.Dir(path)) {
			delete(c.noted, path)
		}
	}
	return found
}

// learn adds to own the names that occur in each of the last rounds, of which within is the last, and returns the
// new names in order.
func (c *changes) learn(own *sets.Set[string], within sets.Set[string], runs int, name func(string) string) []string {
	if !c.doubted || len(c.rounds) < runs-1 {
		return nil
	}
	common := names(within, name)
	for _, round := range c.rounds[len(c.rounds)-runs+1:] {
		common = common.Intersection(names(round, name))
	}
	found := common.Difference(*own)
	*own = own.Union(found)
	return slices.Sorted(maps.Keys(found))
}

// since is when the first change that leads to another run was seen, zero if there is none. It is valid after dropOwn.
func (c *changes) since() (since time.Time) {
	for _, n := range c.noted {
		since = earliest(since, n.seen)
	}
	return since
}

// outside reports whether any change was made after the last run.
func (c *changes) outside() bool { return len(c.within()) < len(c.noted) }

func names(paths sets.Set[string], name func(string) string) sets.Set[string] {
	names := make(sets.Set[string], len(paths))
	for path := range paths {
		names.Insert(name(path))
	}
	return names
}
