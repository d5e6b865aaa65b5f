// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// dist is what hack/web builds.
//
//go:embed all:dist
var dist embed.FS

// files returns the files of the page.
func files() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is valid
	}
	return sub
}

// types are the content types of the files of the page, by the ends of their names.
var types = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".map":         "application/json",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".txt":         "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json",
	".woff2":       "font/woff2",
}

// asset is a file of the page, ready to be sent.
type asset struct {
	kind, etag string
	// plain is the file, and compressed what gzip makes of it, nil if that isn't shorter.
	plain, compressed []byte
	// immutable is true if the name of the file changes with its content.
	immutable bool
}

// assets has what has been asked for: *asset by name.
var assets sync.Map

// findAsset returns a file of the page. It reads and compresses a file once.
func findAsset(name string) (*asset, bool) {
	if name == "" {
		name = "index.html"
	}
	if found, ok := assets.Load(name); ok {
		return found.(*asset), true
	}
	if !fs.ValidPath(name) {
		return nil, false
	}
	text, err := fs.ReadFile(files(), name)
	if err != nil {
		return nil, false
	}
	found, _ := assets.LoadOrStore(name, newAsset(name, text))
	return found.(*asset), true
}

func newAsset(name string, text []byte) *asset {
	sum := sha256.Sum256(text)
	a := &asset{
		kind:      types[path.Ext(name)],
		etag:      base64.RawURLEncoding.EncodeToString(sum[:16]),
		plain:     text,
		immutable: strings.HasPrefix(name, "assets/"),
	}
	if a.kind == "" {
		a.kind = "application/octet-stream"
	}
	var buffer bytes.Buffer
	writer, err := gzip.NewWriterLevel(&buffer, gzip.BestCompression)
	if err == nil {
		_, _ = writer.Write(text) // a buffer returns no error
		_ = writer.Close()
	}
	if n := buffer.Len(); n > 0 && n < len(text) {
		a.compressed = buffer.Bytes()
	}
	return a
}

// serveAsset serves a file of the page. The files are public: they are the same for everybody.
func serveAsset(w http.ResponseWriter, r *http.Request, name string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		wrongMethod.write(w, r)
		return
	}
	a, ok := findAsset(name)
	if !ok {
		notFound.write(w, r)
		return
	}
	header, body, etag := w.Header(), a.plain, `"`+a.etag+`"`
	if a.compressed != nil {
		header.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header) {
			header.Set("Content-Encoding", "gzip")
			body, etag = a.compressed, `"`+a.etag+`-gz"`
		}
	}
	header.Set("ETag", etag)
	header.Set("Cache-Control", "no-cache")
	if a.immutable {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if strings.Contains(r.Header.Get("If-None-Match"), etag) {
		header.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Type", a.kind)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
}

// acceptsGzip reports whether a client has asked for gzip.
func acceptsGzip(header http.Header) bool {
	for _, value := range header.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(value, ",") {
			name, quality, weighted := strings.Cut(coding, ";")
			if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
				continue
			}
			_, weight, _ := strings.Cut(quality, "=")
			number, err := strconv.ParseFloat(strings.TrimSpace(weight), 64)
			return !weighted || err == nil && number > 0
		}
	}
	return false
}

// Export writes the page and its assets into a directory, which it makes. It replaces files of the same names.
func Export(dir string) error {
	return fs.WalkDir(files(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if entry.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		text, err := fs.ReadFile(files(), name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o644)
	})
}
