// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"path/filepath"
	"strings"
	"testing"
)

func absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return "/dir/" + path
}

func TestSecret(t *testing.T) {
	for _, c := range []struct{ text, want, err string }{
		{text: "id=a,src=x", want: "id=a,src=/dir/x"},
		{text: "ID=a, source=/x", want: "id=a,src=/x"},
		{text: "type=file,id=a,src=x", want: "id=a,src=/dir/x"},
		{text: "id=a,env=A", want: "id=a,env=A"},
		{text: "id=a,type=env,src=A", want: "id=a,env=A"},
		{text: "id=a,type=env", want: "id=a,type=env"},
		{text: "id=a", want: "id=a"},
		{text: `id=a,"src=x,y"`, want: `id=a,"src=/dir/x,y"`},
		{text: "", err: "must be one line such as"},
		{text: "id=a\nid=b", err: "must be one line"},
		{text: `id="a`, err: "must be one line such as"},
		{text: "a", err: "must be a key=value pair"},
		{text: "id=", err: "must be a key=value pair"},
		{text: "src=x", err: "id is missing"},
		{text: "id=a,target=x", err: `unexpected key "target"`},
		{text: "id=a,type=x", err: `unsupported secret type "x"`},
	} {
		got, err := parseSecret(c.text, absolute)
		switch {
		case c.err == "" && (err != nil || got != c.want):
			t.Errorf("%q: got %q, %v, want %q", c.text, got, err, c.want)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%q: got %q, %v, want error %q", c.text, got, err, c.err)
		}
	}
}

// FuzzSecret checks that the normal form is in normal form.
func FuzzSecret(f *testing.F) {
	f.Add("id=a,src=x")
	f.Add(`id=a,type=env,"src=A"`)
	f.Fuzz(func(t *testing.T, text string) {
		normal, err := parseSecret(text, absolute)
		if err != nil {
			return
		}
		if again, err := parseSecret(normal, absolute); err != nil || again != normal {
			t.Errorf("%q: %q becomes %q, %v", text, normal, again, err)
		}
	})
}
