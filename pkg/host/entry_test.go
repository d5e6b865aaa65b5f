// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tilt.dev/session/pkg/kubeconfig"
)

// TestKubeconfigOfItsOwn writes it to what is there already.
func TestKubeconfigOfItsOwn(t *testing.T) {
	const foreign = "apiVersion: v1\nkind: Config\ncurrent-context: mine\ncontexts: [{name: mine, context: {cluster: c}}]\n"
	for _, test := range []struct {
		name  string
		text  string
		mode  fs.FileMode
		owner int
		// warning and failure are parts of the messages, empty for none.
		warning, failure string
	}{
		{name: "empty and private", mode: 0o600},
		{name: "empty and read-only", mode: 0o400},
		{name: "empty and open", mode: 0o666, warning: "other users had access to"},
		{name: "empty and readable", mode: 0o644, warning: "other users had access to"},
		{name: "of another user", mode: 0o666, owner: 4711, failure: "belongs to user 4711"},
		{name: "of something else", mode: 0o600, text: foreign, failure: "holds more than"},
		{name: "no kubeconfig", mode: 0o600, text: "hello", failure: "isn't a kubeconfig"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, test.mode); err != nil {
				t.Fatal(err)
			}
			if test.owner != 0 {
				if os.Geteuid() != 0 {
					t.Skip("only root can give a file to another user")
				}
				if err := os.Chown(path, test.owner, -1); err != nil {
					t.Fatal(err)
				}
			}
			var warnings []string
			written, err := writeKubeconfig(path, kubeconfig.Entry{Port: 1, Server: "https://[::1]:1", Token: "secret"},
				func(err error) { warnings = append(warnings, err.Error()) })
			if got := strings.Join(warnings, "\n"); (got != "") != (test.warning != "") || !strings.Contains(got, test.warning) {
				t.Errorf("warnings %q, want %q", got, test.warning)
			}
			text, reading := os.ReadFile(path)
			if reading != nil {
				t.Fatal(reading)
			}
			if test.failure != "" {
				if err == nil || !strings.Contains(err.Error(), test.failure) || !strings.Contains(err.Error(), path) {
					t.Errorf("error %v, want one with %q", err, test.failure)
				}
				if string(text) != test.text {
					t.Errorf("the file was changed:\n%s", text)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), "secret") {
				t.Errorf("the file has no token:\n%s", text)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm()&0o077 != 0 {
				t.Errorf("mode %v", info.Mode())
			}
			if err := removeKubeconfig(path, written); err != nil {
				t.Error(err)
			}
			if _, err := os.Lstat(path); err == nil {
				t.Error("the file is still there")
			}
		})
	}
}
