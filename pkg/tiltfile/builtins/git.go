// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.starlark.net/starlark"
)

// gitDirectory holds a repository's own files. It is a file in a worktree or a
// submodule.
const gitDirectory = ".git"

// Git returns the builtins of git repositories.
func (e *Evaluation) Git() Library {
	return Functions(map[string]Function{"local_git_repo": e.localGitRepo})
}

// gitRepo is a repository on this machine. It can be used as a path.
type gitRepo struct {
	// root is an absolute directory.
	root string
}

var _ starlark.HasAttrs = (*gitRepo)(nil)

// localGitRepo is local_git_repo(path).
func (e *Evaluation) localGitRepo(c *Call) (starlark.Value, error) {
	var a struct {
		Path Path `arg:"path,alias=paths"`
	}
	if err := c.Unpack(&a); err != nil {
		return nil, err
	}
	root := e.Absolute(string(a.Path))
	if _, err := os.Stat(root); err != nil {
		return nil, err
	}
	switch _, err := os.Stat(filepath.Join(root, gitDirectory)); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s isn't a valid git repo: it has no %s", root, gitDirectory)
	case err != nil:
		return nil, err
	}
	return &gitRepo{root}, nil
}

// paths is paths(path): the absolute path of a file in the repository.
func (r *gitRepo) paths(c *Call) (starlark.Value, error) {
	var a struct {
		Path Path `arg:"path,alias=paths"`
	}
	if err := c.Unpack(&a); err != nil {
		return nil, err
	}
	return starlark.String(filepath.Join(r.root, string(a.Path))), nil
}

// Attr implements starlark.HasAttrs.
func (r *gitRepo) Attr(name string) (starlark.Value, error) {
	if name != "paths" {
		return nil, nil
	}
	return builtin("paths", r.paths), nil
}

// AttrNames implements starlark.HasAttrs.
func (r *gitRepo) AttrNames() []string   { return []string{"paths"} }
func (r *gitRepo) String() string        { return fmt.Sprintf("[git.Repo] '%s'", r.root) }
func (r *gitRepo) Type() string          { return "git.Repo" }
func (r *gitRepo) Freeze()               {}
func (r *gitRepo) Truth() starlark.Bool  { return true }
func (r *gitRepo) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: %s", r.Type()) }
