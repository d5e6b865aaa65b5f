// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"tilt.dev/session/pkg/certs"
)

const (
	// authorityFile has the certificate of the authority and its private key behind
	// it, in PEM: in one file, so that they always belong together.
	authorityFile = "authority.pem"
	// tokenFile has the owner's token in one line.
	tokenFile = "token"
	// minToken is how many characters a token has at least that somebody has chosen.
	minToken = 16
)

// identity is what the owner of a server and the server know each other by.
type identity struct {
	authority *certs.Authority
	token     string
}

// identity is the one that a server with these options has.
func (o *Options) identity() (id identity, err error) {
	if now := o.clock.Now(); o.IdentityDir == "" {
		id, err = newIdentity(now)
	} else {
		id, err = keptIdentity(o.IdentityDir, now)
	}
	if o.Token != "" {
		id.token = o.Token
	}
	return id, err
}

// newIdentity returns one that ends with the process.
func newIdentity(now time.Time) (identity, error) {
	authority, err := certs.NewAuthority(now, authorityLifetime)
	if err != nil {
		return identity{}, fmt.Errorf("creating a certificate authority: %w", err)
	}
	return identity{authority: authority, token: newToken()}, nil
}

// keptIdentity returns the one of a directory, in which what isn't there is made.
// An authority that has got old is renewed under its name and with its key, so that
// clients go on trusting it that have only seen the certificate from before.
func keptIdentity(dir string, now time.Time) (id identity, err error) {
	path := filepath.Join(dir, authorityFile)
	text, err := kept(path, func() ([]byte, error) { return encodeAuthority(certs.NewAuthority(now, authorityLifetime)) })
	if err != nil {
		return identity{}, err
	}
	if id.authority, err = certs.DecodeAuthority(text); err != nil {
		return identity{}, damagedIdentity(path, err)
	}
	if id.authority.IsOld(now) {
		if id.authority, err = id.authority.Renew(now, authorityLifetime); err != nil {
			return identity{}, fmt.Errorf("renewing the authority of %s: %w", path, err)
		}
		if text, err = encodeAuthority(id.authority, nil); err != nil {
			return identity{}, err
		}
		if err := keep(path, text); err != nil {
			return identity{}, err
		}
	}
	path = filepath.Join(dir, tokenFile)
	if text, err = kept(path, func() ([]byte, error) { return []byte(newToken() + "\n"), nil }); err != nil {
		return identity{}, err
	}
	id.token = strings.TrimSpace(string(text))
	if err := checkToken(id.token); err != nil {
		return identity{}, damagedIdentity(path, err)
	}
	return id, nil
}

// damagedIdentity says what to do about a file that isn't as it was made.
func damagedIdentity(path string, err error) error {
	return fmt.Errorf("%s: %w (restore it from a backup, or remove it: another one is made at the next start, of which clients need the new kubeconfig)", path, err)
}

// checkToken refuses what can't be sent in a header, or is easily guessed.
func checkToken(token string) error {
	switch {
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("it isn't a single line of printable ASCII characters")
	case len(token) < minToken:
		return fmt.Errorf("a token of %d characters is too short, it has at least %d", len(token), minToken)
	}
	return nil
}

func encodeAuthority(a *certs.Authority, err error) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("creating a certificate authority: %w", err)
	}
	return a.Encode()
}
