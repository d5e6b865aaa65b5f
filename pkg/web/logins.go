// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"sync"
	"time"
)

const (
	// codeLifetime is how long a code is valid, openLifetime one that a browser is opened with, and idleLifetime how long
	// a login without a request.
	codeLifetime = 5 * time.Minute
	openLifetime = time.Minute
	idleLifetime = 12 * time.Hour
	// maxCodes and maxLogins bound what is kept. A further one replaces the oldest.
	maxCodes  = 16
	maxLogins = 64
	// maxTries is how many wrong codes are looked at in a second, by all clients together. A right one is never refused
	// for it, because any process of this machine could keep the owner out then. It can't be guessed at any rate.
	maxTries = 10
)

// hash is what is kept of a secret. How long it takes to find one depends on hashes alone.
type hash = [sha256.Size]byte

func hashOf(secret string) hash { return sha256.Sum256([]byte(secret)) }

// code is valid for one login.
type code struct {
	viewOnly bool
	expires  time.Time
	// user is the ID of the only user besides root whose processes may use it, or anyUser.
	user int
}

// login is one of a browser.
type login struct {
	// key is the hash of the cookie, secret that of the other half.
	key, secret hash
	viewOnly    bool
	// used is when the last request of the login was made or ended. Its logins guard it.
	used time.Time
	// ended is done once the login has ended.
	ended context.Context
	end   context.CancelFunc
}

// logins are the codes and logins of a Site. They are kept in memory alone.
type logins struct {
	now func() time.Time

	mu    sync.Mutex
	codes map[hash]code
	open  map[hash]*login
	// tries are the times of the last wrong codes, and next is the index of the oldest one.
	tries [maxTries]time.Time
	next  int
}

// newCode returns a code of 130 random bits.
func (ls *logins) newCode(c code, lifetime time.Duration) string {
	secret := rand.Text()
	ls.mu.Lock()
	defer ls.mu.Unlock()
	now := ls.now()
	ls.expire(now)
	if len(ls.codes) >= maxCodes {
		delete(ls.codes, oldest(ls.codes, func(c code) time.Time { return c.expires }))
	}
	if ls.codes == nil {
		ls.codes = map[hash]code{}
	}
	c.expires = now.Add(lifetime)
	ls.codes[hashOf(secret)] = c
	return secret
}

// redeem returns a login for a code, which is used up, and the secrets of the login. client returns the user ID of the
// client, or anyUser. It is called for codes that are bound to a user.
func (ls *logins) redeem(secret string, client func() int) (l *login, cookie, header string, refused *refusal) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	now := ls.now()
	ls.expire(now)
	c, ok := ls.codes[hashOf(secret)]
	switch {
	case ok && !c.isFor(client):
		return nil, "", "", otherUser // the code is still valid for its user
	case ok:
	case now.Sub(ls.tries[ls.next]) < time.Second:
		return nil, "", "", tooManyTries
	default:
		ls.tries[ls.next] = now
		ls.next = (ls.next + 1) % maxTries
		return nil, "", "", wrongCode
	}
	delete(ls.codes, hashOf(secret))
	if len(ls.open) >= maxLogins {
		ls.remove(ls.open[oldest(ls.open, func(l *login) time.Time { return l.used })])
	}
	cookie, header = rand.Text()+rand.Text(), rand.Text()+rand.Text()
	l = &login{key: hashOf(cookie), secret: hashOf(header), viewOnly: c.viewOnly, used: now}
	l.ended, l.end = context.WithCancel(context.Background())
	if ls.open == nil {
		ls.open = map[hash]*login{}
	}
	ls.open[l.key] = l
	return l, cookie, header, nil
}

// isFor reports whether a client may use a code. What root does can't be prevented, and some forwarders are root's.
func (c code) isFor(client func() int) bool {
	if c.user == anyUser {
		return true
	}
	user := client()
	return user == c.user || user == 0 || user == anyUser
}

// find returns the login of two secrets, or nil. That is a use of it.
func (ls *logins) find(cookie, header string) *login {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l, secret := ls.open[hashOf(cookie)], hashOf(header)
	if l == nil || subtle.ConstantTimeCompare(l.secret[:], secret[:]) != 1 {
		return nil
	}
	now := ls.now()
	if l.isIdle(now) {
		ls.remove(l)
		return nil
	}
	l.used = now
	return l
}

// use defers the end of a login.
func (ls *logins) use(l *login) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l.used = ls.now()
}

// end ends a login, and its requests.
func (ls *logins) end(l *login) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.remove(l)
}

func (ls *logins) remove(l *login) {
	delete(ls.open, l.key)
	l.end()
}

// expire forgets what is no longer valid.
func (ls *logins) expire(now time.Time) {
	for key, c := range ls.codes {
		if !now.Before(c.expires) {
			delete(ls.codes, key)
		}
	}
	for _, l := range ls.open {
		if l.isIdle(now) {
			ls.remove(l)
		}
	}
}

func (l *login) isIdle(now time.Time) bool { return now.Sub(l.used) >= idleLifetime }

// oldest returns the key with the earliest time.
func oldest[V any](of map[hash]V, at func(V) time.Time) (key hash) {
	var first time.Time
	for k, v := range of {
		if t := at(v); first.IsZero() || t.Before(first) {
			key, first = k, t
		}
	}
	return key
}
