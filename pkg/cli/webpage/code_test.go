// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package webpage

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"k8s.io/client-go/rest"

	clientv1alpha1 "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"),
		// Each consistent read from the watch cache starts one, which ends after three seconds.
		goleak.IgnoreTopFunction("k8s.io/apiserver/pkg/storage/cacher.(*watchCache).waitUntilFreshAndBlock.func2"),
	)
}

// answering is a client of a server with one answer, which notes what it's asked.
func answering(t *testing.T, code int, answer string, asked *string) rest.Interface {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*asked = fmt.Sprint(r.Method, " ", r.URL.Path, " ", r.Header.Get("Content-Type"), " ", string(body))
		w.WriteHeader(code)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	client, err := clientv1alpha1.NewForConfigAndClient(&rest.Config{Host: server.URL}, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	return client.RESTClient()
}

// TestAddress is what a server can answer to the request for a code.
func TestAddress(t *testing.T) {
	const address = "http://127.0.0.1:10350/ui/#login=CODE"
	for _, test := range []struct {
		name, answer string
		code         int
		err          string
	}{
		{"a page", `{"url": "` + address + `"}`, 200, ""},
		{"no page", "404 page not found\n", 404, ErrNotServed.Error()},
		{"no such method", "405\n", 405, ErrNotServed.Error()},
		{"no safe address", "it is bound to 192.0.2.1\n", 409, ErrNotServed.Error() + ": it is bound to 192.0.2.1"},
		{"no right in words", "only some may\n", 403, "only some may"},
		{"no right", `{"kind":"Status","apiVersion":"v1","code":403,"reason":"Forbidden","message":"no code for viewers"}`, 403,
			"no code for viewers"},
		{"no JSON", "<html>", 200, "read the answer to the request for a code: invalid character"},
		{"no address", `{}`, 200, `with "", which is no address`},
		{"another scheme", `{"url": "javascript:alert(1)"}`, 200, "which is no address"},
		{"an option of a browser", `{"url": "--no-sandbox"}`, 200, "which is no address"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var asked string
			got, err := AddressesOf(t.Context(), answering(t, test.code, test.answer, &asked), true)(true)
			if want := `POST /ui/codes application/json {"viewOnly":true,"opens":true}`; asked != want {
				t.Errorf("asked %q, want %q", asked, want)
			}
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want %q", err, test.err)
				}
				if none := test.code == 404 || test.code == 405 || test.code == 409; errors.Is(err, ErrNotServed) != none {
					t.Errorf("error %v is of a server without a page: %v, want %v", err, !none, none)
				}
				return
			}
			if err != nil || got != address {
				t.Errorf("got %q %v, want %q", got, err, address)
			}
		})
	}
}

// TestAt are addresses of places, whose names may have anything.
func TestAt(t *testing.T) {
	for _, test := range []struct{ session, resource, want string }{
		{"", "", "u#login=C"},
		{"", "web", "u#login=C"},
		{"Tiltfile", "", "u#login=C&to=%2Fs%2FTiltfile"},
		{"Tiltfile", "(Tiltfile)", "u#login=C&to=%2Fs%2FTiltfile%2Fr%2F%2528Tiltfile%2529"},
		{"a", "x y/z&login=D#+%", "u#login=C&to=%2Fs%2Fa%2Fr%2Fx%2520y%252Fz%26login%3DD%2523%2B%2525"},
	} {
		got := At("u#login=C", Route(test.session, test.resource))
		if got != test.want {
			t.Errorf("%q %q: got %q, want %q", test.session, test.resource, got, test.want)
		}
	}
}
