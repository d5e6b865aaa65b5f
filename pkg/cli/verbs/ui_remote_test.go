// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package verbs

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tilt.dev/session/pkg/cli/command"
)

// remoteConfig has contexts for a server: one with a token, one whose token is that of a plugin.
const remoteConfig = `apiVersion: v1
kind: Config
clusters:
- {name: c, cluster: {server: "SERVER"}}
users:
- {name: known, user: {token: secret}}
- name: plugin
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: PLUGIN
      interactiveMode: Never
contexts:
- {name: token, context: {cluster: c, user: known}}
- {name: exec, context: {cluster: c, user: plugin}}
- {name: stray, context: {cluster: none, user: known}}
`

// plugin prints a credential, as the plugins of clouds do.
const plugin = `#!/bin/sh
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"secret"}}'
`

// TestRemoteCheck is what the API of a context can answer before the page is served for it.
func TestRemoteCheck(t *testing.T) {
	for _, test := range []struct {
		name, context, answer string
		status, code          int
		want                  string
	}{
		{"a list", "token", `{"apiVersion":"tilt.dev/v1alpha1","kind":"SessionList","metadata":{}}`, 200, 0, ""},
		{"a plugin", "exec", `{"apiVersion":"tilt.dev/v1alpha1","kind":"SessionList","metadata":{}}`, 200, 0, ""},
		{"no group", "token", "404 page not found\n", 404, command.ExitAPI,
			"doesn't serve the group tilt.dev: choose the context of a server"},
		{"no right", "token", `{"apiVersion":"v1","kind":"Status","status":"Failure","code":403,"reason":"Forbidden",` +
			`"message":"sessions.tilt.dev is forbidden: User \"x\" cannot list"}`, 403, command.ExitFailure,
			`context token: list Sessions: sessions.tilt.dev is forbidden: User "x" cannot list`},
		{"unknown user", "token", `{"apiVersion":"v1","kind":"Status","status":"Failure","code":401,"reason":"Unauthorized",` +
			`"message":"Unauthorized"}`, 401, command.ExitFailure, "context token: list Sessions: Unauthorized"},
		{"no context", "none", "", 200, command.ExitUsage, `kubeconfig: it has no context "none": choose one of exec, stray, token`},
		{"no current context", "", "", 200, command.ExitUsage,
			"has no current context: choose one with --context (exec, stray, token)"},
		{"no cluster", "stray", "", 200, command.ExitUsage, `context stray: the kubeconfig has no cluster "none"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if got := r.Method + " " + r.URL.Path; got != "GET /apis/tilt.dev/v1alpha1/sessions" ||
					r.Header.Get("Authorization") != "Bearer secret" {
					t.Errorf("asked for %s with %q", got, r.Header.Get("Authorization"))
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.answer)
			}))
			defer server.Close()
			err := checkRemote(t, server.URL, test.context)
			if code := (command.Program{}).ExitCode(err); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	t.Run("no server", func(t *testing.T) {
		server := httptest.NewTLSServer(nil)
		server.Close()
		err := checkRemote(t, server.URL, "token")
		if (command.Program{}).ExitCode(err) != command.ExitAPI ||
			!strings.Contains(err.Error(), "reach the API server of context token: ") {
			t.Errorf("error %v", err)
		}
	})
}

// checkRemote asks the server of a context whether the page can be served for it.
func checkRemote(t *testing.T, server, context string) error {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "plugin")
	if err := os.WriteFile(program, []byte(plugin), 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "kubeconfig")
	text := strings.NewReplacer("SERVER\"}", server+`", insecure-skip-tls-verify: true}`, "PLUGIN", program).Replace(remoteConfig)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := (&uiOptions{kubeconfig: file, context: context}).remote()
	if err != nil {
		return err
	}
	return r.check(t.Context())
}
