// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
)

// fileWatch is a v1alpha1.file_watch.
type fileWatch struct {
	watch   model.Watch
	disable *disableSource
}

// fileWatch is v1alpha1.file_watch(name, ...).
func (o *Objects) fileWatch(c *Call, a struct {
	Metadata
	Paths   pathList              `arg:"watched_paths??"`
	Ignores partList[ignoreDef]   `arg:"ignores??"`
	Disable partOf[disableSource] `arg:"disable_source??"`
}) (starlark.Value, error) {
	if len(a.Paths) == 0 {
		return nil, errors.New("watched_paths must not be empty")
	}
	f := &fileWatch{disable: a.Disable.part}
	for _, path := range a.Paths {
		f.watch.Paths = append(f.watch.Paths, o.evaluation.Absolute(path))
	}
	for _, ignore := range a.Ignores {
		f.watch.Ignores = append(f.watch.Ignores, model.IgnoreSet{
			Base:     o.evaluation.Absolute(string(ignore.Base)),
			Patterns: ignore.Patterns,
			Source:   fmt.Sprintf("%s(%q)", c.Name, a.name()),
		})
	}
	o.fileWatches[a.name()] = f
	return nil, nil
}

// ignoreDef is v1alpha1.ignore_def(base_path, patterns). Without patterns it ignores everything below the path.
type ignoreDef struct {
	Part     `builtin:"v1alpha1.ignore_def"`
	Base     Path        `arg:"base_path??"`
	Patterns patternList `arg:"patterns??"`
}

func (i *ignoreDef) check() error {
	if i.Base == "" {
		return errors.New("base_path must not be empty")
	}
	if len(i.Patterns) == 0 {
		i.Patterns = patternList{"**"}
	}
	return nil
}

// WatchedPaths returns the paths of all file watches.
func (o *Objects) WatchedPaths() []string {
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(o.fileWatches)) {
		paths = append(paths, o.fileWatches[name].watch.Paths...)
	}
	return paths
}

// watchOf joins the named file watches. What one of them ignores, the others ignore too.
func (o *Objects) watchOf(owner string, names []string, enabled model.Selection) model.Watch {
	var all model.Watch
	for _, name := range names {
		f, ok := o.fileWatches[name]
		switch {
		case !ok:
			o.evaluation.Warn("%s isn't restarted by v1alpha1.file_watch %q, which isn't defined", owner, name)
		case !o.isDisabled(fmt.Sprintf("v1alpha1.file_watch %q", name), f.disable, enabled):
			all.Paths = append(all.Paths, f.watch.Paths...)
			all.Ignores = append(all.Ignores, f.watch.Ignores...)
		}
	}
	return all
}
