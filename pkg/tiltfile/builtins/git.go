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

// gitDirectory holds a repository's own files. It is a file in a worktree or a submodule.
const gitDirectory = ".git"

// Git returns the builtins of git repositories.
func (e *Evaluation) Git() Library {
	return Functions(map[string]Function{"local_git_repo": Unpacking(e.localGitRepo)})
}

// gitRepo is a repository on this machine, a value with the function paths. It can be used as a path. Its text is the
// absolute directory.
type gitRepo string

var _ starlark.HasAttrs = gitRepo("")

func (r gitRepo) String() string        { return fmt.Sprintf("[git.Repo] '%s'", string(r)) }
func (r gitRepo) Type() string          { return "git.Repo" }
func (r gitRepo) Freeze()               {}
func (r gitRepo) Truth() starlark.Bool  { return true }
func (r gitRepo) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: %s", r.Type()) }
func (r gitRepo) AttrNames() []string   { return []string{"paths"} }

// Attr implements starlark.HasAttrs. The function paths(path) returns the absolute path of a file in the repository.
func (r gitRepo) Attr(name string) (starlark.Value, error) {
	if name != "paths" {
		return nil, nil
	}
	return builtin(name, Unpacking(func(a onePath) (starlark.Value, error) {
		return starlark.String(filepath.Join(string(r), string(a.Path))), nil
	})), nil
}

// localGitRepo is local_git_repo(path).
func (e *Evaluation) localGitRepo(a onePath) (starlark.Value, error) {
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
	return gitRepo(root), nil
}
