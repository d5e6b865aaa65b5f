// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package filewatch reports coalesced changes of files below paths, minus
// what's ignored.
//
// # What is watched
//
// A path of a model.Watch is a file, or a directory with everything below it. It
// is followed by name, not by what was found there at first: it may be missing,
// be removed, renamed, replaced and come back, and so may every directory on the
// way to it. Symbolic links on the way to a path and the path itself are
// followed, and a link that's pointed elsewhere is a change of the path. Links
// that are found below a directory aren't followed; they're files.
//
// Changes are reported under the path that was asked for, even if a link leads
// elsewhere.
//
// # What is a change
//
//   - A file, a link or anything else that isn't a directory is created, written,
//     truncated, replaced, removed or renamed, or its modification time is set.
//     A change of mode, owner or access time isn't one. One that comes and goes
//     at once is reported too: it may have been seen in between.
//   - A directory is created, removed or renamed. One that appears is reported
//     with everything in it, one that goes away by its own name alone.
//   - Everything that was modified after the call of Watch, or after the time at
//     which it was asked to begin, also before the system's own watches were in
//     place. A file system's clock ticks in steps, so that what was changed in the
//     same tick looks like a later change and is reported too.
//   - When the system drops events because there are too many of them, everything
//     is compared with what was known of it. Nothing is lost, but a file that
//     came and went in between.
//
// # What is ignored
//
// A path is ignored if any of the IgnoreSets ignores it. Patterns are those of
// .dockerignore files relative to the set's Base: the last one that matches the
// path or a directory above it decides, and "!" takes back. Two things
// are added: "." is the whole Base, and patterns that begin with ".." or
// are absolute reach outside of it. A directory that's ignored costs nothing unless a
// pattern with "!" could match something in it. Files with which editors and file
// systems surprise everybody, such as swap and backup files, are always
// ignored below a directory, but not if they're asked for by name.
//
// # Batches
//
// A batch is reported 200 ms after the last change, but at most 10 s after the
// first. It has each path once, sorted, with the time at which it was last seen
// to change, and the time at which that was done as far as the file tells:
// the change time of the inode, which programs can't set, or, for something that
// was removed, the modification time of the directory. If that's more than a
// minute before, it's about something else, and the change is taken to have been
// made when it was seen. What's found as a watch begins counts as seen when it was
// made.
//
// # What it costs
//
// All watches share one instance of the system's facility. A directory is read and
// watched once however many watches it belongs to. On Linux each directory takes one
// of fs.inotify.max_user_watches, on macOS each file takes a file
// descriptor. When the system's limit is reached, Watch fails with an error that
// says how to raise it.
//
// # What isn't noticed
//
//   - Writes through a memory mapping, or by another name of the file (a hard
//     link) that's not below the path.
//   - Changes that other machines make to a network file system.
//   - File systems that are mounted or unmounted over a path, and the second of
//     two paths that lead to one directory by a bind mount.
//   - That a path was removed after the watch began and before it was looked at for
//     the first time: it counts as one that was missing.
//   - What's in a directory that may not be read. It's logged, and the directory is
//     looked at again when its mode changes.
package filewatch
