// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

// readers is the history of one kubeconfig file that says whether somebody has
// read an entry right after it was written. Whoever takes the lock is going to
// change the file and doesn't look for a server: the one time that it reads
// the file for that isn't counted.
type readers struct {
	written bool
	// editors have the lock or wait for it, unread are those of them that can't
	// be told to have read the file.
	editors, unread int
	seen            bool
}

// locked says that somebody has begun to take the lock.
func (r *readers) locked() {
	r.editors++
	r.unread++
}

// unlocked says that somebody has given the lock back.
func (r *readers) unlocked() {
	r.editors = max(0, r.editors-1)
	r.unread = min(r.unread, r.editors)
}

// opened says that the file was opened, by whomever.
func (r *readers) opened() {
	if r.unread > 0 {
		r.unread--
		return
	}
	r.seen = r.seen || r.written
}

// replaced says that the file has new content, of which those who opened it
// before know nothing.
func (r *readers) replaced() { r.written = true }
