// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package liveupdate

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"tilt.dev/session/pkg/filewatch"
	"tilt.dev/session/pkg/model"
)

// plan is what a container lacks, by the state of the files now.
type plan struct {
	// deletions and copies are sorted by their remote paths, and so directories come before what is in them.
	deletions, copies []mapping
	runs              []model.LiveRun
}

// mapping is a local path and its path in the container.
type mapping struct{ local, remote string }

// newPlan looks at the files. Those that no sync has are left out.
func newPlan(steps *model.LiveSteps, files []string) (*plan, error) {
	copies, deletions := map[string]mapping{}, map[string]mapping{}
	mapped := map[string]bool{}
	for i, sync := range steps.Syncs {
		one := model.LiveSteps{Syncs: steps.Syncs[i : i+1]}
		for _, file := range files {
			if _, ok := one.Remote(file, false); !ok || mapped[file] {
				continue
			}
			mapped[file] = true
			info, err := look(file, sync.Local)
			switch {
			case gone(err) && file == sync.Local && strings.HasSuffix(sync.Remote, "/"):
				// Whether it was a directory decides what it was there, and nobody knows.
			case gone(err):
				file = lowest(file, sync.Local)
				remote, _ := one.Remote(file, false)
				deletions[remote] = mapping{file, remote}
			case err != nil:
				return nil, err
			case copied(info):
				remote, _ := one.Remote(file, info.IsDir())
				copies[remote] = mapping{file, remote}
			}
		}
	}
	delete(copies, "/") // It exists.
	delete(deletions, "/")
	p := &plan{copies: sorted(copies)}
	for _, d := range sorted(deletions) {
		if n := len(p.deletions); n == 0 || !strings.HasPrefix(d.remote, p.deletions[n-1].remote+"/") {
			p.deletions = append(p.deletions, d)
		}
	}
	for _, run := range steps.Runs {
		if run.Due(files) {
			p.runs = append(p.runs, run)
		}
	}
	return p, nil
}

// look returns what is at a path. A link is what counts, except for the path of a sync, below which files were found.
func look(file, root string) (fs.FileInfo, error) {
	info, err := os.Lstat(file)
	if err == nil && file == root && info.Mode()&fs.ModeSymlink != 0 {
		if target, err := os.Stat(file); err == nil && target.IsDir() {
			return target, nil
		}
	}
	return info, err
}

// gone reports whether an error says that there is no file, perhaps because a directory above it is a file now.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) }

// copied reports whether a file is of a kind that is copied.
func copied(info fs.FileInfo) bool {
	return info.Mode().IsRegular() || info.IsDir() || info.Mode()&fs.ModeSymlink != 0
}

// lowest returns the path that has to be removed for a missing one: that of a directory in whose place there is a file
// now, or else its own.
func lowest(file, root string) string {
	for dir := filepath.Dir(file); len(dir) > len(root); dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil {
			if !info.IsDir() {
				return dir
			}
			break
		}
	}
	return file
}

func sorted(all map[string]mapping) []mapping {
	return slices.SortedFunc(maps.Values(all), func(a, b mapping) int { return cmp.Compare(a.remote, b.remote) })
}

// initialFiles returns all files of the syncs but those that are ignored, without directories.
func initialFiles(syncs []model.Sync, ignored []model.IgnoreSet) ([]string, error) {
	ignores, err := filewatch.NewIgnores(ignored)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, sync := range syncs {
		root := sync.Local
		if resolved, err := filepath.EvalSymlinks(root); err == nil {
			root = resolved // Links below it are files.
		}
		err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
			file = sync.Local + strings.TrimPrefix(file, root)
			switch {
			case gone(err):
				return nil
			case err != nil:
				return err
			case entry.IsDir() && file != sync.Local && ignores.All(file):
				return fs.SkipDir
			case !entry.IsDir() && !ignores.Ignored(file):
				files = append(files, file)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", sync.Local, err)
		}
	}
	return files, nil
}

// directories returns the directories in the container that the syncs lead to.
func directories(syncs []model.Sync) []string {
	var all []string
	for _, sync := range syncs {
		dir := path.Clean(sync.Remote)
		if info, err := os.Stat(sync.Local); err == nil && !info.IsDir() && !strings.HasSuffix(sync.Remote, "/") {
			dir = path.Dir(dir)
		}
		if !slices.Contains(all, dir) {
			all = append(all, dir)
		}
	}
	return all
}
