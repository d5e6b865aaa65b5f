// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tilt.dev/session/pkg/storage/mvcc"
)

// written is a file of many pages, and what was written to it.
type written struct {
	content []byte
	// versions are the values by key and revision, "" for a deletion.
	versions map[string]map[int64]string
	latest   map[string]int64
}

// writeMuch makes a file with branches, a history, and pages that are free.
func writeMuch(t testing.TB) *written {
	t.Helper()
	w := &written{versions: map[string]map[int64]string{}, latest: map[string]int64{}}
	o := open(t, t.TempDir(), mvcc.Options{HistoryRevisions: 60})
	note := func(key, value string, rev int64) {
		if w.versions[key] == nil {
			w.versions[key] = map[int64]string{}
		}
		w.versions[key][rev] = value
		w.latest[key] = rev
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 700 {
		key := fmt.Sprint("/registry/things/", random.IntN(250))
		if _, there := w.latest[key]; there && random.IntN(5) == 0 && w.versions[key][w.latest[key]] != "" {
			response, err := o.client.KV.Delete(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			note(key, "", response.Header.Revision)
			continue
		}
		value := strings.Repeat(fmt.Sprint(random.IntN(100)), 1+random.IntN(1200))
		note(key, value, o.put(key, value))
	}
	o.close()
	var err error
	if w.content, err = os.ReadFile(o.path()); err != nil {
		t.Fatal(err)
	}
	return w
}

// check tells what is wrong with a rescue: a version that wasn't written, or
// one that isn't the last, or that is missing, without a word about its key or
// its revision, of which one may be damaged, or about what isn't known.
func (w *written) check(rescued *Rescued) error {
	named, general := map[string]bool{}, false
	for _, problem := range rescued.Problems {
		if isBug(problem.Err) {
			return problem.Err
		}
		named[problem.Key], named[fmt.Sprint(problem.Revision)] = true, true
		general = general || problem.Key == ""
	}
	told := func(key string) bool { return general || named[key] || named[fmt.Sprint(w.latest[key])] }
	there := map[string]bool{}
	for _, kv := range rescued.KeyValues {
		key, rev := string(kv.Key), kv.ModRevision
		there[key] = true
		if value, was := w.versions[key][rev]; !was || value == "" || value != string(kv.Value) {
			return fmt.Errorf("%s of revision %d was never written so", key, rev)
		}
		if rev != w.latest[key] && !told(key) {
			return fmt.Errorf("%s is of revision %d, and %d is the last; nothing is said about that", key, rev, w.latest[key])
		}
	}
	for key, rev := range w.latest {
		if !there[key] && w.versions[key][rev] != "" && !told(key) {
			return fmt.Errorf("%s isn't there, and nothing is said about that", key)
		}
	}
	return nil
}

// isBug tells whether an error is what the program itself has stumbled over.
func isBug(err error) bool { return err != nil && strings.Contains(err.Error(), "runtime error") }

// damage is what may become of a file.
var damage = map[string]func(random *rand.Rand, content []byte) []byte{
	"bytes": func(random *rand.Rand, content []byte) []byte {
		for range 1 + random.IntN(40) {
			content[random.IntN(len(content))] ^= byte(1 + random.IntN(255))
		}
		return content
	},
	"headers": func(random *rand.Rand, content []byte) []byte {
		page := os.Getpagesize()
		for range 1 + random.IntN(4) {
			content[random.IntN(len(content)/page)*page+random.IntN(64)] ^= byte(1 + random.IntN(255))
		}
		return content
	},
	"zeroes": func(random *rand.Rand, content []byte) []byte {
		page := os.Getpagesize()
		from := random.IntN(len(content)/page) * page
		clear(content[from : from+page])
		return content
	},
	"page elsewhere": func(random *rand.Rand, content []byte) []byte {
		page := os.Getpagesize()
		from, to := random.IntN(len(content)/page)*page, random.IntN(len(content)/page)*page
		copy(content[to:to+page], content[from:from+page])
		if random.IntN(2) == 0 {
			binary.NativeEndian.PutUint64(content[to:], uint64(to/page))
		}
		return content
	},
	"reference": func(random *rand.Rand, content []byte) []byte {
		// A page of a tree has another one below it, perhaps itself.
		page := os.Getpagesize()
		var branches []int
		for at := 0; at < len(content); at += page {
			if binary.NativeEndian.Uint16(content[at+8:]) == branchFlag {
				branches = append(branches, at)
			}
		}
		at := branches[random.IntN(len(branches))]
		element := random.IntN(int(binary.NativeEndian.Uint16(content[at+10:])))
		binary.NativeEndian.PutUint64(content[at+pageHeader+element*elementSize+8:], uint64(random.IntN(len(content)/page)))
		return content
	},
	"cut": func(random *rand.Rand, content []byte) []byte { return content[:random.IntN(len(content))] },
}

// TestRescueOfRandomDamage repeats one case with the seed that it names.
func TestRescueOfRandomDamage(t *testing.T) {
	w := writeMuch(t)
	for kind, do := range damage {
		t.Run(kind, func(t *testing.T) {
			for seed := range uint64(25) {
				content := do(rand.New(rand.NewPCG(seed, 0)), append([]byte(nil), w.content...))
				w.tryAll(t, fmt.Sprint("seed ", seed), content)
			}
		})
	}
}

// TestRescueOfAnEndWithinAHeader cuts off the root of the tree, and the list of
// free pages, where it begins.
func TestRescueOfAnEndWithinAHeader(t *testing.T) {
	w := writeMuch(t)
	file, err := os.Open(filepath.Join(write(t, w.content), fileName))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	metas, _, err := readMetas(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]uint64{"root": metas[0].root, "free pages": metas[0].freelist} {
		for tail := 1; tail < pageHeader; tail++ {
			w.tryAll(t, fmt.Sprint(tail, " bytes of the ", name), w.content[:int(id)*os.Getpagesize()+tail])
		}
	}
}

func FuzzRescue(f *testing.F) {
	w := writeMuch(f)
	f.Add(uint32(4096), uint64(7), uint32(0))
	f.Fuzz(func(t *testing.T, offset uint32, mask uint64, cut uint32) {
		content := append([]byte(nil), w.content...)
		at := content[int(offset)%(len(content)-8):]
		binary.NativeEndian.PutUint64(at, binary.NativeEndian.Uint64(at)^mask)
		w.tryAll(t, "fuzz", content[:len(content)-int(cut)%len(content)])
	})
}

// tryAll does to a damaged file what can be done to it.
func (w *written) tryAll(t *testing.T, what string, content []byte) {
	t.Helper()
	dir := write(t, content)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	report, checkErr := Check(ctx, dir, anything, nil)
	_, readErr := Read(ctx, dir, nil)
	rescued, err := Rescue(ctx, dir, nil)
	switch {
	case ctx.Err() != nil:
		t.Errorf("%s: it takes forever", what)
	case err == nil:
		if wrong := w.check(rescued); wrong != nil {
			t.Errorf("%s: %v; problems are %v", what, wrong, rescued.Problems)
		}
	case !errors.Is(err, ErrDamaged):
		t.Errorf("%s: it was refused because: %v", what, err)
	}
	if readErr != nil && checkErr == nil && len(report.Problems) == 0 {
		t.Errorf("%s: a check found nothing, and reading says %v", what, readErr)
	}
	log, _, openErr := Open(dir)
	if openErr == nil {
		log.Close()
	}
	if (openErr == nil) != (readErr == nil) {
		t.Errorf("%s: opening says %v, and reading %v", what, openErr, readErr)
	}
}

func TestRescueOfWhatIsWhole(t *testing.T) {
	w := writeMuch(t)
	rescued, err := Rescue(t.Context(), write(t, w.content), nil)
	if err != nil || len(rescued.Problems) > 0 || w.check(rescued) != nil {
		t.Fatalf("%v, %v, %v", err, rescued.Problems, w.check(rescued))
	}
	for i := 1; i < len(rescued.KeyValues); i++ {
		if string(rescued.KeyValues[i-1].Key) >= string(rescued.KeyValues[i].Key) {
			t.Fatal("they aren't in the order of keys")
		}
	}
}

// TestRescueWithoutOnePage loses each page of the tree in turn: what isn't in
// it is all there, as it was last.
func TestRescueWithoutOnePage(t *testing.T) {
	w := writeMuch(t)
	pages := w.pages(t)
	leaves, branches := 0, 0
	for id, within := range pages {
		content := append([]byte(nil), w.content...)
		from := int(id) * os.Getpagesize()
		leaf := binary.NativeEndian.Uint16(content[from+8:]) == leafFlag
		clear(content[from : from+os.Getpagesize()])
		rescued, err := Rescue(t.Context(), write(t, content), nil)
		if err != nil || len(rescued.Problems) == 0 || w.check(rescued) != nil {
			t.Fatalf("page %d: %v, %v, %v", id, err, rescued, w.check(rescued))
		}
		got := map[string]int64{}
		for _, kv := range rescued.KeyValues {
			got[string(kv.Key)] = kv.ModRevision
		}
		for key, rev := range w.latest {
			if !within[key] && w.versions[key][rev] != "" && got[key] != rev {
				t.Errorf("page %d: %s is of revision %d, want %d", id, key, got[key], rev)
			}
		}
		if leaf {
			leaves++
		} else {
			branches++
		}
	}
	if leaves < 50 || branches < 2 {
		t.Errorf("there were %d leaves and %d branches", leaves, branches)
	}
}

// pages are those of the tree, with the keys whose versions are in them.
func (w *written) pages(t *testing.T) map[uint64]map[string]bool {
	t.Helper()
	file, err := os.Open(filepath.Join(write(t, w.content), fileName))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s, err := newSalvage(file)
	if err != nil {
		t.Fatal(err)
	}
	pages := map[uint64]map[string]bool{}
	s.lost = func(err error) { t.Error(err) }
	s.entry = func(e entry) {
		if pages[s.at] == nil {
			pages[s.at] = map[string]bool{}
		}
		pages[s.at][string(e.kv.Key)] = true
	}
	if err := s.follow(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for id := uint64(2); id < s.pages; id++ {
		if s.visited[id] && pages[id] == nil {
			pages[id] = nil
		}
	}
	return pages
}

// TestRescueCountsWhatIsLost has each leaf at the place of the one after it as
// well, and there alone it is whole. That doesn't make up for the one after it.
func TestRescueCountsWhatIsLost(t *testing.T) {
	w := writeMuch(t)
	page := os.Getpagesize()
	byCount := map[uint16]int{} // where the last leaf with so many entries begins
	pairs := 0
	pages := w.pages(t)
	for _, id := range slices.Sorted(maps.Keys(pages)) {
		at := int(id) * page
		count, overflow := binary.NativeEndian.Uint16(w.content[at+10:]), binary.NativeEndian.Uint32(w.content[at+12:])
		if pages[id] == nil || overflow > 0 {
			continue // it isn't a leaf with entries, or a large one
		}
		before, there := byCount[count]
		byCount[count] = at
		if !there {
			continue
		}
		pairs++
		content := append([]byte(nil), w.content...)
		copy(content[at:at+page], content[before:before+page])
		binary.NativeEndian.PutUint64(content[at:], id)
		breakEntries(content[before : before+page])
		rescued, err := Rescue(t.Context(), write(t, content), nil)
		if err != nil {
			t.Fatalf("page %d: %v", id, err)
		}
		want := fmt.Sprintf("the file is damaged: %d of ", count)
		if err := w.check(rescued); err != nil || !strings.Contains(fmt.Sprint(rescued.Problems), want) {
			t.Errorf("page %d: %v; found %v, want %q", id, err, rescued.Problems, want)
		}
	}
	if pairs < 20 {
		t.Errorf("there were %d pairs", pairs)
	}
}

// breakEntries changes the last byte of each value of a leaf.
func breakEntries(leaf []byte) {
	order := binary.NativeEndian
	for i := range int(order.Uint16(leaf[10:])) {
		offset := pageHeader + i*elementSize
		element := leaf[offset:]
		leaf[offset+int(order.Uint32(element[4:])+order.Uint32(element[8:])+order.Uint32(element[12:]))-1]++
	}
}

func TestRescueTellsWhatIsLost(t *testing.T) {
	w := writeMuch(t)
	page := os.Getpagesize()
	for name, c := range map[string]struct {
		do   func(content []byte) []byte
		want string
	}{
		"no beginning": {func(content []byte) []byte { clear(content[:2*page]); return content }, "neither of its first two pages is whole"},
		"one meta": {func(content []byte) []byte {
			content[pageHeader+48]++
			return content
		}, "the last change may be lost"},
		"half":      {func(content []byte) []byte { return content[:len(content)/2] }, "it was cut off"},
		"not one":   {func(content []byte) []byte { return []byte(strings.Repeat("text", 10_000)) }, "nothing of a storage was found"},
		"a foreign": {func([]byte) []byte { return foreign(t) }, "nothing of a storage was found"},
	} {
		t.Run(name, func(t *testing.T) {
			rescued, err := Rescue(t.Context(), write(t, c.do(append([]byte(nil), w.content...))), nil)
			if err != nil {
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("it says %v, want %q", err, c.want)
				}
				return
			}
			if err := w.check(rescued); err != nil || !strings.Contains(fmt.Sprint(rescued.Problems), c.want) {
				t.Errorf("%v; found %v, want %q", err, rescued.Problems, c.want)
			}
			if len(rescued.KeyValues) == 0 {
				t.Error("nothing was rescued")
			}
		})
	}
}

// TestRescueOfABrokenDisk has pages that can't be read at all.
func TestRescueOfABrokenDisk(t *testing.T) {
	w := writeMuch(t)
	file, err := os.Open(filepath.Join(write(t, w.content), fileName))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := newRescue()
	if r.salvage, err = newSalvage(file); err != nil {
		t.Fatal(err)
	}
	broken := &brokenDisk{file, map[int64]bool{}}
	for i := int64(20); i < 200; i += 20 {
		broken.pages[i] = true
	}
	r.salvage.file = broken
	if err := r.salvaged(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	rescued := r.result()
	if err := w.check(rescued); err != nil || len(rescued.KeyValues) < len(w.latest)/2 || !strings.Contains(fmt.Sprint(rescued.Problems), "can't be read: input/output error") {
		t.Errorf("%v; %d of %d, problems are %v", err, len(rescued.KeyValues), len(w.latest), rescued.Problems)
	}
}

// TestSalvageGoesOnBehindAPage panics in one page of the tree.
func TestSalvageGoesOnBehindAPage(t *testing.T) {
	w := writeMuch(t)
	pages := w.pages(t)
	file, err := os.Open(filepath.Join(write(t, w.content), fileName))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s, err := newSalvage(file)
	if err != nil {
		t.Fatal(err)
	}
	var bad uint64 // the first one that has entries
	seen := map[uint64]bool{}
	s.entry = func(entry) {
		if bad == 0 {
			bad = s.at
			panic("there is no such entry")
		}
		seen[s.at] = true
	}
	var lost []error
	s.lost = func(err error) { lost = append(lost, err) }
	if err := s.follow(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("[page %d can't be read: the file is damaged: there is no such entry]", bad)
	if fmt.Sprint(lost) != want {
		t.Errorf("lost are %v, want %s", lost, want)
	}
	for id, keys := range pages {
		if seen[id] != (id != bad && keys != nil) {
			t.Errorf("page %d was read: %v", id, seen[id])
		}
	}
}

// brokenDisk is a file on a disk that can't read some of its pages.
type brokenDisk struct {
	file  *os.File
	pages map[int64]bool
}

func (b *brokenDisk) ReadAt(to []byte, offset int64) (int, error) {
	if page := offset / int64(os.Getpagesize()); b.pages[page] {
		return 0, syscall.EIO
	}
	return b.file.ReadAt(to, offset)
}

// TestRescueNamesTheObject damages one value.
func TestRescueNamesTheObject(t *testing.T) {
	dir := t.TempDir()
	o := open(t, dir, mvcc.Options{})
	o.put("kept", strings.Repeat("k", 3000))
	o.put("changed", strings.Repeat("before", 500))
	o.put("changed", strings.Repeat("after", 500))
	o.put("new", strings.Repeat("n", 3000))
	o.close()
	content, err := os.ReadFile(o.path())
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for _, value := range []string{"afterafter", "nnnnnnnnnn"} {
		text = strings.ReplaceAll(text, value, "?"+value[1:])
	}
	rescued, err := Rescue(t.Context(), write(t, []byte(text)), nil)
	want := "[changed in revision 4: the file is damaged: its checksum is wrong; its version of revision 3 is taken " +
		"new in revision 5: the file is damaged: its checksum is wrong]"
	if err != nil || len(rescued.KeyValues) != 2 || fmt.Sprint(rescued.Problems) != want {
		t.Errorf("%v, %d rescued, problems are %v", err, len(rescued.KeyValues), rescued.Problems)
	}
}
