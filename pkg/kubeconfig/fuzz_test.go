// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzFile adds and removes an entry in any file: either the file is refused, or
// it holds everything of others afterwards.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		"", foreign, "{}", "a: b", "contexts: null", "- 1", "%YAML 1.1\n---\npreferences: {colors: yes}\n",
		`{"kind":"Config","users":[{"name":"a","user":{}}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l := locationWith(t, text)
		before, err := read(l.Files[0])
		if err != nil || has(before, "tilt-default") {
			return
		}
		e := entry(10350)
		if err := addIgnored(t.Context(), l, e); err != nil {
			t.Fatalf("add: %v", err)
		}
		if user := load(t, l.Files[0]).AuthInfos[e.Name()]; user == nil || user.Token != e.Token {
			t.Fatalf("the entry is missing:\n%s", get(t, l.Files[0]))
		}
		removeEntry(t, l, e)
		if before.CurrentContext == e.Name() {
			before.CurrentContext = ""
		}
		if diff := cmp.Diff(before, load(t, l.Files[0])); diff != "" {
			t.Fatalf("entries of others (-want +got):\n%s", diff)
		}
	})
}
