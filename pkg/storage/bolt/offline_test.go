// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
	clientv3 "go.etcd.io/etcd/client/v3"

	"tilt.dev/session/pkg/storage/mvcc"
)

// anything accepts every value.
func anything(string, []byte) error { return nil }

func TestCheckFindsNothing(t *testing.T) {
	content, _ := sample(t)
	report, err := Check(t.Context(), write(t, content), anything)
	if err != nil || len(report.Problems) > 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	want := Report{Revision: 43, Compacted: 39, Versions: 16, Keys: 13, Size: int64(len(content)), Free: report.Free}
	if diff := cmp.Diff(want, report); diff != "" || report.Free <= 0 || report.Free >= report.Size {
		t.Errorf("%d bytes are free; %s", report.Free, diff)
	}
}

func TestCheckFindsProblems(t *testing.T) {
	content, _ := sample(t)
	versions := func(edit func(*bbolt.Bucket) error) func(*bbolt.Tx) error {
		return func(tx *bbolt.Tx) error { return edit(tx.Bucket(versionsBucket)) }
	}
	put := func(e entry) func(*bbolt.Tx) error {
		return versions(func(b *bbolt.Bucket) error { return b.Put(e.encode()) })
	}
	version := func(key string, rev, created, version int64) entry {
		return newEntry(&clientv3.Event{Kv: keyValue(key, rev, created, version)}, epoch)
	}
	for name, c := range map[string]struct {
		edit func(*bbolt.Tx) error
		want []string
	}{
		"value": {versions(func(b *bbolt.Bucket) error {
			key := versionKey([]byte("a"), 43)
			value := slices.Clone(b.Get(key))
			value[len(value)-1]++
			return b.Put(key, value)
		}), []string{"a in revision 43: the file is damaged: the checksum is wrong"}},
		"missing": {versions(func(b *bbolt.Bucket) error { return b.Delete(versionKey([]byte("a"), 42)) }),
			[]string{"it has 15 entries instead of 16"}},
		"future":     {put(version("b", 44, 44, 1)), []string{"b in revision 44: the file is damaged: the store is at revision 43", "it has 17 entries"}},
		"succession": {put(version("b", 43, 7, 3)), []string{"it has 17 entries"}},
		"deletion": {versions(func(b *bbolt.Bucket) error {
			return b.Put(entry{kv: keyValue("b", 5, 0, 0), deleted: true}.encode())
		}), []string{"b in revision 5: the file is damaged: it is a deletion in a compacted revision", "it has 17 entries"}},
		"short": {versions(func(b *bbolt.Bucket) error { return b.Put([]byte("x"), nil) }), []string{"entry 78", "it has 17 entries"}},
		"head":  {func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Delete(headKey) }, []string{"head"}},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := Check(t.Context(), edited(t, content, c.edit), anything)
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Problems) != len(c.want) {
				t.Fatalf("found %v, want %q", report.Problems, c.want)
			}
			for i, problem := range report.Problems {
				if !strings.Contains(problem.Error(), c.want[i]) {
					t.Errorf("found %q, want %q", problem, c.want[i])
				}
			}
		})
	}
}

func TestCheckShowsValues(t *testing.T) {
	content, _ := sample(t)
	report, err := Check(t.Context(), write(t, content), func(key string, value []byte) error {
		if key == "a" {
			return fmt.Errorf("%q doesn't decode", value)
		}
		return nil
	})
	if err != nil || fmt.Sprint(report.Problems) != `[a in revision 42: "before" doesn't decode a in revision 43: "after" doesn't decode]` {
		t.Errorf("found %v, %v", report.Problems, err)
	}
}

