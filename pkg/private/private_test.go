// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package private

import (
	"io/fs"
	"os"
	"testing"
)

func TestCheckDirectory(t *testing.T) {
	for mode, private := range map[fs.FileMode]bool{
		0o700: true, 0o755: true, 0o777 | fs.ModeSticky: true, 0o775 | fs.ModeSticky: true,
		0o777: false, 0o775: false, 0o702: false, 0o720: false,
	} {
		dir := t.TempDir()
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		if err := CheckDirectory(dir); (err == nil) != private {
			t.Errorf("%v: %v", mode, err)
		}
	}
	if err := CheckDirectory(t.TempDir() + "/missing"); err == nil {
		t.Error("a missing directory is private")
	}
}

func TestTrusted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file to another user")
	}
	dir := t.TempDir()
	for owner, trusted := range map[int]bool{0: true, 4711: false} {
		if err := os.Chown(dir, owner, -1); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if Owner(info) != owner || Trusted(info) != trusted {
			t.Errorf("owner %d, trusted %v", Owner(info), Trusted(info))
		}
		if err := CheckDirectory(dir); (err == nil) != trusted {
			t.Errorf("owner %d: %v", owner, err)
		}
	}
}
