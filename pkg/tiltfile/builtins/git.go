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
	"go.starlark.net/starlarkstruct"
)

// gitDirectory holds a repository's own files. It is a file in a worktree or a submodule.
const gitDirectory = ".git"

// Git returns the builtins of git repositories.
func (e *Evaluation) Git() Library {
	return Functions(map[string]Function{"local_git_repo": Unpacking(e.localGitRepo)})
}

// gitRepo is a repository on this machine: a struct with the function paths. It can be used as a path.
type gitRepo struct {
	*starlarkstruct.Struct
	// root is an absolute directory.
	root string
}

func (r *gitRepo) String() string        { return fmt.Sprintf("[git.Repo] '%s'", r.root) }
func (r *gitRepo) Type() string          { return "git.Repo" }
func (r *gitRepo) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: %s", r.Type()) }

// localGitRepo is local_git_repo(path).
func (e *Evaluation) localGitRepo(a onePath) (starlark.Value, error) {
	r := &gitRepo{root: e.Absolute(string(a.Path))}
	if _, err := os.Stat(r.root); err != nil {
		return nil, err
	}
	switch _, err := os.Stat(filepath.Join(r.root, gitDirectory)); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s isn't a valid git repo: it has no %s", r.root, gitDirectory)
	case err != nil:
		return nil, err
	}
	paths := builtin("paths", Unpacking(r.paths))
	r.Struct = starlarkstruct.FromStringDict(starlark.String(r.Type()), starlark.StringDict{"paths": paths})
	return r, nil
}

// paths is paths(path): the absolute path of a file in the repository.
func (r *gitRepo) paths(a onePath) (starlark.Value, error) {
	return starlark.String(filepath.Join(r.root, string(a.Path))), nil
}
