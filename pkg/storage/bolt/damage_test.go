// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"tilt.dev/session/pkg/storage/mvcc"
)

// sample returns the content of a file, and the values that key "a" has with and without its last commit.
func sample(t testing.TB) (content []byte, values []string) {
	t.Helper()
	o := open(t, t.TempDir(), mvcc.Options{HistoryRevisions: 5})
	for i := range 40 {
		o.put(fmt.Sprint("key", i%12), strings.Repeat(fmt.Sprint(i), 500*(i%4)))
	}
	o.put("a", "before")
	o.put("a", "after")
	o.close()
	content, err := os.ReadFile(o.path())
	if err != nil {
		t.Fatal(err)
	}
	return content, []string{"before", "after"}
}

// write makes a directory with a file.
func write(t testing.TB, content []byte) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileName), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// checkDamaged opens a damaged file. It is rejected as damaged, or loaded with the
// right content because the damage is in an unused place.
func checkDamaged(t testing.TB, content []byte, values []string) {
	t.Helper()
	dir := write(t, content)
	report, checkErr := Check(t.Context(), dir, anything)
	// bbolt keeps a damaged file locked for the rest of the process.
	dir = write(t, content)
	log, snapshot, err := Open(dir)
	if err != nil {
		if checkErr == nil && len(report.Problems) == 0 {
			t.Errorf("a check found nothing, and opening says %v", err)
		}
		if !errors.Is(err, ErrDamaged) && !strings.Contains(err.Error(), "of another program") && !strings.Contains(err.Error(), "format") {
			t.Errorf("it was refused because: %v", err)
		}
		return
	}
	defer log.Close()
	store, err := mvcc.New(mvcc.Options{Restore: snapshot, Log: log})
	if err != nil {
		t.Errorf("the contents are inconsistent: %v", err)
		return
	}
	defer store.Close()
	o := &opened{t: t, store: store, log: log, client: store.Client(t.Context())}
	if got := o.get("a"); got != values[0] && got != values[1] {
		t.Errorf("a is %q", got)
	}
	// A change may hit damage that loading did not. It must not panic.
	_, _ = o.client.KV.Put(t.Context(), "b", "1")
}

func TestDamagedBytes(t *testing.T) {
	content, values := sample(t)
	for offset := 0; offset < len(content); offset += 997 {
		damaged := append([]byte(nil), content...)
		damaged[offset] ^= 0xff
		checkDamaged(t, damaged, values)
	}
}

func TestDamagedPages(t *testing.T) {
	content, values := sample(t)
	page := os.Getpagesize()
	for from := 0; from < len(content); from += page {
		damaged := append([]byte(nil), content...)
		clear(damaged[from : from+page])
		checkDamaged(t, damaged, values)
		copy(damaged[from:from+page], content[2*page:])
		checkDamaged(t, damaged, values)
		checkDamaged(t, content[:from], values)
		checkDamaged(t, content[:from+page/2], values)
	}
}

func FuzzDamage(f *testing.F) {
	content, values := sample(f)
	f.Add(uint32(4096), uint64(7))
	f.Fuzz(func(t *testing.T, offset uint32, mask uint64) {
		damaged := append([]byte(nil), content...)
		at := damaged[int(offset)%(len(damaged)-8):]
		binary.NativeEndian.PutUint64(at, binary.NativeEndian.Uint64(at)^mask)
		checkDamaged(t, damaged, values)
	})
}

func TestOpenErrors(t *testing.T) {
	content, _ := sample(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for name, c := range map[string]struct{ dir, want string }{
		"file":            {file, file + " is not a directory"},
		"below a file":    {filepath.Join(file, "dir"), "not a directory"},
		"lock not a file": {in("lock"), "lock: is a directory"},
		"not a file":      {in(fileName), fileName + ": is a directory"},
		"empty":           {write(t, nil), "it is empty"},
		"text":            {write(t, []byte(strings.Repeat("text", 10_000))), "the file is damaged"},
		"cut off":         {write(t, content[:len(content)/2]), "it was cut off"},
		"foreign":         {write(t, foreign(t)), "of another program"},
		"of the future": {edited(t, content, func(tx *bbolt.Tx) error {
			return tx.Bucket(metaBucket).Put(formatKey, []byte{0, 0, 0, 2})
		}), "it has format 2, and this program reads format 1"},
		"short of an entry": {edited(t, content, func(tx *bbolt.Tx) error {
			key, _ := tx.Bucket(versionsBucket).Cursor().First()
			return tx.Bucket(versionsBucket).Delete(key)
		}), "entries instead of"},
		"short of a bucket": {edited(t, content, func(tx *bbolt.Tx) error { return tx.DeleteBucket(versionsBucket) }), "bucket \"versions\" is missing"},
		"without a format":  {edited(t, content, func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Delete(formatKey) }), "the format is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			log, _, err := Open(c.dir)
			if err == nil {
				log.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), strings.TrimSuffix(c.dir, "/dir")) {
				t.Errorf("it says %q, want %q and the path", err, c.want)
			}
		})
	}
}

// foreign is the file of another program.
func foreign(t *testing.T) []byte {
	path := filepath.Join(t.TempDir(), "db")
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// edited is a directory with a file that another program has changed.
func edited(t *testing.T, content []byte, edit func(*bbolt.Tx) error) (dir string) {
	t.Helper()
	dir = write(t, content)
	db, err := bbolt.Open(filepath.Join(dir, fileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(edit), db.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestOpenRefusesADirectoryInUse(t *testing.T) {
	o := open(t, t.TempDir(), mvcc.Options{})
	_, _, err := Open(o.dir)
	if want := fmt.Sprintf("%s is in use by process %d (%s)", o.dir, os.Getpid(), filepath.Base(os.Args[0])); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("it says %v, want %q", err, want)
	}
	o.put("a", "1")
	o.close()

	db, err := bbolt.Open(o.path(), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(o.dir); err == nil || !strings.Contains(err.Error(), "another program has it open") {
		t.Errorf("it says %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if o = open(t, o.dir, mvcc.Options{}); o.get("a") != "1" {
		t.Errorf("a is %q", o.get("a"))
	}
}

func TestOpenRemovesUnfinishedFiles(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "."+fileName+"123")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir, mvcc.Options{})
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s still exists: %v", left, err)
	}
}

func TestEntriesSurvive(t *testing.T) {
	o := open(t, t.TempDir(), mvcc.Options{HistoryRevisions: 3})
	for i := range 10 {
		o.put(fmt.Sprint(i%4), fmt.Sprint(i))
	}
	o.close()
	read := func() *mvcc.Snapshot {
		log, snapshot, err := Open(o.dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		return snapshot
	}
	before := read()
	if err := create(t.Context(), o.path(), before); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, read()); diff != "" {
		t.Error(diff)
	}
	if len(before.History) != 2 || len(before.KeyValues) != 4 || before.Compacted != 9 {
		t.Errorf("read %+v", before)
	}
}

func TestOpenNeedsToWrite(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	content, _ := sample(t)
	dir := write(t, content)
	above := t.TempDir()
	readOnlyFile := write(t, content)
	for path, mode := range map[string]os.FileMode{dir: 0o500, above: 0o500, filepath.Join(readOnlyFile, fileName): 0o400} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(path, 0o700) })
	}
	for _, dir := range []string{dir, filepath.Join(above, "new"), readOnlyFile} {
		if _, _, err := Open(dir); err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("it says %v", err)
		}
	}
}
