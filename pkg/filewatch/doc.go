// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package filewatch reports coalesced changes of files below paths, minus ignored ones.
//
// # What is watched
//
// A path of a model.Watch is a file, or a directory with everything below it. A watch follows the name, not the
// file that it finds at first: the path may be missing, be removed, renamed, replaced and reappear, and so may
// every directory above it. Symbolic links above a path and the path itself are followed, and a change of such a
// link is a change of the path. Links below a watched directory aren't followed; they count as files.
//
// Changes are reported under the requested path, even if a link leads elsewhere.
//
// # What is a change
//
//   - A file, a link or anything else but a directory is created, written, truncated, replaced, removed or renamed, or
//     its modification time is set. A change of mode, owner or access time is no change. A file that is created and
//     removed at once is reported, because a program may have read it in between.
//   - A directory is created, removed or renamed. A new directory is reported
//     with everything in it, a removed one by its own name alone.
//   - Everything that was modified after the call of Watch or after model.Watch.Since, even before the system's own
//     watches were in place. A file system's clock advances in ticks, so a file that was modified earlier in the same
//     tick is reported too.
//   - When the system drops events because there are too many, everything is compared with its last known state. Only
//     files that were created and removed in between are lost.
//
// # What is ignored
//
// A path is ignored if any of the IgnoreSets ignores it. Patterns are those of .dockerignore files, relative to the
// set's Base: the last pattern that matches the path or a directory above it decides, and "!" makes an exception. There
// are two additions: "." is the whole Base, and patterns that begin with ".." or are absolute reach outside of it. An
// ignored directory costs nothing unless a pattern with "!" could match something in it. Swap files, backups and other
// temporary files of editors and file systems are always ignored below a directory, but not if requested by name.
//
// # Batches
//
// A batch is reported 200 ms after the last change, but at most 10 s after the first. It holds each path once,
// sorted, with the time at which its last change was seen, and the time at which it was made: the change time of
// the inode, which programs can't set, or, for a removed file, the modification time of its directory. A time more
// than a minute before the change was seen must belong to another change; then the change counts as made when it
// was seen. A change that is found when a watch begins counts as seen when it was made.
//
// # What it costs
//
// All watches share one instance of the system's facility. A directory is read and watched once, however many
// watches include it. On Linux each directory takes one of fs.inotify.max_user_watches, on macOS each file takes a
// file descriptor. At the system's limit Watch fails with an error that says how to raise it.
//
// # Limits
//
// Not noticed are:
//
//   - Writes through a memory mapping, or through a hard link outside of the path.
//   - Changes that other machines make to a network file system.
//   - File systems that are mounted or unmounted over a path, and changes in the
//     second of two paths that lead to one directory by a bind mount.
//   - The removal of a path between the start of the watch and the first look
//     at it: the path counts as missing from the start.
//   - Changes in a directory without read permission. The error is logged, and
//     the directory is read again when its mode changes.
package filewatch
