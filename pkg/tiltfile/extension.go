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
)

// extensionScheme begins the name of an extension in a load statement.
const extensionScheme = "ext://"

// defaultRepo is the repository of the extensions that aren't defined. It's one
// on the network unless the Tiltfile defines another by that name.
const defaultRepo = "default"

// extensionRepo is a v1alpha1.extension_repo: a directory of extensions.
type extensionRepo struct {
	name, dir string
	// loadHost is the first part of the names of those extensions in the
	// repository that need no definition, empty for none.
	loadHost string
}

// extension is a v1alpha1.extension: a Tiltfile that's executed after the main
// one, with arguments of its own.
type extension struct {
	name, repoName, repoPath string
	args                     []string
	// position is where it was defined.
	position syntax.Position
}

// defineExtensionRepo is v1alpha1.extension_repo(name, labels, annotations, url,
// ref, load_host, git_subpath). A repository on the network is an error.
func (e *evaluation) defineExtensionRepo(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var m metadata
	var url, ref, loadHost, subpath string
	err := e.objects.define(fn, args, kwargs, &m,
		"url??", &url, "ref??", &ref, "load_host??", &loadHost, "git_subpath??", &subpath)
	if err != nil {
		return nil, err
	}
	path, isFile := strings.CutPrefix(url, "file://")
	switch {
	case path == "":
		return nil, errors.New("url must not be empty")
	case !isFile && onNetwork(url):
		return nil, fmt.Errorf("the repository %s is on the network, from which this version loads no extensions: "+
			"clone it, and give its directory as a file:// URL", url)
	case ref != "":
		return nil, errors.New("ref is for a repository on the network, and not for a directory")
	case subpath != "":
		return nil, errors.New("git_subpath is for a repository on the network: append it to the URL of a directory")
	}
	dir := e.absolute(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("the repository %s is not a directory", dir)
	}
	e.objects.repositories = append(e.objects.repositories, &extensionRepo{string(m.name), dir, loadHost})
	return starlark.None, nil
}

// onNetwork is true for what isn't the path of a file: a URL, or the like of
// git@host:path.
func onNetwork(url string) bool {
	first, _, _ := strings.Cut(url, "/")
	return strings.Contains(first, ":")
}

// defineExtension is v1alpha1.extension(name, labels, annotations, repo_name,
// repo_path, args).
func (e *evaluation) defineExtension(thread *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var m metadata
	var given stringList
	x := &extension{position: thread.CallFrame(1).Pos}
	err := e.objects.define(fn, args, kwargs, &m,
		"repo_name??", &x.repoName, "repo_path??", &x.repoPath, "args??", &given)
	switch {
	case err != nil:
		return nil, err
	case x.repoName == "":
		return nil, errors.New("repo_name must not be empty")
	}
	x.name, x.args = string(m.name), given
	e.objects.extensions = append(e.objects.extensions, x)
	return starlark.None, nil
}

// runExtensions executes the Tiltfiles of the extensions that weren't loaded
// already. They may define more of them.
func (e *evaluation) runExtensions() error {
	for i := 0; i < len(e.objects.extensions); i++ {
		x := e.objects.extensions[i]
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
		if err := e.executeAlone(path, source, x.args); err != nil {
			return err
		}
	}
	return nil
}

// modulePath returns the absolute path of what a load statement names: a file,
// or an extension.
func (e *evaluation) modulePath(name string) (string, error) {
	name, isExtension := strings.CutPrefix(name, extensionScheme)
	if !isExtension {
		return e.absolute(name), nil
	}
	for _, x := range e.objects.extensions {
		if x.name == name {
			return e.extensionPath(x)
		}
	}
	host, path, _ := strings.Cut(name, "/")
	for _, repo := range e.objects.repositories {
		if path != "" && repo.loadHost == host {
			return e.extensionPath(&extension{name: name, repoName: repo.name, repoPath: path})
		}
	}
	return e.extensionPath(&extension{name: name, repoName: defaultRepo, repoPath: name})
}

// extensionPath returns the absolute path of an extension's Tiltfile.
func (e *evaluation) extensionPath(x *extension) (string, error) {
	i := slices.IndexFunc(e.objects.repositories, func(r *extensionRepo) bool { return r.name == x.repoName })
	switch {
	case i < 0 && x.repoName == defaultRepo:
		return "", fmt.Errorf("extension %q is in the default repository on the network, from which this version loads none: "+
			"clone the repository, and name its directory with v1alpha1.extension_repo(name='default', url='file://...')", x.name)
	case i < 0:
		return "", fmt.Errorf("extension %q is in repository %q, and there is no v1alpha1.extension_repo of that name", x.name, x.repoName)
	}
	path := filepath.Join(e.objects.repositories[i].dir, x.repoPath, "Tiltfile")
	if !filepath.IsLocal(filepath.Join(".", x.repoPath, "Tiltfile")) {
		return "", fmt.Errorf("extension %q: the path %q is not in its repository", x.name, x.repoPath)
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		e.addInput(path)
		return "", fmt.Errorf("extension %q: there is no file %s", x.name, path)
	}
	return path, nil
}
