// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseStat(t *testing.T) {
	for text, want := range map[string]stat{
		"12 (sh) S 1 12 11 0 -1": {'S', 1, 12, 11, false},
		"12 (a b) Z 1 2 3":       {'Z', 1, 2, 3, false},
		"12 (a) R 9) Z 1 2 3 4":  {'Z', 1, 2, 3, false},
	} {
		if got, err := parseStat(text); err != nil || got != want {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
	long := "12 (sh) R 1 2 3" + strings.Repeat(" 7", environEnd-4)
	for text, want := range map[string]bool{long + " 0 7": true, long + " 7 7": false, long: false} {
		if got, err := parseStat(text); err != nil || got.bare != want {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "12 (sh)", "12 (sh) S", "12 (sh) S 1 2", "12 (sh) S 1 x 3"} {
		if got, err := parseStat(text); err == nil {
			t.Errorf("%q: got %+v", text, got)
		}
	}
	self, err := readStat(os.Getpid())
	if err != nil || self.parent != os.Getppid() || self.group != unix.Getpgrp() || self.ended() || self.bare {
		t.Errorf("this process: %+v, %v", self, err)
	}
}
