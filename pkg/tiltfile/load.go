// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"tilt.dev/session/pkg/tiltfile/builtins"
	"tilt.dev/session/pkg/tiltfile/data"
)

// dialect is what a Tiltfile may use beyond standard Starlark.
var dialect = syntax.FileOptions{
	Set:             true,
	While:           true,
	TopLevelControl: true,
	GlobalReassign:  true,
	Recursion:       true,
}

// load executes the file that a load statement names, unless it was executed before, and returns its globals.
func (e *evaluation) load(name string) (starlark.StringDict, error) {
	path, err := e.modulePath(name)
	if err != nil {
		return nil, err
	}
	if globals, ok := e.modules[path]; ok {
		if globals == nil {
			//lint:ignore ST1005 The words that users of Tilt know.
			return nil, fmt.Errorf("Circular load: %s", path)
		}
		return globals, nil
	}
	source, err := e.readSource(path)
	if err != nil {
		return nil, err
	}
	return e.execute(path, filepath.Base(path), source)
}

// execute runs the source of the file at an absolute path and returns its globals.
func (e *evaluation) execute(path, name string, source []byte) (starlark.StringDict, error) {
	e.modules[path] = nil
	predeclared := starlark.StringDict{"__file__": starlark.String(path), "__name__": starlark.String(name)}
	for builtin, value := range e.builtins {
		predeclared[builtin] = value
	}
	_, program, err := starlark.SourceProgramOptions(&dialect, path, source, predeclared.Has)
	if err != nil {
		return nil, sourceFailure(err)
	}
	globals, err := program.Init(e.Thread, predeclared)
	if err != nil {
		return nil, err
	}
	for _, name := range globals.Keys() {
		if err := data.CheckNesting(globals[name]); err != nil {
			return nil, fmt.Errorf("%s: global variable %s: %w", path, name, err)
		}
	}
	globals.Freeze()
	e.modules[path] = globals
	return globals, nil
}

// readSource returns the content of the Tiltfile at an absolute path.
func (e *evaluation) readSource(path string) ([]byte, error) {
	source, err := e.ReadSource(path)
	if err != nil {
		return nil, fmt.Errorf("error reading file %s: %w", path, err)
	}
	return source, nil
}

// library has the builtins that execute other files or define extensions.
func (e *evaluation) library() builtins.Library {
	return builtins.Functions(map[string]builtins.Function{
		"include":                 builtins.Unpacking(e.include),
		"load_dynamic":            builtins.Unpacking(e.loadDynamic),
		"v1alpha1.extension":      builtins.Defining(e.objects, e.defineExtension),
		"v1alpha1.extension_repo": builtins.Defining(e.objects, e.defineRepo),
	})
}

// include is include(path): it executes a file for its effects.
func (e *evaluation) include(a builtins.OnePath) (starlark.Value, error) {
	if _, err := e.load(string(a.Path)); err != nil {
		return nil, fmt.Errorf("cannot include %s: %w", a.Path, err)
	}
	return nil, nil
}

// loadDynamic is load_dynamic(path): it executes a file and returns its globals as a frozen dict.
func (e *evaluation) loadDynamic(a builtins.OnePath) (starlark.Value, error) {
	globals, err := e.load(string(a.Path))
	if err != nil {
		return nil, fmt.Errorf("cannot load %s: %w", a.Path, err)
	}
	dict := starlark.NewDict(len(globals))
	for _, name := range globals.Keys() {
		if err := dict.SetKey(starlark.String(name), globals[name]); err != nil {
			return nil, err
		}
	}
	dict.Freeze()
	return dict, nil
}

// extensionScheme is the prefix of the name of an extension in a load statement.
const extensionScheme = "ext://"

// defaultRepo is the repository of the extensions that aren't defined. It is on the network unless the Tiltfile
// defines another one with that name.
const defaultRepo = "default"

// extensionRepo is a v1alpha1.extension_repo: a directory of extensions.
type extensionRepo struct {
	name, dir string
	// loadHost is the first part of the names of those extensions in the repository that need no definition, empty
	// for none.
	loadHost string
}

// extension is a v1alpha1.extension: a Tiltfile that is executed after the main one, with its own arguments.
type extension struct {
	name, repoName, repoPath string
	args                     []string
	// position is where it was defined.
	position syntax.Position
}

