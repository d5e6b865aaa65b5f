// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package extension finds the Tiltfiles of extensions, and fetches the repositories that have them.
//
// # Where a repository is
//
// A Repository is a URL, perhaps with a ref. Its directory is the first of these that exists:
//
//  1. tilt_modules/HOST/PATH in the directory of the main Tiltfile: a vendored copy. Of the default repository the
//     extensions may also be in tilt_modules/NAME, as old versions of Tilt wrote them. A vendored copy needs no git,
//     and it is used whatever the ref is.
//  2. $XDG_DATA_HOME/tilt-dev/tilt_modules/HOST/PATH, which is where Tilt has its clones, so that those of Tilt are
//     used. A repository with a ref is beside it, in PATH@REF, since Tilt and Tiltfiles without a ref change or use the
//     other one. $XDG_DATA_HOME is ~/.local/share by default, and ~/Library/Application Support on macOS.
//
// PATH is that of the URL. REF is escaped as a segment of a URL.
//
// # How a repository is fetched
//
// If neither directory exists, git clones the repository without its history. It uses the configuration of the user,
// asks for no password, uses only the protocols https, http, ssh and file, and gives up a server that sends nothing for
// a minute. A ref is a branch, a tag or a commit; a clone of Tilt that has it serves instead of the network. The
// checkout is made in a temporary directory beside the
// place where it belongs, is verified, and gets its name only then. A lock on a file lets one process at a time do so.
//
// Nothing else changes a directory, and none is fetched again: without Store.Update a clone stays at its commit, also
// one whose ref is a branch. At each use git verifies that the clone has a commit, and the one that the ref names if
// that is the full name of a commit. A clone without any commit, of a process that was killed, is replaced.
//
// # What is refused
//
// URLs of other protocols; URLs, refs, names and paths that git or the file system could take for something else, such
// as an option or a directory outside; and extensions that a symbolic link leads out of their repository.
//
// Submodules are not fetched.
package extension
