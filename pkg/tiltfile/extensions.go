// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"tilt.dev/session/pkg/tiltfile/builtins"
	"tilt.dev/session/pkg/tiltfile/extension"
)

// extensionScheme is the prefix of the name of an extension in a load statement.
const extensionScheme = "ext://"

// defaultRepo is the name of the repository of the extensions that aren't defined. Unless the Tiltfile defines another
// one with that name, its URL is extension.DefaultURL.
const defaultRepo = "default"

// extensionRepo is a v1alpha1.extension_repo: a repository with extensions.
type extensionRepo struct {
	name string
	// remote is the repository on a server, and nil for a directory.
	remote *extension.Repository
	// dir is the directory, "" for a repository on a server that wasn't needed yet.
	dir string
	// subpath is the path of the extensions in the repository.
	subpath string
	// loadHost is the first part of the names of those extensions in the repository that need no definition, empty
	// for none.
	loadHost string
}

// definedExtension is a v1alpha1.extension: a Tiltfile that is executed after the main one, with its own arguments.
type definedExtension struct {
	name, repoName, repoPath string
	args                     []string
	// position is where it was defined.
	position syntax.Position
}

// defineRepo is v1alpha1.extension_repo(name, ...). Nothing is fetched before an extension of it is needed.
func (e *evaluation) defineRepo(_ *builtins.Call, a struct {
	builtins.Metadata
	URL      string `arg:"url??"`
	Ref      string `arg:"ref??"`
	LoadHost string `arg:"load_host??"`
	Subpath  string `arg:"git_subpath??"`
}) (starlark.Value, error) {
	repo := &extensionRepo{name: string(a.Name), loadHost: a.LoadHost, subpath: a.Subpath}
	if e.repository(repo.name) != nil {
		return nil, fmt.Errorf("the repository %q was used before: define it before the first load of its extensions",
			repo.name)
	}
	path, isFile := strings.CutPrefix(a.URL, "file://")
	// The URL has a scheme, or is like git@host:path.
	first, _, _ := strings.Cut(a.URL, "/")
	switch {
	case path == "":
		return nil, errors.New("url must not be empty")
	case !isFile && strings.Contains(first, ":"):
		remote, err := extension.NewRepository(a.URL, a.Ref)
		if err != nil {
			return nil, err
		}
		if err := extension.CheckPath(a.Subpath); err != nil {
			return nil, fmt.Errorf("git_subpath: %w", err)
		}
		repo.remote = &remote
		e.repositories = append(e.repositories, repo)
		return nil, nil
	case a.Ref != "":
		return nil, errors.New("ref is for a repository on the network, and not for a directory")
	case a.Subpath != "":
		return nil, errors.New("git_subpath is for a repository on the network: append it to the URL of a directory")
	}
	repo.dir = e.Absolute(path)
	if info, err := os.Stat(repo.dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("the repository %s is not a directory", repo.dir)
	}
	e.repositories = append(e.repositories, repo)
	return nil, nil
}

// repository returns the repository with a name, nil for none.
func (e *evaluation) repository(name string) *extensionRepo {
	if i := slices.IndexFunc(e.repositories, func(r *extensionRepo) bool { return r.name == name }); i >= 0 {
		return e.repositories[i]
	}
	return nil
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
	e.extensions = append(e.extensions, &definedExtension{string(a.Name), a.RepoName, a.RepoPath, a.Args, c.Position()})
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
		scope := &builtins.Scope{Args: x.args, Path: path, Label: "extension." + x.name}
		if err := e.executeScope(scope, path, source); err != nil {
			return err
		}
	}
	return nil
}

// configOf returns the module config for a file of the scope that is being executed: the main file of an extension that
// is executed by itself is its own.
func (e *evaluation) configOf(main starlark.Value) starlark.Value {
	module, ok := main.(*starlarkstruct.Module)
	if e.Scope.Path == "" || !ok {
		return main
	}
	members := maps.Clone(module.Members)
	members["main_path"] = starlark.String(e.Scope.Path)
	members["main_dir"] = starlark.String(filepath.Dir(e.Scope.Path))
	return &starlarkstruct.Module{Name: module.Name, Members: members}
}

// modulePath returns the absolute path of the file or the extension that a load statement names.
func (e *evaluation) modulePath(name string) (string, error) {
	name, isExtension := strings.CutPrefix(name, extensionScheme)
	if !isExtension {
		return e.Absolute(name), nil
	}
	if name == "" {
		return "", fmt.Errorf("%s must be followed by the name of an extension", extensionScheme)
	}
	for _, defined := range e.extensions {
		// A slash can't be part of the name of an object.
		if defined.name == name || defined.name == strings.ReplaceAll(name, "/", "_") {
			return e.extensionPath(defined)
		}
	}
	host, path, _ := strings.Cut(name, "/")
	for _, repo := range e.repositories {
		if path != "" && repo.loadHost != "" && repo.loadHost == host {
			return e.extensionPath(&definedExtension{name: name, repoName: repo.name, repoPath: path})
		}
	}
	return e.extensionPath(&definedExtension{name: name, repoName: defaultRepo, repoPath: name})
}

// extensionPath returns the absolute path of an extension's Tiltfile. It fetches the repository if that isn't there.
func (e *evaluation) extensionPath(of *definedExtension) (string, error) {
	if err := extension.CheckPath(of.repoPath); err != nil {
		return "", fmt.Errorf("extension %q: %w", of.name, err)
	}
	repo := e.repository(of.repoName)
	if repo == nil && of.repoName == defaultRepo {
		remote, err := extension.NewRepository(extension.DefaultURL, "")
		if err != nil {
			return "", err
		}
		repo = &extensionRepo{name: defaultRepo, remote: &remote}
		e.repositories = append(e.repositories, repo)
	}
	if repo == nil {
		return "", fmt.Errorf("extension %q is in repository %q, and there is no v1alpha1.extension_repo of that name",
			of.name, of.repoName)
	}
	inside := filepath.Join(repo.subpath, of.repoPath, "Tiltfile")
	dir, err := e.repositoryDirectory(repo, filepath.Dir(inside))
	if err != nil {
		return "", fmt.Errorf("extension %q: %w", of.name, err)
	}
	path := filepath.Join(dir, inside)
	stat := os.Stat
	if repo.remote != nil {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return "", fmt.Errorf("extension %q: %w", of.name, err)
		}
		defer root.Close()
		// A symbolic link out of the repository is an error.
		stat = func(string) (os.FileInfo, error) { return root.Stat(inside) }
	}
	switch info, err := stat(path); {
	case errors.Is(err, os.ErrNotExist) || err == nil && !info.Mode().IsRegular():
		e.AddInput(path)
		return "", fmt.Errorf("extension %q: there is no file %s", of.name, path)
	case err != nil:
		return "", fmt.Errorf("extension %q: %s: %w", of.name, path, err)
	}
	return path, nil
}

// repositoryDirectory returns the directory of the repository that has the extension with a path in it.
func (e *evaluation) repositoryDirectory(repo *extensionRepo, path string) (string, error) {
	if repo.dir != "" {
		return repo.dir, nil
	}
	if dir := extension.Vendored(e.MainDirectory(), *repo.remote, path); dir != "" {
		if repo.remote.Ref != "" {
			e.InfoOnce(dir, fmt.Sprintf("Extensions of %s are those in %s, whatever the ref", repo.remote, dir))
		}
		return dir, nil
	}
	store, err := extension.NewStore(e.Runner, e.Environ, e.Info)
	if err != nil {
		return "", err
	}
	repo.dir, err = store.Directory(e.Context, *repo.remote)
	return repo.dir, err
}
