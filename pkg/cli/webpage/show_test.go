// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package webpage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestShow never gives an address to a person that a command has shown to others, nor the other way round.
func TestShow(t *testing.T) {
	for _, test := range []struct {
		name, browser, display string
		// asked are the values of opens, shown is what the browser gets, and want what is returned.
		asked, shown, want, why string
	}{
		{"a browser", "exit 0", ":0", "[true]", "true&to=%2Fs%2Fa", "", ""},
		{"one that fails", "exit 3", ":0", "[true false]", "true&to=%2Fs%2Fa", "false&to=%2Fs%2Fa", "failed: exit status 3"},
		{"none", "exit 0", "", "[false]", "", "false&to=%2Fs%2Fa", "DISPLAY"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			for name, value := range map[string]string{"OUT": out, "BROWSER": "browser", "DISPLAY": test.display, "WAYLAND_DISPLAY": "", "SSH_CONNECTION": "", "CI": ""} {
				t.Setenv(name, value)
			}
			program(t, "browser", `echo "$1" > "$OUT"; `+test.browser)
			var asked []bool
			opened, err := Show(t.Context(), func(opens bool) (string, error) {
				asked = append(asked, opens)
				return fmt.Sprint(opens), nil
			}, "/s/a")
			if err != nil || opened.Address != test.want || (opened.Why == nil) != (test.why == "") {
				t.Errorf("got %q %v %v, want %q", opened.Address, opened.Why, err, test.want)
			}
			if test.why != "" && !strings.Contains(fmt.Sprint(opened.Why), test.why) {
				t.Errorf("it says %v, want %q", opened.Why, test.why)
			}
			if got := fmt.Sprint(asked); got != test.asked {
				t.Errorf("asked for %s, want %s", got, test.asked)
			}
			if shown, _ := os.ReadFile(out); strings.TrimSpace(string(shown)) != test.shown {
				t.Errorf("the browser got %q, want %q", shown, test.shown)
			}
			none := errors.New("none")
			if _, err := Show(t.Context(), func(bool) (string, error) { return "", none }, ""); !errors.Is(err, none) {
				t.Errorf("error %v, want %v", err, none)
			}
		})
	}
}
