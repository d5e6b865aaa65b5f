// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"k8s.io/apiserver/pkg/apis/example"

	"tilt.dev/session/pkg/storage/bolt"
	"tilt.dev/session/pkg/testing/crash"
)

var (
	crashKills = flag.Int("crash.kills", 15, "how often TestCrash kills the process that writes")
	crashSeed  = flag.Uint64("crash.seed", 0, "what TestCrash does, but for the timing; 0 is something else each time")
)

// TestCrash kills a process that stores pods as a registry does.
func TestCrash(t *testing.T) {
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-crash.seed=%d", seed)
	dir := t.TempDir()
	check := func() error {
		report, err := bolt.Check(t.Context(), dir, func(string, []byte) error { return nil })
		if err == nil && len(report.Problems) > 0 {
			err = fmt.Errorf("the file has problems: %v", report.Problems)
		}
		return errors.Join(err, checkPages(filepath.Join(dir, "storage.db")))
	}
	began := time.Now()
	summary, err := crash.Run(t.Context(), &crashSubject{dir: dir, log: t.Logf}, crash.Options{
		Kills: *crashKills, Seed: seed, Writers: 8, Objects: 10, Size: 6 << 10, Life: 300 * time.Millisecond,
		Between: func() error {
			if !exists(dir) {
				return nil // it was killed before it made one
			}
			return check()
		},
		Log: t.Logf,
	})
	t.Logf("after %s: %+v", time.Since(began).Round(time.Millisecond), summary)
	if err != nil {
		t.Fatal(err)
	}
	if summary.Acknowledged == 0 || summary.Watched == 0 {
		t.Error("nothing was written")
	}
}

// checkPages runs bbolt's own check.
func checkPages(path string) error {
	db, err := bbolt.Open(path, 0, &bbolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	err = db.View(func(tx *bbolt.Tx) error {
		var problems error
		for problem := range tx.Check() {
			problems = errors.Join(problems, problem)
		}
		return problems
	})
	return errors.Join(err, db.Close())
}

// content is kept where it isn't validated.
const contentAnnotation = "content"

func objectOf(pod *example.Pod) (crash.Object, error) {
	version, err := versioner.ObjectResourceVersion(pod)
	return crash.Object{Content: pod.Annotations[contentAnnotation], Version: int64(version)}, err
}