// defineRepo is v1alpha1.extension_repo(name, ...). A repository on the network is an error.
func (e *evaluation) defineRepo(_ *builtins.Call, a struct {
	builtins.Metadata
	URL      string `arg:"url??"`
	Ref      string `arg:"ref??"`
	LoadHost string `arg:"load_host??"`
	Subpath  string `arg:"git_subpath??"`
}) (starlark.Value, error) {
	path, isFile := strings.CutPrefix(a.URL, "file://")
	// The URL has a scheme, or is like git@host:path.
	first, _, _ := strings.Cut(a.URL, "/")
	switch {
	case path == "":
		return nil, errors.New("url must not be empty")
	case !isFile && strings.Contains(first, ":"):
		return nil, fmt.Errorf("the repository %s is on the network, which isn't supported: "+
			"clone it, and give its directory as a file:// URL", a.URL)
	case a.Ref != "":
		return nil, errors.New("ref is for a repository on the network, and not for a directory")
	case a.Subpath != "":
		return nil, errors.New("git_subpath is for a repository on the network: append it to the URL of a directory")
	}
	dir := e.Absolute(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("the repository %s is not a directory", dir)
	}
	e.repositories = append(e.repositories, &extensionRepo{string(a.Name), dir, a.LoadHost})
	return nil, nil
}

// defineExtension is v1alpha1.extension(name, ...).
func (e *evaluation) defineExtension(c *builtins.Call, a struct {
	builtins.Metadata
	RepoName string              `arg:"repo_name??"`
	RepoPath string              `arg:"repo_path??"`
	Args     builtins.StringList `arg:"args??"`
}) (starlark.Value, error) {
	if a.RepoName == "" {
		return nil, errors.New("repo_name must not be empty")
	}
	e.extensions = append(e.extensions, &extension{string(a.Name), a.RepoName, a.RepoPath, a.Args, c.Position()})
	return nil, nil
}

// runExtensions executes the Tiltfiles of the extensions that weren't loaded already. They may define more
// extensions.
func (e *evaluation) runExtensions() error {
	for i := 0; i < len(e.extensions); i++ { //nolint:intrange // Extensions add extensions.
		x := e.extensions[i]
		path, err := e.extensionPath(x)
		if err != nil {
			return fmt.Errorf("%s: %w", x.position, err)
		}
		if _, executed := e.modules[path]; executed {
			continue
		}
		source, err := e.readSource(path)
		if err != nil {
			return fmt.Errorf("%s: %w", x.position, err)
		}
		if err := e.executeScope(&builtins.Scope{Args: x.args}, path, source); err != nil {
			return err
		}
	}
	return nil
}

// modulePath returns the absolute path of the file or the extension that a load statement names.
func (e *evaluation) modulePath(name string) (string, error) {
	name, isExtension := strings.CutPrefix(name, extensionScheme)
	if !isExtension {
		return e.Absolute(name), nil
	}
	for _, defined := range e.extensions {
		if defined.name == name {
			return e.extensionPath(defined)
		}
	}
	host, path, _ := strings.Cut(name, "/")
	for _, repo := range e.repositories {
		if path != "" && repo.loadHost == host {
			return e.extensionPath(&extension{name: name, repoName: repo.name, repoPath: path})
		}
	}
	return e.extensionPath(&extension{name: name, repoName: defaultRepo, repoPath: name})
}

// extensionPath returns the absolute path of an extension's Tiltfile.
func (e *evaluation) extensionPath(of *extension) (string, error) {
	i := slices.IndexFunc(e.repositories, func(r *extensionRepo) bool { return r.name == of.repoName })
	switch {
	case i < 0 && of.repoName == defaultRepo:
		return "", fmt.Errorf("extension %q is in the default repository on the network, which can't be loaded: "+
			"clone the repository, and name its directory with "+
			"v1alpha1.extension_repo(name='default', url='file://...')", of.name)
	case i < 0:
		return "", fmt.Errorf("extension %q is in repository %q, and there is no v1alpha1.extension_repo of that name",
			of.name, of.repoName)
	}
	path := filepath.Join(e.repositories[i].dir, of.repoPath, "Tiltfile")
	if !filepath.IsLocal(filepath.Join(".", of.repoPath, "Tiltfile")) {
		return "", fmt.Errorf("extension %q: the path %q is not in its repository", of.name, of.repoPath)
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		e.AddInput(path)
		return "", fmt.Errorf("extension %q: there is no file %s", of.name, path)
	}
	return path, nil
}
