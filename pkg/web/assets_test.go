// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tilt.dev/session/pkg/web"
)

// exported returns the files of the page.
func exported(t *testing.T) fs.FS {
	dir := filepath.Join(t.TempDir(), "new", "directory")
	for range 2 { // it replaces files
		if err := web.Export(dir); err != nil {
			t.Fatal(err)
		}
	}
	return os.DirFS(dir)
}

// The page is the same for everybody, compressed for those who ask for it, and protected by its headers.
func TestAssets(t *testing.T) {
	t.Parallel()
	p, _ := serve(t, ok)
	me := p.login(t, false)
	files, count := exported(t), 0
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		count++
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		target := "/ui/" + name
		plain := p.send(t, http.MethodGet, target, "")
		plain.wantBody(t, http.StatusOK, string(text))
		checkPageHeaders(t, plain)
		cache := plain.Header.Get("Cache-Control")
		if strings.HasPrefix(name, "assets/") != strings.Contains(cache, "immutable") || strings.Contains(cache, "no-store") {
			t.Errorf("%s: Cache-Control is %q", name, cache)
		}
		if own := p.send(t, http.MethodGet, target, "", me.headers()...); own.body != plain.body || own.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s isn't the same for a login", name)
		}
		packed := p.send(t, http.MethodGet, target, "", "Accept-Encoding: br, gzip;q=0.5")
		if unpack(t, packed) != string(text) {
			t.Errorf("%s differs when it is compressed", name)
		}
		for _, sent := range []answer{plain, packed} {
			again := p.send(t, http.MethodGet, target, "", "Accept-Encoding: "+sent.Header.Get("Content-Encoding"), "If-None-Match: "+sent.Header.Get("ETag"))
			again.wantBody(t, http.StatusNotModified, "")
		}
		if tag := packed.Header.Get("ETag"); packed.Header.Get("Content-Encoding") != "" && tag == plain.Header.Get("ETag") {
			t.Errorf("%s has the same tag %s in both forms", name, tag)
		}
		if head := p.send(t, http.MethodHead, target, ""); head.ContentLength != int64(len(text)) {
			t.Errorf("%s has %d bytes by HEAD", name, head.ContentLength)
		}
		return nil
	})
	if err != nil || count < 2 {
		t.Errorf("%d files, %v", count, err)
	}
	index, err := fs.ReadFile(files, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	page := p.send(t, http.MethodGet, "/ui/", "")
	page.wantBody(t, http.StatusOK, string(index))
	if kind := page.Header.Get("Content-Type"); kind != "text/html; charset=utf-8" {
		t.Errorf("the page is %s", kind)
	}
	// A link on another site may open the page.
	p.send(t, http.MethodGet, "/ui/", "", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document").want(t, http.StatusOK)
	p.send(t, http.MethodGet, "/ui/none", "").checkRefusal(t, http.StatusNotFound, false)
	p.send(t, http.MethodGet, "/ui/assets/", "").checkRefusal(t, http.StatusNotFound, false)
	for _, from := range []string{"/", "/ui"} {
		if to := p.send(t, http.MethodGet, from, ""); to.StatusCode != http.StatusTemporaryRedirect || to.Header.Get("Location") != "ui/" {
			t.Errorf("%s leads to %s (%d)", from, to.Header.Get("Location"), to.StatusCode)
		}
	}
}

func unpack(t *testing.T, a answer) string {
	t.Helper()
	if a.Header.Get("Content-Encoding") == "" {
		return a.body
	}
	if vary := a.Header.Get("Vary"); vary != "Accept-Encoding" {
		t.Errorf("Vary is %q", vary)
	}
	reader, err := gzip.NewReader(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

func checkPageHeaders(t *testing.T, a answer) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
			"connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; " +
			"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types tilt-worker",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
	} {
		if got := a.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	for _, feature := range []string{"camera", "microphone", "geolocation", "usb", "clipboard-read"} {
		if got := a.Header.Get("Permissions-Policy"); !strings.Contains(got, feature+"=()") {
			t.Errorf("Permissions-Policy is %q", got)
		}
	}
	for name := range a.Header {
		if strings.HasPrefix(name, "Access-Control-") || name == "Set-Cookie" || name == "Strict-Transport-Security" {
			t.Errorf("it has the header %s", name)
		}
	}
}

// The page needs no inline script or style, which its policy forbids, and names no other host.
func TestIndexKeepsThePolicy(t *testing.T) {
	t.Parallel()
	index, err := fs.ReadFile(exported(t), "index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, forbidden := range []string{"<style", "style=", "onload=", "://", "javascript:", "<script>"} {
		if strings.Contains(string(index), forbidden) {
			t.Errorf("index.html has %s", forbidden)
		}
	}
}

func TestAcceptEncoding(t *testing.T) {
	t.Parallel()
	p, _ := serve(t, ok)
	for accepted, want := range map[string]string{
		"": "", "identity": "", "gzip;q=0": "", "gzip; q=0.0": "", "x-gzip-2": "", "br": "", "gzip;q=x": "",
		"gzip": "gzip", "GZIP": "gzip", "deflate, gzip": "gzip", "br;q=1, gzip;q=0.1": "gzip",
	} {
		name := ""
		for _, part := range strings.Split(p.send(t, http.MethodGet, "/ui/", "").body, `"`) {
			if strings.HasPrefix(part, "./assets/") {
				name = strings.TrimPrefix(part, "./")
			}
		}
		reply := p.send(t, http.MethodGet, "/ui/"+name, "", "Accept-Encoding: "+accepted)
		if got := reply.Header.Get("Content-Encoding"); reply.StatusCode != http.StatusOK || got != want {
			t.Errorf("%q is answered with %q (%d)", accepted, got, reply.StatusCode)
		}
	}
}
