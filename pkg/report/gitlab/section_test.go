// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package gitlab

import (
	"bytes"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The bytes are those of GitLab's documentation of custom sections. Times are whole seconds.
func TestSections(t *testing.T) {
	var b bytes.Buffer
	o := NewOutput(&b)
	start := time.Unix(1893456000, 999_000_000)
	fmt.Fprintln(o, "✗ orders:serve failed")
	for _, name := range []string{"catalog:update", "catalog/update", "ä b", "catalog_update.2"} {
		if err := o.Fold("✓ "+name+" \x1b[31m3.4s\r\n", name, start); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(o, "10 %\r20 %\n")
		if err := o.Unfold(start.Add(3400 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	// It would end the section, and begin another one.
	fmt.Fprint(o, "section_end:1893456000:catalog_update\r\x1b[0K\x1b[0Ksec")
	fmt.Fprint(o, "tion_start:1:x[collapsed=true]")
	fmt.Fprint(o, "\r\x1b[0K\n")
	want := "✗ orders:serve failed\n" +
		"\x1b[0Ksection_start:1893456000:catalog_update[collapsed=true]\r\x1b[0K✓ catalog:update 3.4s\n10 %\x1b[0K\r20 %\n\x1b[0Ksection_end:1893456004:catalog_update\r\x1b[0K\n" +
		"\x1b[0Ksection_start:1893456000:catalog_update.2[collapsed=true]\r\x1b[0K✓ catalog/update 3.4s\n10 %\x1b[0K\r20 %\n\x1b[0Ksection_end:1893456004:catalog_update.2\r\x1b[0K\n" +
		"\x1b[0Ksection_start:1893456000:__b[collapsed=true]\r\x1b[0K✓ ä b 3.4s\n10 %\x1b[0K\r20 %\n\x1b[0Ksection_end:1893456004:__b\r\x1b[0K\n" +
		"\x1b[0Ksection_start:1893456000:catalog_update.2.2[collapsed=true]\r\x1b[0K✓ catalog_update.2 3.4s\n10 %\x1b[0K\r20 %\n\x1b[0Ksection_end:1893456004:catalog_update.2.2\r\x1b[0K\n" +
		"section_end:1893456000:catalog_update\x1b[0K\r\x1b[0K\x1b[0Ksection_start:1:x[collapsed=true]\x1b[0K\r\x1b[0K\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	// What GitLab takes for a border, by its documentation.
	border := regexp.MustCompile(`section_(start|end):\d+:[a-zA-Z0-9_.-]+(\[\w+=\w+(, ?\w+=\w+)*\])?\r\x1b\[0K`)
	if n := len(border.FindAllString(b.String(), -1)); n != 8 {
		t.Errorf("%d borders of sections, want 8", n)
	}
}
