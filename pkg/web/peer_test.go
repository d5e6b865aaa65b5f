// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"tilt.dev/session/pkg/web"
)

// The kernel knows whose a connection is. Other systems don't tell.
func TestClientUser(t *testing.T) {
	t.Parallel()
	want := -1
	if runtime.GOOS == "linux" {
		want = os.Geteuid()
	}
	for _, network := range []struct{ name, listen, dial string }{
		{"IPv4", "127.0.0.1:0", "127.0.0.1"}, {"both", ":0", "127.0.0.1"}, {"IPv4 in IPv6", ":0", "[::ffff:127.0.0.1]"}, {"IPv6", "[::1]:0", "[::1]"},
	} {
		got := make(chan int, 1)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- web.ClientUser(r) }))
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", network.listen)
		if err != nil {
			t.Logf("%s: %v", network.name, err) // a machine without IPv6
			continue
		}
		_ = server.Listener.Close()
		server.Listener = listener
		server.Start()
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+network.dial+":"+port, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatalf("%s: %v", network.name, err)
		}
		_ = response.Body.Close()
		if user := <-got; user != want {
			t.Errorf("%s: the user is %d, want %d", network.name, user, want)
		}
		server.Close()
	}
	if user := web.ClientUser(httptest.NewRequest(http.MethodGet, "/", nil)); user != -1 {
		t.Errorf("without a connection, the user is %d", user)
	}
}

// A code that a command has shown to all users of the machine is good for a minute and for its user.
func TestOpenedCode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const owner, thief = 1000, 1001
		opens, user := web.NewCode{Opens: true}, thief
		site := newSite(ok)
		site.SetClientUser(func(*http.Request) int { return user })
		code := site.NewCode(opens, owner)
		if _, status := directLogin(site, code); status != http.StatusUnauthorized {
			t.Errorf("another user: %d", status)
		}
		for _, user = range []int{owner, 0, -1} { // root's forwarders, and other machines
			if _, status := directLogin(site, code); status != http.StatusOK {
				t.Errorf("user %d after the theft: %d", user, status)
			}
			code = site.NewCode(opens, owner)
		}
		user = thief
		for name, code := range map[string]string{"a client elsewhere": site.NewCode(opens, -1), "a person": site.NewCode(web.NewCode{}, owner)} {
			if _, status := directLogin(site, code); status != http.StatusOK {
				t.Errorf("the code of %s: %d", name, status)
			}
		}
		user, code = owner, site.NewCode(opens, owner)
		late := site.NewCode(opens, owner)
		time.Sleep(time.Minute - time.Nanosecond)
		if _, status := directLogin(site, code); status != http.StatusOK {
			t.Errorf("a code of less than a minute: %d", status)
		}
		time.Sleep(time.Nanosecond)
		if _, status := directLogin(site, late); status != http.StatusUnauthorized {
			t.Errorf("a code of a minute: %d", status)
		}
	})
}