func TestCompactShrinksTheFile(t *testing.T) {
	o := open(t, t.TempDir(), mvcc.Options{HistoryRevisions: 10})
	for i := range 200 {
		o.put(fmt.Sprint(i), strings.Repeat("x", 6<<10))
	}
	if _, err := o.client.KV.Delete(t.Context(), "1", clientv3.WithPrefix()); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		o.put("2", "")
	}
	if _, _, err := Compact(t.Context(), o.dir); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("while it is in use: %v", err)
	}
	o.close()
	want, err := Read(t.Context(), o.dir)
	if err != nil {
		t.Fatal(err)
	}
	before, after, err := Compact(t.Context(), o.dir)
	if err != nil || after*2 > before {
		t.Errorf("it had %d bytes and has %d, %v", before, after, err)
	}
	if got, err := Read(t.Context(), o.dir); err != nil || !reflect.DeepEqual(want, got) {
		t.Errorf("afterwards it isn't the same: %v", err)
	}
	if report, err := Check(t.Context(), o.dir, anything); err != nil || len(report.Problems) > 0 {
		t.Errorf("afterwards: %v, %v", report.Problems, err)
	}
}

// TestCompactLeavesNoRoom compacts a file that is smaller than what bbolt takes at once.
func TestCompactLeavesNoRoom(t *testing.T) {
	o := open(t, t.TempDir(), mvcc.Options{HistoryRevisions: 1})
	for i := range 20 {
		o.put(fmt.Sprint(i%3), strings.Repeat("x", 1000))
	}
	o.close()
	before, after, err := Compact(t.Context(), o.dir)
	if err != nil || after >= before {
		t.Errorf("it had %d bytes and has %d, %v", before, after, err)
	}
	report, err := Check(t.Context(), o.dir, anything)
	if err != nil || len(report.Problems) > 0 || report.Size != after || report.Free*2 > after {
		t.Errorf("then it is %+v, %v", report, err)
	}
	if o = open(t, o.dir, mvcc.Options{}); o.put("0", "more") != report.Revision+1 || o.get("1") == "" {
		t.Error("it doesn't go on")
	}
}

func TestOfflineWorkIsCanceled(t *testing.T) {
	content, _ := sample(t)
	dir := write(t, content)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, compactErr := first2(Compact(canceled, dir))
	_, readErr := Read(canceled, dir)
	_, checkErr := Check(canceled, dir, anything)
	createErr := Create(canceled, t.TempDir(), &mvcc.Snapshot{Revision: 2, Compacted: 2})
	for name, err := range map[string]error{"compact": compactErr, "read": readErr, "check": checkErr} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if createErr != nil {
		t.Errorf("there was nothing to cancel: %v", createErr)
	}
	if got, err := os.ReadFile(filepath.Join(dir, fileName)); err != nil || !slices.Equal(got, content) {
		t.Errorf("the file was changed: %v", err)
	}
}

func first2(_, second int64, err error) (int64, error) { return second, err }

func TestOfflineNeedsAStorage(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(t.Context(), dir); err == nil || !strings.Contains(err.Error(), dir+" holds no storage") {
		t.Errorf("reading nothing: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("it left %v, %v", entries, err)
	}
}

func TestCreate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	open(t, dir, mvcc.Options{}).close() // one that is empty will do
	want := &mvcc.Snapshot{Revision: 9, Compacted: 9}
	for i := range int64(8) {
		kv := keyValue(fmt.Sprint(i), i+2, i+2, 1)
		kv.Value = []byte(strings.Repeat("x", 2<<20)) // so that it takes several transactions
		want.KeyValues = append(want.KeyValues, kv)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Create(canceled, dir, want); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	if err := Create(t.Context(), dir, want); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(t.Context(), dir); err != nil || !reflect.DeepEqual(want, got) {
		t.Errorf("it isn't the same: %v", err)
	}
	if err := Create(t.Context(), dir, want); err == nil || !strings.Contains(err.Error(), "is not empty but at revision 9") {
		t.Errorf("on what is there: %v", err)
	}
	if o := open(t, dir, mvcc.Options{}); o.put("next", "") != 10 {
		t.Error("the revision doesn't continue")
	}
}
