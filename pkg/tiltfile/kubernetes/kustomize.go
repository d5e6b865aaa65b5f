// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubernetes

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"go.starlark.net/starlark"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"tilt.dev/session/pkg/tiltfile/builtins"
	"tilt.dev/session/pkg/tiltfile/data"
)

// kustomize is kustomize(paths, kustomize_bin="", flags=[]): it builds the kustomization in a directory. A program does
// that if the Tiltfile names one or gives flags: kustomize or else kubectl.
func (k *Kubernetes) kustomize(a struct {
	Dir     builtins.Path       `arg:"paths,alias=path"`
	Program string              `arg:"kustomize_bin??"`
	Flags   builtins.StringList `arg:"flags??"`
}) (starlark.Value, error) {
	dir := k.evaluation.Absolute(string(a.Dir))
	byProgram := a.Program != "" || len(a.Flags) > 0
	// The library finds the files, also those for a program.
	built, files, err := build(dir, byProgram)
	for _, path := range files {
		k.evaluation.AddInput(path)
	}
	if !byProgram {
		if err != nil {
			return nil, fmt.Errorf("kustomize %s: %w", dir, err)
		}
		return data.Blob(built), nil
	}
	k.evaluation.AddInput(dir)
	text, err := k.runKustomize(dir, a.Program, a.Flags)
	return data.Blob(text), err
}

// runKustomize builds the kustomization in a directory with a program.
func (k *Kubernetes) runKustomize(dir, program string, flags []string) (string, error) {
	if program != "" {
		if strings.Contains(program, "/") {
			program = k.evaluation.Absolute(program)
		}
		return k.environ.Run(slices.Concat([]string{program, "build"}, flags, []string{dir})...)
	}
	text, err := k.environ.Run(slices.Concat([]string{"kustomize", "build"}, flags, []string{dir})...)
	if !errors.Is(err, exec.ErrNotFound) {
		return text, err
	}
	text, err = k.environ.Run(slices.Concat([]string{"kubectl", "kustomize"}, flags, []string{dir})...)
	if errors.Is(err, exec.ErrNotFound) {
		return "", errors.New("kustomize() with flags needs kustomize or kubectl on your $PATH")
	}
	return text, err
}

// kustomizing is held while the library of kustomize is used: its schema is a global variable.
var kustomizing sync.Mutex

// build returns the objects of the kustomization in a directory, and the absolute paths of the files that they depend
// on, which are complete up to an error. The files may be anywhere, or must be below the kustomization that names them.
func build(dir string, anywhere bool) (text string, files []string, err error) {
	kustomizing.Lock()
	defer kustomizing.Unlock()
	recording := &recordingFileSystem{FileSystem: filesys.MakeFsOnDisk()}
	defer func() {
		files = recording.paths
		// Upstream: sigs.k8s.io/kustomize/api v0.21: a faulty kustomization makes the library panic in places.
		if fault := recover(); fault != nil {
			err = fmt.Errorf("the kustomization is faulty: %v", fault)
		}
	}()
	options := krusty.MakeDefaultOptions()
	if anywhere {
		options.LoadRestrictions = types.LoadRestrictionsNone
	}
	resources, err := krusty.MakeKustomizer(options).Run(recording, dir)
	if err != nil {
		return "", nil, err
	}
	content, err := resources.AsYaml()
	return string(content), nil, err
}

// recordingFileSystem records the files that are read, and those that are looked for and missing.
type recordingFileSystem struct {
	filesys.FileSystem
	paths []string
}

// cloned is what the names of the directories begin with into which kustomize clones remote bases.
var cloned = filepath.Join(os.TempDir(), "kustomize-")

func (f *recordingFileSystem) record(path string) {
	if absolute, err := filepath.Abs(path); err == nil && !strings.HasPrefix(absolute, cloned) {
		f.paths = append(f.paths, absolute)
	}
}

// ReadFile implements filesys.FileSystem.
func (f *recordingFileSystem) ReadFile(path string) ([]byte, error) {
	f.record(path)
	return f.FileSystem.ReadFile(path)
}

// Open implements filesys.FileSystem.
func (f *recordingFileSystem) Open(path string) (filesys.File, error) {
	f.record(path)
	return f.FileSystem.Open(path)
}

// CleanedAbs implements filesys.FileSystem.
func (f *recordingFileSystem) CleanedAbs(path string) (filesys.ConfirmedDir, string, error) {
	dir, file, err := f.FileSystem.CleanedAbs(path)
	if err != nil {
		f.record(path)
	}
	return dir, file, err
}
