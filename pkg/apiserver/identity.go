// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"tilt.dev/session/pkg/certs"
	"tilt.dev/session/pkg/private"
)

const (
	// authorityFile has the certificate of the authority followed by its private key,
	// in PEM: in one file, so that both always belong together.
	authorityFile = "authority.pem"
	// tokenFile has the owner's token in one line.
	tokenFile = "token"
	// minToken is the minimum length of a token that a person has chosen.
	minToken = 16
)

// identity authenticates a server and its owner to each other.
type identity struct {
	authority *certs.Authority
	token     string
}

// identity returns the one in IdentityDir, or a new one.
func (o *Options) identity() (identity, error) {
	now := o.clock.Now()
	if o.IdentityDir != "" {
		return loadIdentity(o.IdentityDir, now)
	}
	authority, err := certs.NewAuthority(now, authorityLifetime)
	return identity{authority: authority, token: newToken()}, err
}

// loadIdentity returns the identity in a directory, and creates the files that are missing. It renews an old
// authority with the same name and key, so that clients with the previous certificate still verify the server.
func loadIdentity(dir string, now time.Time) (id identity, err error) {
	path := filepath.Join(dir, authorityFile)
	text, err := loadSecret(path, func() ([]byte, error) {
		authority, err := certs.NewAuthority(now, authorityLifetime)
		if err != nil {
			return nil, err
		}
		return authority.Encode()
	})
	if err != nil {
		return identity{}, err
	}
	if id.authority, err = certs.DecodeAuthority(text); err != nil {
		return identity{}, damaged(path, err)
	}
	if id.authority.IsOld(now) {
		if id.authority, err = id.authority.Renew(now, authorityLifetime); err != nil {
			return identity{}, fmt.Errorf("renew the authority of %s: %w", path, err)
		}
		if text, err = id.authority.Encode(); err != nil {
			return identity{}, err
		}
		if err := writeSecret(path, text); err != nil {
			return identity{}, err
		}
	}
	path = filepath.Join(dir, tokenFile)
	if text, err = loadSecret(path, func() ([]byte, error) { return []byte(newToken() + "\n"), nil }); err != nil {
		return identity{}, err
	}
	id.token = strings.TrimSpace(string(text))
	if err := checkToken(id.token); err != nil {
		return identity{}, damaged(path, err)
	}
	return id, nil
}

func damaged(path string, err error) error {
	return fmt.Errorf("%s: %w (restore it from a backup, or remove it to create a new one; "+
		"clients then need the new kubeconfig)", path, err)
}

// checkToken returns an error for a token that isn't valid in a header or is easy to guess.
func checkToken(token string) error {
	switch {
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("token is not a single line of printable ASCII characters")
	case len(token) < minToken:
		return fmt.Errorf("token of %d characters is too short, must have at least %d", len(token), minToken)
	}
	return nil
}

// loadSecret returns the content of a file that only the user of this process can
// read, which it creates if it's missing. No other process may write to the directory.
func loadSecret(path string, create func() ([]byte, error)) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		text, err := create()
		if err != nil {
			return nil, err
		}
		return text, writeSecret(path, text)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file: move it away", path)
	case !private.Trusted(info):
		return nil, fmt.Errorf("%s contains a secret but belongs to user %d: "+
			"change its owner, or remove it to create a new secret", path, private.Owner(info))
	case info.Mode().Perm()&private.Others != 0:
		return nil, fmt.Errorf("%s contains a secret but other users have access (mode %#o): "+
			"run \"chmod 600\" on it, or remove it to create a new secret", path, info.Mode().Perm())
	}
	return os.ReadFile(path)
}

// writeSecret replaces a file that only its owner can read, durably.
func writeSecret(path string, text []byte) error {
	dir := filepath.Dir(path)
	err := renameio.WriteFile(path, text, 0o600, renameio.WithTempDir(dir), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	directory, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
