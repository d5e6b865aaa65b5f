// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"maps"
	"path/filepath"
	"slices"
	"time"

	"tilt.dev/session/pkg/model"
)

// A path that has changed within as many runs in a row as ownRuns is taken for
// something that the runs themselves write, if those had no other cause than
// such changes. So is, after ownDirRuns, whatever changes in the same
// directory, for the sake of files that have a new name each time.
const (
	ownRuns    = 3
	ownDirRuns = 10
)

// changes are those of the files that something depends on, and decide whether
// it has to run again. The zero value is of something that never ran.
//
// A run consumes what was noticed before its start. What was noticed later and
// made before its end may be somebody's edit or what the run itself has
// written: it leads to another run, unless it comes again with each of them.
// What was made after the end always leads to another run.
type changes struct {
	// start and finish are those of the last run. finish is zero while it
	// goes on.
	start, finish time.Time
	// noted are the changes that no run has consumed, by path.
	noted map[string]change
	// doubted is true when the last run had no other cause than changes within
	// the run before. rounds are what has changed within those before it for
	// which that's true as well, the last one at the end.
	doubted bool
	rounds  []map[string]struct{}
	// own and ownDirs are what the runs have been found to write themselves.
	own, ownDirs map[string]struct{}
}

// change is all that was told of one path.
type change struct {
	// seen is when it was first noticed, modified when it was last made.
	seen, modified time.Time
}

// running is true between begin and end.
func (c *changes) running() bool { return !c.start.IsZero() && c.finish.IsZero() }

// add notes changes, but for those that the last run has consumed.
func (c *changes) add(list []model.Change) {
	for _, m := range list {
		if m.Seen.Before(c.start) {
			continue
		}
		if c.noted == nil {
			c.noted = map[string]change{}
		}
		n := change{m.Seen, m.Modified}
		if known, ok := c.noted[m.Path]; ok {
			n.seen = earliest(known.seen, n.seen)
			if known.modified.After(n.modified) {
				n.modified = known.modified
			}
		}
		c.noted[m.Path] = n
	}
}

// begin records that a run starts, which consumes all changes so far, and
// whether it has another cause than changes. It returns their paths, sorted.
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

// forget makes nothing of what earlier runs are known to write themselves.
func (c *changes) forget() {
	c.doubted, c.rounds, c.own, c.ownDirs = false, nil, nil, nil
}

// end records that the run has ended.
func (c *changes) end(now time.Time) { c.finish = now }

// within returns the paths of the changes that were made before the end of the
// last run.
func (c *changes) within() map[string]struct{} {
	within := map[string]struct{}{}
	if c.start.IsZero() {
		return within
	}
	for path, n := range c.noted {
		if c.finish.IsZero() || !n.modified.After(c.finish) {
			within[path] = struct{}{}
		}
	}
	return within
}

// settle drops the changes that the last run is known to have made itself, and
// returns the paths and directories that were found out only now, sorted.
// It's for when nothing runs.
func (c *changes) settle() (found []string) {
	within := c.within()
	for path := range c.noted {
		if _, ok := within[path]; !ok {
			// Somebody else writes it too.
			delete(c.own, path)
			delete(c.ownDirs, filepath.Dir(path))
		}
	}
	found = slices.Concat(c.learn(&c.own, within, ownRuns, itself), c.learn(&c.ownDirs, within, ownDirRuns, filepath.Dir))
	for path := range within {
		if has(c.own, path) || has(c.ownDirs, filepath.Dir(path)) {
			delete(c.noted, path)
		}
	}
	return found
}

// learn adds to own the names that are the same in as many rounds as runs, the
// last one being within, and returns those that are new.
func (c *changes) learn(own *map[string]struct{}, within map[string]struct{}, runs int, name func(string) string) []string {
	if !c.doubted || len(c.rounds) < runs-1 {
		return nil
	}
	common := names(within, name)
	for _, round := range c.rounds[len(c.rounds)-runs+1:] {
		round = names(round, name)
		maps.DeleteFunc(common, func(n string, _ struct{}) bool { return !has(round, n) })
	}
	maps.DeleteFunc(common, func(n string, _ struct{}) bool { return has(*own, n) })
	if len(common) > 0 && *own == nil {
		*own = map[string]struct{}{}
	}
	maps.Copy(*own, common)
	return slices.Sorted(maps.Keys(common))
}

// since is when the first change that leads to another run was noticed, zero if
// there's none. It's right after settle.
func (c *changes) since() (since time.Time) {
	for _, n := range c.noted {
		since = earliest(since, n.seen)
	}
	return since
}

// outside tells whether some change was made after the last run.
func (c *changes) outside() bool { return len(c.within()) < len(c.noted) }

func itself(path string) string { return path }

func names(paths map[string]struct{}, name func(string) string) map[string]struct{} {
	names := make(map[string]struct{}, len(paths))
	for path := range paths {
		names[name(path)] = struct{}{}
	}
	return names
}

func has(set map[string]struct{}, name string) bool {
	_, ok := set[name]
	return ok
}
