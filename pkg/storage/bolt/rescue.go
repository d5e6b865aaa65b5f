// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode"

	"go.etcd.io/etcd/api/v3/mvccpb"
)

// Rescued is what could be read of a file that may be damaged.
type Rescued struct {
	// KeyValues are the last versions of the keys that weren't deleted, in the
	// order of keys. Each was stored as it is. Which one is the last may be
	// uncertain; then there is a problem that says so.
	KeyValues []*mvccpb.KeyValue
	// Problems are what is lost, or uncertain. Without any, all is there.
	Problems []Problem
}

// Rescue reads what can be read in the file of a directory, however damaged it
// is. The error is for what keeps it from looking.
func Rescue(ctx context.Context, dir string, progress Progress) (*Rescued, error) {
	var rescued *Rescued
	err := withExisting(dir, func(path string) error {
		file, err := os.Open(path)
		if err != nil {
			return unreadable(path, err)
		}
		defer file.Close()
		r := newRescue()
		r.structure(file)
		if err := r.read(ctx, file, progress); err != nil {
			return unreadable(path, err)
		}
		rescued = r.result()
		return nil
	})
	return rescued, err
}

// rescuing is a rescue as far as it got.
type rescuing struct {
	problems []Problem
	salvage  *salvage
	// latest are the entries of the highest revision by key, known are all by
	// their keys, and revisions those that they are of.
	latest    map[string]entry
	known     map[string]struct{}
	revisions map[int64]struct{}
	// broken are entries that aren't whole, by their keys.
	broken map[string]error
	// uncertain are keys whose latest entry is in a page that may be an old one.
	uncertain map[string]struct{}
}

func newRescue() *rescuing {
	return &rescuing{
		latest: map[string]entry{}, known: map[string]struct{}{}, revisions: map[int64]struct{}{},
		broken: map[string]error{}, uncertain: map[string]struct{}{},
	}
}

func (r *rescuing) found(key string, rev int64, err error) {
	r.problems = append(r.problems, Problem{key, rev, err})
}

// structure finds out which pages are damaged.
func (r *rescuing) structure(file *os.File) {
	tell := func(err error) { r.found("", 0, err) }
	if _, _, err := checkTree(file, tell); err != nil {
		tell(err)
	}
}

// read takes what the tree has, and what it should have from elsewhere.
func (r *rescuing) read(ctx context.Context, file *os.File, progress Progress) (err error) {
	if r.salvage, err = newSalvage(file); err != nil {
		return err
	}
	return r.salvaged(ctx, progress)
}

// salvaged takes what a salvage finds.
func (r *rescuing) salvaged(ctx context.Context, progress Progress) error {
	r.salvage.entry = func(e entry) { r.add(e, false) }
	r.salvage.unreadable = r.addBroken
	r.salvage.lost = func(err error) { r.found("", 0, err) }
	if err := r.salvage.follow(ctx, progress); err != nil {
		return err
	}
	if r.complete() {
		return nil
	}
	free, whole := r.salvage.free()
	// With the list of free pages, what nothing refers to has lost its branch.
	r.salvage.entry = func(e entry) { r.add(e, !whole) }
	if err := r.salvage.scan(ctx, free, progress); err != nil {
		return err
	}
	if r.salvage.head == nil && len(r.known) == 0 {
		return damaged("nothing of a storage was found in it")
	}
	return nil
}

// complete tells whether the tree has all the entries that it should have,
// whole or not. Then none of them is anywhere else.
func (r *rescuing) complete() bool {
	h := r.salvage.head
	return h != nil && r.missing(*h) == 0 && r.gaps(*h) == ""
}

// missing is how many entries weren't found. One that is broken in one place
// and whole in another is found once.
func (r *rescuing) missing(h head) int64 {
	missing := h.entries - int64(len(r.known))
	for key := range r.broken {
		if _, whole := r.known[key]; !whole {
			missing--
		}
	}
	return missing
}

