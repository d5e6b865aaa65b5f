// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestValidateName(t *testing.T) {
	for name, want := range map[string]string{
		"a":          "",
		"a b":        "",
		"ü.x:y":      "",
		"...":        "",
		"":           "must not be empty",
		".":          `invalid value ".": may not be '.'`,
		"..":         `invalid value "..": may not be '..'`,
		"a/b":        `invalid value "a/b": may not contain '/'`,
		"a%b/":       `invalid value "a%b/": may not contain '/', may not contain '%'`,
		"a\x00":      `invalid value "a\x00": may not contain control characters`,
		"\xff":       `invalid value "\xff": must be valid UTF-8`,
		"(Tiltfile)": `invalid value "(Tiltfile)": must not be the name of the Tiltfile`,
	} {
		requireText(t, name, ValidateName(name), want)
	}
}

func TestValidateLabel(t *testing.T) {
	for label, want := range map[string]string{
		"a":                     "",
		"A-b_c.1":               "",
		strings.Repeat("x", 63): "",
		strings.Repeat("x", 64): "must be no more than 63",
		"a/b":                   "may not contain '/'",
		"a b":                   "must consist of alphanumeric characters",
		"-a":                    "must start and end with an alphanumeric character",
		"":                      "must be non-empty",
	} {
		requireText(t, label, ValidateLabel(label), want)
	}
}

func TestValidatePort(t *testing.T) {
	for port, ok := range map[int]bool{-1: false, 0: false, 1: true, 65535: true, 65536: false} {
		if err := ValidatePort(port); (err == nil) != ok {
			t.Errorf("port %d: got %v", port, err)
		}
	}
}

func TestProbeDefaults(t *testing.T) {
	given := Probe{HTTPGet: &HTTPGetAction{Port: 80, Path: "x"}, TCPSocket: &TCPSocketAction{Port: 1, Host: "h"}}
	got := given.WithDefaults()
	want := Probe{
		Period: 10 * time.Second, Timeout: time.Second, SuccessThreshold: 1, FailureThreshold: 3,
		HTTPGet:   &HTTPGetAction{Scheme: "http", Host: "localhost", Port: 80, Path: "/x"},
		TCPSocket: &TCPSocketAction{Host: "h", Port: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if given.HTTPGet.Scheme != "" {
		t.Error("the probe given was changed")
	}
	if diff := cmp.Diff(got, got.WithDefaults()); diff != "" {
		t.Errorf("defaults change what has its defaults:\n%s", diff)
	}
}

func TestProbeValidate(t *testing.T) {
	exec := &ExecAction{Argv: []string{"true"}}
	for name, c := range map[string]struct {
		probe Probe
		want  string
	}{
		"exec":               {Probe{Exec: exec}, ""},
		"http":               {Probe{HTTPGet: &HTTPGetAction{Port: 65535}}, ""},
		"tcp":                {Probe{TCPSocket: &TCPSocketAction{Port: 1}}, ""},
		"no action":          {Probe{}, "exactly one of exec, http_get, or tcp_socket must be specified"},
		"two actions":        {Probe{Exec: exec, TCPSocket: &TCPSocketAction{Port: 1}}, "exactly one of"},
		"no command":         {Probe{Exec: &ExecAction{}}, "command must not be empty"},
		"http port":          {Probe{HTTPGet: &HTTPGetAction{}}, "port number out of range: 0"},
		"tcp port":           {Probe{TCPSocket: &TCPSocketAction{Port: 65536}}, "port number out of range: 65536"},
		"scheme":             {Probe{HTTPGet: &HTTPGetAction{Port: 1, Scheme: "ftp"}}, `scheme must be http or https, got "ftp"`},
		"negative delay":     {Probe{Exec: exec, InitialDelay: -time.Second}, "initial_delay_secs must not be negative, got -1"},
		"negative timeout":   {Probe{Exec: exec, Timeout: -time.Second}, "timeout_secs must be positive"},
		"negative period":    {Probe{Exec: exec, Period: -time.Second}, "period_secs must be positive"},
		"negative threshold": {Probe{Exec: exec, FailureThreshold: -1}, "failure_threshold must be positive, got -1"},
		"negative successes": {Probe{Exec: exec, SuccessThreshold: -1}, "success_threshold must be positive, got -1"},
	} {
		requireText(t, name, c.probe.WithDefaults().Validate(), c.want)
	}
	requireText(t, "without defaults", Probe{Exec: exec}.Validate(), "timeout_secs must be positive, got 0")
}

func TestNewLink(t *testing.T) {
	for address, want := range map[string]string{
		"localhost:1":             "http://localhost:1",
		"http://localhost:2":      "http://localhost:2",
		"https://x.example/a?b#c": "https://x.example/a?b#c",
		"host/path":               "http://host/path",
		"file:///tmp/x":           "file:///tmp/x",
	} {
		link, err := NewLink(address, "N")
		if err != nil || link != (Link{Name: "N", URL: want}) {
			t.Errorf("NewLink(%q) = %+v, %v, want %s", address, link, err, want)
		}
	}
	for _, address := range []string{"", " ", "http://%zz", "http://", "http:///x", "://", "http://a b"} {
		if link, err := NewLink(address, ""); err == nil {
			t.Errorf("NewLink(%q) = %+v, want an error", address, link)
		}
	}
	var parse *url.Error
	if _, err := NewLink("http://%zz", ""); !errors.As(err, &parse) {
		t.Errorf("%v doesn't wrap the error of the URL", err)
	}
}

// FuzzNewLink checks that a link is a URL with a scheme and stays the same when it's made again.
func FuzzNewLink(f *testing.F) {
	for _, address := range []string{"localhost:1", "https://x/y", "a b", "://", "%", "http://"} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		link, err := NewLink(address, "")
		if err != nil {
			return
		}
		u, err := url.Parse(link.URL)
		if err != nil || u.Scheme == "" {
			t.Fatalf("link %q of %q isn't a URL with a scheme: %v", link.URL, address, err)
		}
		if again, err := NewLink(link.URL, ""); err != nil || again != link {
			t.Errorf("link %+v became %+v, %v", link, again, err)
		}
	})
}

// requireText fails unless err has a text, or is nil for an empty one.
func requireText(t *testing.T, what string, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("%s: got error %v, want %q", what, err, want)
	}
}
