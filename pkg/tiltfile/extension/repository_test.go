// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package extension

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestRepository(t *testing.T) {
	for _, c := range []struct{ url, ref, directory string }{
		{DefaultURL, "", "github.com/tilt-dev/tilt-extensions"},
		{DefaultURL, "HEAD", "github.com/tilt-dev/tilt-extensions"},
		{DefaultURL + "/", "v1.0", "github.com/tilt-dev/tilt-extensions@v1.0"},
		{"https://github.com/o/r.git", "feature/x", "github.com/o/r.git@feature%2Fx"},
		{"http://user:secret@h:8080/a/b_c/~d", "refs/pull/1/head", "h:8080/a/b_c/~d@refs%2Fpull%2F1%2Fhead"},
		{"ssh://git@h.example/p/q", "0123456789012345678901234567890123456789",
			"h.example/p/q@0123456789012345678901234567890123456789"},
		{"https://dev.example/my%20org/_git/r", "", "dev.example/my%20org/_git/r"},
	} {
		r, err := NewRepository(c.url, c.ref)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		if got := r.directory(); got != c.directory {
			t.Errorf("%s at %q: got %s, want %s", c.url, c.ref, got, c.directory)
		}
		back, err := fromDirectory(r.directory(), c.url)
		if err != nil || back != r {
			t.Errorf("from %s: got %+v, %v, want %+v", r.directory(), back, err, r)
		}
		if parsed, err := ParseRepository(r.String()); err != nil || parsed.directory() != c.directory {
			t.Errorf("parse %s: got %s, %v", r, parsed.directory(), err)
		}
	}
}

// hostile are URLs and refs that are refused.
var hostile = []struct{ url, ref string }{
	{"", ""},
	{"--upload-pack=touch /tmp/x", ""},
	{"-https://h/p", ""},
	{"ext::sh -c touch% /tmp/x", ""},
	{"ext://h/p", ""},
	{"git://h/p", ""},
	{"file:///p", ""},
	{"git@h:p", ""},
	{"ssh://-oProxyCommand=x/p", ""},
	{"ssh://-oProxyCommand=x@h/p", ""},
	{"https://h", ""},
	{"https://h/", ""},
	{"https:///p", ""},
	{"https:p", ""},
	{"https://h//p", ""},
	{"https://h/../p", ""},
	{"https://h/a/./p", ""},
	{"https://h/a/.git", ""},
	{"https://h/-p", ""},
	{"https://h/a@b", ""},
	{"https://h/a\x00b", ""},
	{"https://h/a\nb", ""},
	{"https://h/p?q", ""},
	{"https://h/p?", ""},
	{"https://h/p#f", ""},
	{"https://[::1]/p", ""},
	{"https://..:1/p", ""},
	{"https://h/p", "-x"},
	{"https://h/p", "--upload-pack=x"},
	{"https://h/p", "+main"},
	{"https://h/p", "main:other"},
	{"https://h/p", "a..b"},
	{"https://h/p", "main@{1}"},
	{"https://h/p", "a b"},
	{"https://h/p", "../x"},
	{"https://h/p", "a\nb"},
}

func TestHostileRepository(t *testing.T) {
	for _, c := range hostile {
		if r, err := NewRepository(c.url, c.ref); err == nil {
			t.Errorf("%q at %q is %s", c.url, c.ref, r)
		}
	}
}

func TestErrorsHideSecrets(t *testing.T) {
	for _, url := range []string{
		"https://u:secret@h/p?q", "https://u:secret@h/..", "https://u:secret@/p", "ftp://u:secret@h/p", "https://u:secret@h:x/p",
		"https://u:secret/@h/p", "https://:secret%@h/p", "https://u:secret\x01@h/p",
	} {
		if _, err := NewRepository(url, ""); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestCheckPath(t *testing.T) {
	for path, valid := range map[string]bool{
		"": true, "a": true, "a/b": true, "a/../b": true, "./a": true, "a.b-c": true,
		"..": false, "../a": false, "a/../../b": false, "/a": false, "/": false, "a\x00": false, "a\n": false,
	} {
		if err := CheckPath(path); (err == nil) != valid {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func FuzzRepository(f *testing.F) {
	for _, c := range hostile {
		f.Add(c.url, c.ref)
	}
	f.Add(DefaultURL, "v1")
	f.Add("ssh://git@h:22/a/b", "feature/x")
	f.Fuzz(func(t *testing.T, url, ref string) {
		r, err := NewRepository(url, ref)
		if err != nil {
			return
		}
		dir := r.directory()
		if !filepath.IsLocal(dir) || filepath.Clean(dir) != dir || !filepath.IsLocal(r.location) {
			t.Errorf("%q at %q is in %q", url, ref, dir)
		}
		if strings.HasPrefix(r.URL, "-") || strings.HasPrefix(r.Ref, "-") || strings.ContainsAny(r.Ref, ": \n") {
			t.Errorf("git can take %q at %q for something else", r.URL, r.Ref)
		}
		back, err := fromDirectory(dir, url)
		if err != nil || back != r {
			t.Errorf("%q is of %+v, and not of %+v: %v", dir, back, r, err)
		}
		if parsed, err := ParseRepository(r.String()); err == nil && parsed.directory() != dir {
			t.Errorf("%q is %q, and not %q", r.String(), parsed.directory(), dir)
		}
	})
}

func FuzzParseRepository(f *testing.F) {
	for _, text := range []string{"github.com/o/r", "github.com/o/r@v1", "ssh://git@h/p@x", "@", "/", "a/b@c@d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := ParseRepository(text); err == nil && !filepath.IsLocal(r.directory()) {
			t.Errorf("%q is in %q", text, r.directory())
		}
	})
}

func FuzzCheckPath(f *testing.F) {
	for _, path := range []string{"a/b", "../x", "/etc", "a/../../b", "a//b", "./a", "\x00"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		const root = "/root/of/repository"
		inside := filepath.Join(root, path, "Tiltfile")
		if CheckPath(path) == nil && !strings.HasPrefix(inside, root+"/") {
			t.Errorf("%q is %s", path, inside)
		}
	})
}
