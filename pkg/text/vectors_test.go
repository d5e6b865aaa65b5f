// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package text

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write the vectors that the tests of the web page read")

// vectors is a file of lines, and of what Printable says of them. The page matches lines itself where the server doesn't,
// and its tests read the same file.
const vectors = "../../hack/web/src/log/testdata/printable.json"

// TestVectors compares the file with what Printable says now. JSON has only valid UTF-8.
func TestVectors(t *testing.T) {
	lines := []string{
		"a\u2028b\u2029c", "a\u200eb\u200fc\u061cd", "\x1b(äx", "\x1b)😀", "\x1b]0;title\x1bäx", "\x1b]0;title\x1b[31mred",
		"\x1b]0;title\x1b😀", "\x1bP+q\x1b\\x", "\x1b\x7fx", "\x1b\u0085x", "\u009b31mx", "\x1b[31\u00e4x", "\x1b[1;\x1b[2mx",
		"one\rtwo\r\n", "\r\r", "\ufeffx\u200by\u00adz", "\ufffd\x00x", "\x1b[38;5;1mx\x1b[K\b\b", "\t\v\fx", "e\u0301😀",
		"\x1b]8;;http://a.test\x1b\\link\x1b]8;;\x1b\\",
	}
	for line := range printableCases {
		if utf8.ValidString(line) {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	said := [][2]string{}
	for _, line := range lines {
		said = append(said, [2]string{line, Printable(line)})
	}
	want, err := json.MarshalIndent(said, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(vectors, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(vectors); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is stale, or %v: run go test ./pkg/text -run TestVectors -update", vectors, err)
	}
}
