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
)

// extensionScheme is the prefix of the name of an extension in a load statement.
const extensionScheme = "ext://"

// defaultRepo is the repository of the extensions that aren't defined. It is on the network unless the Tiltfile
// defines another one with that name.
const defaultRepo = "default"

// extensions are the extensions that a Tiltfile defines, and where they are.
type extensions struct {
	evaluation   *builtins.Evaluation
	objects      *builtins.Objects
	repositories []*extensionRepo
	defined      []*extension
}

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

func (x *extensions) library() builtins.Library {
	return builtins.Functions(map[string]builtins.Function{
		"v1alpha1.extension":      builtins.Defining(x.objects, x.defineExtension),
		"v1alpha1.extension_repo": builtins.Defining(x.objects, x.defineRepo),
	})
}

// defineRepo is v1alpha1.extension_repo(name, ...). A repository on the network is an error.
func (x *extensions) defineRepo(_ *builtins.Call, a struct {
	builtins.Metadata
	URL      string `arg:"url??"`
	Ref      string `arg:"ref??"`
	LoadHost string `arg:"load_host??"`
	Subpath  string `arg:"git_subpath??"`
}) (starlark.Value, error) {
	path, isFile := strings.CutPrefix(a.URL, "file://")
	switch {
	case path == "":
		return nil, errors.New("url must not be empty")
	case !isFile && onNetwork(a.URL):
		return nil, fmt.Errorf("the repository %s is on the network, which isn't supported: "+
			"clone it, and give its directory as a file:// URL", a.URL)
	case a.Ref != "":
		return nil, errors.New("ref is for a repository on the network, and not for a directory")
	case a.Subpath != "":
		return nil, errors.New("git_subpath is for a repository on the network: append it to the URL of a directory")
	}
	dir := x.evaluation.Absolute(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("the repository %s is not a directory", dir)
	}
	x.repositories = append(x.repositories, &extensionRepo{string(a.Name), dir, a.LoadHost})
	return nil, nil
}

// onNetwork returns whether a URL isn't the path of a file: it has a scheme, or is like git@host:path.
func onNetwork(url string) bool {
	first, _, _ := strings.Cut(url, "/")
	return strings.Contains(first, ":")
}

// defineExtension is v1alpha1.extension(name, ...).
func (x *extensions) defineExtension(c *builtins.Call, a struct {
	builtins.Metadata
	RepoName string              `arg:"repo_name??"`
	RepoPath string              `arg:"repo_path??"`
	Args     builtins.StringList `arg:"args??"`
}) (starlark.Value, error) {
	if a.RepoName == "" {
		return nil, errors.New("repo_name must not be empty")
	}
	x.defined = append(x.defined, &extension{string(a.Name), a.RepoName, a.RepoPath, a.Args, c.Position()})
	return nil, nil
}

// runExtensions executes the Tiltfiles of the extensions that weren't loaded already. They may define more
// extensions.
func (e *evaluation) runExtensions() error {
	for i := 0; i < len(e.extensions.defined); i++ {
		x := e.extensions.defined[i]
		path, err := e.extensions.path(x)
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
func (x *extensions) modulePath(name string) (string, error) {
	name, isExtension := strings.CutPrefix(name, extensionScheme)
	if !isExtension {
		return x.evaluation.Absolute(name), nil
	}
	for _, defined := range x.defined {
		if defined.name == name {
			return x.path(defined)
		}
	}
	host, path, _ := strings.Cut(name, "/")
	for _, repo := range x.repositories {
		if path != "" && repo.loadHost == host {
			return x.path(&extension{name: name, repoName: repo.name, repoPath: path})
		}
	}
	return x.path(&extension{name: name, repoName: defaultRepo, repoPath: name})
}

// path returns the absolute path of an extension's Tiltfile.
func (x *extensions) path(of *extension) (string, error) {
	i := slices.IndexFunc(x.repositories, func(r *extensionRepo) bool { return r.name == of.repoName })
	switch {
	case i < 0 && of.repoName == defaultRepo:
		return "", fmt.Errorf("extension %q is in the default repository on the network, which can't be loaded: "+
			"clone the repository, and name its directory with "+
			"v1alpha1.extension_repo(name='default', url='file://...')", of.name)
	case i < 0:
		return "", fmt.Errorf("extension %q is in repository %q, and there is no v1alpha1.extension_repo of that name",
			of.name, of.repoName)
	}
	path := filepath.Join(x.repositories[i].dir, of.repoPath, "Tiltfile")
	if !filepath.IsLocal(filepath.Join(".", of.repoPath, "Tiltfile")) {
		return "", fmt.Errorf("extension %q: the path %q is not in its repository", of.name, of.repoPath)
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		x.evaluation.AddInput(path)
		return "", fmt.Errorf("extension %q: there is no file %s", of.name, path)
	}
	return path, nil
}