// add notes an entry, which is uncertain if it may be of an old page. What is
// later than the tree's head was never acknowledged.
func (r *rescuing) add(e entry, uncertain bool) {
	name, rev := string(e.kv.Key), e.kv.ModRevision
	if h := r.salvage.head; r.salvage.scanning && h != nil && rev > h.revision {
		return
	}
	key := string(versionKey(e.kv.Key, rev))
	if _, twice := r.known[key]; twice {
		return
	}
	r.known[key] = struct{}{}
	r.revisions[rev] = struct{}{}
	if before, there := r.latest[name]; there && before.kv.ModRevision > rev {
		return
	}
	r.latest[name] = e
	delete(r.uncertain, name)
	if uncertain {
		r.uncertain[name] = struct{}{}
	}
}

// addBroken notes what isn't whole.
func (r *rescuing) addBroken(key []byte, err error) {
	if _, rev := nameOf(key); rev > 0 {
		r.revisions[rev] = struct{}{}
	}
	r.broken[string(key)] = err
}

// result is what was found, and what is to be said about it.
func (r *rescuing) result() *Rescued {
	r.reportBroken()
	r.reportHead()
	rescued := &Rescued{}
	uncertain := 0
	for _, name := range slices.Sorted(maps.Keys(r.latest)) {
		if r.latest[name].deleted {
			continue
		}
		rescued.KeyValues = append(rescued.KeyValues, r.latest[name].kv)
		if _, is := r.uncertain[name]; is {
			uncertain++
		}
	}
	if uncertain > 0 {
		r.found("", 0, damaged("which pages are in use isn't known: of what was read, %d may have been deleted, or changed since", uncertain))
	}
	rescued.Problems = r.problems
	return rescued
}

// reportBroken tells of each entry that isn't whole whether there is an earlier
// version of its key.
func (r *rescuing) reportBroken() {
	for _, key := range slices.Sorted(maps.Keys(r.broken)) {
		if _, whole := r.known[key]; whole {
			continue // elsewhere
		}
		name, rev := nameOf([]byte(key))
		err := r.broken[key]
		if !r.plausible(name, rev) {
			r.found("", 0, fmt.Errorf("an entry, and which one isn't known: %w", err))
			continue
		}
		switch last, there := r.latest[name]; {
		case !there:
		case last.kv.ModRevision > rev:
			err = fmt.Errorf("%w; there is a later version", err)
		case last.deleted:
			err = fmt.Errorf("%w; it was deleted before", err)
		default:
			err = fmt.Errorf("%w; its version of revision %d is taken", err, last.kv.ModRevision)
		}
		r.found(name, rev, err)
	}
}

// plausible tells whether a key and a revision can be what they were written as.
func (r *rescuing) plausible(name string, rev int64) bool {
	h := r.salvage.head
	return rev > 0 && (h == nil || rev <= h.revision) && !strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) })
}

// reportHead tells what there should be.
func (r *rescuing) reportHead() {
	s := r.salvage
	if s.suspect {
		r.found("", 0, damaged("one of its first two pages isn't whole: the last change may be lost"))
	}
	h := s.head
	if h == nil {
		r.found("", 0, damaged("its head is lost: what was changed or deleted last may be as it was before"))
		return
	}
	if missing := r.missing(*h); missing > 0 {
		r.found("", 0, damaged("%d of %d versions are lost, and which ones they were isn't known", missing, h.entries))
	}
	if gaps := r.gaps(*h); gaps != "" {
		r.found("", 0, damaged("what was changed in revision %s is lost: it is as it was before, and what was deleted is there", gaps))
	}
}

// gaps are the revisions of the history that nothing is known of.
func (r *rescuing) gaps(h head) string {
	var gaps []string
	last := max(h.compacted, 1)
	known := append(slices.Sorted(maps.Keys(r.revisions)), h.revision+1)
	for _, rev := range known {
		if rev > h.revision+1 {
			continue // it's read from a damaged key
		}
		if rev > last+1 {
			gap := fmt.Sprint(last + 1)
			if rev > last+2 {
				gap = fmt.Sprintf("%d to %d", last+1, rev-1)
			}
			gaps = append(gaps, gap)
		}
		last = max(last, rev)
	}
	return strings.Join(gaps, ", ")
}
