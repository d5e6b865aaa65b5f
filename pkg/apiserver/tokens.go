// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
)

// userName is who holds the token of users.
const userName = "tilt-session"

// newToken returns 256 random bits that fit into a header.
func newToken() string {
	secret := make([]byte, 32)
	// It never fails.
	_, _ = rand.Read(secret)
	return base64.RawURLEncoding.EncodeToString(secret)
}

// bearer authenticates requests by the bearer token in their Authorization
// header. A token that isn't known is no error of ours, and not worth a line in
// the log.
func bearer(tokens authenticator.Token) authenticator.Request {
	return authenticator.RequestFunc(func(request *http.Request) (*authenticator.Response, bool, error) {
		scheme, token, _ := strings.Cut(request.Header.Get("Authorization"), " ")
		if token = strings.TrimSpace(token); token == "" || !strings.EqualFold(scheme, "bearer") {
			return nil, false, nil
		}
		return tokens.AuthenticateToken(request.Context(), token)
	})
}

// ownTokens are the ones that the server has made itself. They're compared in a
// time that doesn't depend on how much of a wrong one is right.
type ownTokens []tokenHolder

var _ authenticator.Token = ownTokens(nil)

type tokenHolder struct {
	hash [sha256.Size]byte
	user user.Info
}

func newTokenHolder(token, name string) tokenHolder {
	return tokenHolder{
		hash: sha256.Sum256([]byte(token)),
		user: &user.DefaultInfo{Name: name, Groups: []string{user.SystemPrivilegedGroup, user.AllAuthenticated}},
	}
}

// AuthenticateToken implements authenticator.Token.
func (ts ownTokens) AuthenticateToken(_ context.Context, token string) (*authenticator.Response, bool, error) {
	hash := sha256.Sum256([]byte(token))
	for _, known := range ts {
		if subtle.ConstantTimeCompare(hash[:], known.hash[:]) == 1 {
			return &authenticator.Response{User: known.user}, true, nil
		}
	}
	return nil, false, nil
}
