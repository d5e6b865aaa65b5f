// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package extension

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"tilt.dev/session/pkg/tiltfile/builtins"
)

// git runs the git of the user.
type git struct {
	runner  builtins.Runner
	environ []string
}

// foreign are the variables by which git finds another repository than the one that a command names, as in a hook.
var foreign = []string{
	"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
	"GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX",
}

// newGit returns the git for a user's environment.
func newGit(runner builtins.Runner, environ []string) git {
	// What the user sets wins, as the last entry of a key.
	ours := []string{
		"GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=file:http:https:ssh",
		// A server that sends nothing for a minute is given up.
		"GIT_HTTP_LOW_SPEED_LIMIT=1", "GIT_HTTP_LOW_SPEED_TIME=60",
	}
	for _, entry := range environ {
		if key, _, _ := strings.Cut(entry, "="); !slices.Contains(foreign, key) {
			ours = append(ours, entry)
		}
	}
	// Errors are told apart by their English text.
	return git{runner, append(ours, "LC_ALL=C")}
}

// settings keep git from running programs that the user's configuration names, and from leaving one behind.
var settings = []string{
	"-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false",
}

// run returns what a command of git writes, without spaces around it.
func (g git) run(ctx context.Context, args ...string) (string, error) {
	if g.runner == nil {
		return "", errors.New("this evaluation can't run commands")
	}
	var stdout, stderr bytes.Buffer
	err := g.runner.Run(ctx, builtins.Command{
		Argv: slices.Concat([]string{"git"}, settings, args), Dir: "/", Env: g.environ, Stdout: &stdout, Stderr: &stderr,
	})
	if err != nil {
		if text := strings.TrimSpace(stderr.String()); text != "" {
			err = fmt.Errorf("%w: %s", err, text)
		}
		return "", fmt.Errorf("git: %w", err)
	}
	return strings.TrimSpace(stdout.String()), nil
}

// in runs a command in the clone that is exactly at a directory.
func (g git) in(ctx context.Context, dir string, args ...string) (string, error) {
	return g.run(ctx, append([]string{"--git-dir=" + filepath.Join(dir, ".git"), "--work-tree=" + dir}, args...)...)
}

// commit returns the full name of the commit of a revision in a clone.
func (g git) commit(ctx context.Context, dir, revision string) (string, error) {
	return g.in(ctx, dir, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
}

// errMoved is the error for a clone at another commit than the one that its ref names.
var errMoved = errors.New("it is at another commit than its ref")

// verify returns the commit of a clone, if it is the one that the ref of the repository names.
func (g git) verify(ctx context.Context, dir string, r Repository) (string, error) {
	at, err := g.commit(ctx, dir, "HEAD")
	if err != nil {
		return "", fmt.Errorf("%s has no commit: %w", dir, err)
	}
	if _, full := r.isCommit(); full && at != r.Ref {
		return "", fmt.Errorf("%s: %w: it has %s; remove the directory", dir, errMoved, at)
	}
	return at, nil
}

// clone makes a checkout of the default branch of a URL in a new directory.
func (g git) clone(ctx context.Context, dir, from string, r Repository) error {
	if _, err := g.run(ctx, "clone", "--quiet", "--depth=1", "--", from, dir); err != nil {
		return err
	}
	_, err := g.in(ctx, dir, "remote", "set-url", "origin", r.URL)
	return err
}

// unknown are parts of the errors of git for a ref that a server doesn't have, or doesn't serve by itself.
var unknown = []string{"couldn't find remote ref", "not our ref", "unadvertised object"}

// checkOut makes a checkout of the ref of a repository in a new directory.
func (g git) checkOut(ctx context.Context, dir, from string, r Repository) error {
	if _, err := g.run(ctx, "init", "--quiet", "--", dir); err != nil {
		return err
	}
	if _, err := g.in(ctx, dir, "remote", "add", "origin", r.URL); err != nil {
		return err
	}
	revision := "FETCH_HEAD"
	found, err := g.fetch(ctx, dir, from, r)
	if err == nil && !found {
		_, err = g.in(ctx, dir, "fetch", "--quiet", "--tags", "--", from, "+refs/heads/*:refs/remotes/origin/*")
		if err == nil {
			revision, err = g.resolve(ctx, dir, r.Ref)
		}
	}
	if err == nil {
		_, err = g.in(ctx, dir, "checkout", "--quiet", "--detach", revision)
	}
	return err
}

// fetch gets the commit of a ref alone. It returns false if the server must be asked for everything instead: no server
// finds a commit by a part of its name, and some by its name at all.
func (g git) fetch(ctx context.Context, dir, from string, r Repository) (found bool, err error) {
	if possible, full := r.isCommit(); possible && !full {
		return false, nil
	}
	_, err = g.in(ctx, dir, "fetch", "--quiet", "--depth=1", "--no-tags", "--", from, r.Ref)
	if err != nil && slices.ContainsFunc(unknown, func(part string) bool { return strings.Contains(err.Error(), part) }) {
		return false, nil
	}
	return err == nil, err
}

// errNoRef is the error for a ref that a repository doesn't have.
var errNoRef = errors.New("it has no branch, tag or commit")

// resolve returns the commit of a ref in a clone, where it may be a branch of the server.
func (g git) resolve(ctx context.Context, dir, ref string) (string, error) {
	for _, revision := range []string{ref, "refs/remotes/origin/" + ref} {
		at, err := g.commit(ctx, dir, revision)
		if err == nil {
			return at, nil
		}
		if ctx.Err() != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("%w %q", errNoRef, ref)
}
