// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
)

// fileWatch is a v1alpha1.file_watch.
type fileWatch struct {
	watch   model.Watch
	disable *disableSource
}

// defineFileWatch is v1alpha1.file_watch(name, labels, annotations,
// watched_paths, ignores, disable_source).
func (e *evaluation) defineFileWatch(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var m metadata
	var paths pathList
	var ignores partList[ignoreDef, *ignoreDef]
	var disable disableArgument
	err := e.objects.define(fn, args, kwargs, &m,
		"watched_paths??", &paths, "ignores??", &ignores, "disable_source??", &disable)
	switch {
	case err != nil:
		return nil, err
	case len(paths) == 0:
		return nil, errors.New("watched_paths must not be empty")
	}
	f := &fileWatch{disable: disable.part}
	for _, path := range paths {
		f.watch.Paths = append(f.watch.Paths, e.absolute(path))
	}
	for _, ignore := range ignores {
		f.watch.Ignores = append(f.watch.Ignores, model.IgnoreSet{
			Base:     e.absolute(string(ignore.base)),
			Patterns: ignore.patterns,
			Source:   fmt.Sprintf("%s(%q)", fn.Name(), m.name),
		})
	}
	e.objects.fileWatches[string(m.name)] = f
	return starlark.None, nil
}

// ignoreDef is v1alpha1.ignore_def(base_path, patterns). Without patterns it's
// all that's below the path.
type ignoreDef struct {
	base     localPath
	patterns patternList
}

func (*ignoreDef) builtin() string { return "v1alpha1.ignore_def" }

func (i *ignoreDef) pairs() []any {
	return []any{"base_path??", &i.base, "patterns??", &i.patterns}
}

func (i *ignoreDef) check() error {
	if i.base == "" {
		return errors.New("base_path must not be empty")
	}
	if len(i.patterns) == 0 {
		i.patterns = patternList{"**"}
	}
	return nil
}
