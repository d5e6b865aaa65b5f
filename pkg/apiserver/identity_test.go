// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
	testingclock "k8s.io/utils/clock/testing"

	"tilt.dev/session/pkg/apiserver"
	testserver "tilt.dev/session/pkg/testing/server"
)

// startIn starts a server that keeps its identity in a directory.
func startIn(t *testing.T, dir string, configure ...testserver.Configure) *testserver.Server {
	return testserver.Start(t, append(configure, testserver.Configure{Options: func(o *apiserver.Options) { o.IdentityDir = dir }})...)
}

// reach sends a request that requires the owner's rights to a URL, with the token and the authority of access.
func reach(t *testing.T, url string, access apiserver.Access) error {
	t.Helper()
	client, err := rest.HTTPClientFor(&rest.Config{BearerToken: access.Token, TLSClientConfig: rest.TLSClientConfig{CAData: access.CertificateAuthority}})
	if err != nil {
		t.Fatal(err)
	}
	defer utilnet.CloseIdleConnectionsFor(client.Transport)
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, url+sessionsPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		t.Errorf("GET as the owner: %s", response.Status)
	}
	return response.Body.Close()
}

func TestIdentityIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := startIn(t, dir)
	before := first.Access()
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"authority.pem", "token"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o600 {
			t.Errorf("%s has the mode %v", name, info.Mode())
		}
	}
	second := startIn(t, dir)
	if err := reach(t, second.Access().URL, before); err != nil {
		t.Errorf("a client from before the restart: %v", err)
	}
	if err := second.Stop(); err != nil {
		t.Fatal(err)
	}
	// Removing the file replaces the token.
	if err := os.Remove(filepath.Join(dir, "token")); err != nil {
		t.Fatal(err)
	}
	after := startIn(t, dir).Access()
	if after.Token == before.Token || !bytes.Equal(after.CertificateAuthority, before.CertificateAuthority) {
		t.Error("the token is still the old one, or the authority isn't")
	}
}

func TestKeptAuthorityIsRenewed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Now()
	at := func(moment time.Time) testserver.Configure {
		return testserver.Configure{Options: func(o *apiserver.Options) { o.SetClock(testingclock.NewFakeClock(moment)) }}
	}
	old := startIn(t, dir, at(now.AddDate(-6, 0, 0)))
	before := old.Access()
	if err := old.Stop(); err != nil {
		t.Fatal(err)
	}
	renewed := startIn(t, dir, at(now))
	if bytes.Equal(renewed.Access().CertificateAuthority, before.CertificateAuthority) {
		t.Error("the authority isn't renewed")
	}
	for _, access := range []apiserver.Access{before, renewed.Access()} {
		if err := reach(t, renewed.Access().URL, access); err != nil {
			t.Errorf("a client: %v", err)
		}
	}
	// A further start does not renew it again.
	if next := startIn(t, dir, at(now)); !bytes.Equal(renewed.Access().CertificateAuthority, next.Access().CertificateAuthority) {
		t.Error("the authority is renewed each time")
	}
}

func TestIdentityThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	whole, other := t.TempDir(), t.TempDir()
	for _, dir := range []string{whole, other} {
		if err := startIn(t, dir).Stop(); err != nil {
			t.Fatal(err)
		}
	}
	authority, foreign := readFile(t, whole, "authority.pem"), readFile(t, other, "authority.pem")
	key := strings.Index(authority, "-----BEGIN EC")
	for name, test := range map[string]struct {
		file, content string
		mode          os.FileMode
		want          string
	}{
		"readable token":     {"token", readFile(t, whole, "token"), 0o640, "chmod 600"},
		"readable authority": {"authority.pem", authority, 0o604, "chmod 600"},
		"empty token":        {"token", "", 0o600, "too short"},
		"guessable token":    {"token", "secret\n", 0o600, "too short"},
		"two tokens":         {"token", strings.Repeat("a", 20) + "\n" + strings.Repeat("b", 20), 0o600, "single line"},
		"empty authority":    {"authority.pem", "", 0o600, "remove it"},
		"no key":             {"authority.pem", authority[:key], 0o600, "private key"},
		"half a key":         {"authority.pem", authority[:key+40], 0o600, "private key"},
		"another key":        {"authority.pem", authority[:key] + foreign[strings.Index(foreign, "-----BEGIN EC"):], 0o600, "does not match"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, test.file)
			if err := errors.Join(os.WriteFile(path, []byte(test.content), 0o600), os.Chmod(path, test.mode)); err != nil {
				t.Fatal(err)
			}
			options := newOptions(t)
			options.IdentityDir = dir
			_, err := options.Config()
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %s and %q", err, path, test.want)
			}
			if got := readFile(t, dir, test.file); got != test.content {
				t.Error("the file was changed")
			}
		})
	}
}

// A server refuses an identity that another user knows.
func TestIdentityOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file to another user")
	}
	for _, name := range []string{"token", "authority.pem"} {
		dir := t.TempDir()
		if err := startIn(t, dir).Stop(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.Chown(path, 4711, -1); err != nil {
			t.Fatal(err)
		}
		options := newOptions(t)
		options.IdentityDir = dir
		if _, err := options.Config(); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "belongs to user 4711") {
			t.Errorf("error %v", err)
		}
	}
}

func readFile(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
