// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLocate(t *testing.T) {
	home, old := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(old, ".windmill"), 0o755); err != nil {
		t.Fatal(err)
	}
	work, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		env  map[string]string
		want Location
	}{
		{"home", map[string]string{"HOME": home}, Location{[]string{home + "/.tilt-dev/config"}}},
		{"windmill", map[string]string{"HOME": old}, Location{[]string{old + "/.windmill/config"}}},
		{"first", map[string]string{"HOME": old, "TILT_DEV_DIR": "/1", "WMDAEMON_HOME": "/2", "WINDMILL_DIR": "/3"}, Location{[]string{"/1/config"}}},
		{"second", map[string]string{"HOME": old, "WMDAEMON_HOME": "/2", "WINDMILL_DIR": "/3"}, Location{[]string{"/2/config"}}},
		{"third", map[string]string{"HOME": old, "WINDMILL_DIR": "/3"}, Location{[]string{"/3/config"}}},
		{"relative", map[string]string{"TILT_DEV_DIR": "x"}, Location{[]string{work + "/x/config"}}},
		{"one file", map[string]string{"HOME": home, "TILT_CONFIG": "/k"}, Location{[]string{"/k"}}},
		{"files", map[string]string{"HOME": home, "TILT_CONFIG": ":/k:k::/k:" + work + "/k"}, Location{[]string{"/k", work + "/k"}}},
		{"files without a home", map[string]string{"TILT_CONFIG": "/k"}, Location{[]string{"/k"}}},
		{"no files", map[string]string{"TILT_DEV_DIR": "/1", "TILT_CONFIG": ":"}, Location{[]string{"/1/config"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Locate(func(key string) string { return test.env[key] })
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("location (-want +got):\n%s", diff)
			}
		})
	}
	if exists(filepath.Join(home, ".tilt-dev")) {
		t.Error("the directory was made")
	}
}

func TestLocateWithoutHome(t *testing.T) {
	_, err := Locate(func(string) string { return "" })
	wantError(t, err, "TILT_DEV_DIR", "HOME")
}

func TestContextName(t *testing.T) {
	for port, want := range map[int]string{10350: "tilt-default", 10351: "tilt-10351", 80: "tilt-80"} {
		if got := ContextName(port); got != want {
			t.Errorf("port %d: %s, want %s", port, got, want)
		}
	}
}
