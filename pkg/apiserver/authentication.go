// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"path"
	"strings"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	pathauthorizer "k8s.io/apiserver/pkg/authorization/path"
	authorizerunion "k8s.io/apiserver/pkg/authorization/union"
)

// userName is who holds the token of users.
const userName = "tilt-session"

// healthPaths are open to everybody, with what is below them.
var healthPaths = []string{"/healthz", "/livez", "/readyz"}

// newToken returns 256 random bits that fit into a header.
func newToken() string {
	secret := make([]byte, 32)
	// It never fails.
	_, _ = rand.Read(secret)
	return base64.RawURLEncoding.EncodeToString(secret)
}

// newAuthenticator knows who sends a request: by the bearer token in its
// Authorization header, or as anonymous if it has no such header and asks for
// the server's health. Other requests are refused as 401.
func newAuthenticator(userToken, loopbackToken string) authenticator.Request {
	known := tokens{
		newTokenHolder(userToken, userName),
		newTokenHolder(loopbackToken, user.APIServerUser),
	}
	return authenticator.RequestFunc(func(request *http.Request) (*authenticator.Response, bool, error) {
		header := request.Header.Get("Authorization")
		if header == "" {
			response, ok := anonymousHealth(request)
			return response, ok, nil
		}
		// A token that isn't known is no error of ours, and not worth a line
		// in the log.
		response, ok := known.authenticate(header)
		return response, ok, nil
	})
}

// newAuthorizer allows everything to the group that holders of a token are in, the
// health endpoints to everybody, and nothing else to others, such as users whom a
// holder impersonates.
func newAuthorizer() (authorizer.Authorizer, error) {
	var paths []string
	for _, p := range healthPaths {
		paths = append(paths, p, p+"/*")
	}
	health, err := pathauthorizer.NewAuthorizer(paths)
	if err != nil {
		return nil, err
	}
	return authorizerunion.New(authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup), health), nil
}

func anonymousHealth(request *http.Request) (*authenticator.Response, bool) {
	if !isHealthPath(request.URL.Path) {
		return nil, false
	}
	return &authenticator.Response{User: &user.DefaultInfo{
		Name:   user.Anonymous,
		Groups: []string{user.AllUnauthenticated},
	}}, true
}

// isHealthPath doesn't know paths that lead somewhere else when they're cleaned.
func isHealthPath(requested string) bool {
	if requested != path.Clean(requested) {
		return false
	}
	for _, p := range healthPaths {
		if requested == p || strings.HasPrefix(requested, p+"/") {
			return true
		}
	}
	return false
}

// tokens are compared in a time that doesn't depend on how much of a wrong one
// is right.
type tokens []tokenHolder

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

// authenticate finds who holds the token of an Authorization header.
func (ts tokens) authenticate(header string) (*authenticator.Response, bool) {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "bearer") {
		return nil, false
	}
	hash := sha256.Sum256([]byte(strings.TrimSpace(token)))
	for _, known := range ts {
		if subtle.ConstantTimeCompare(hash[:], known.hash[:]) == 1 {
			return &authenticator.Response{User: known.user}, true
		}
	}
	return nil, false
}
