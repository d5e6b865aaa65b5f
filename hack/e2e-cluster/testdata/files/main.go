// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Files answers requests at port 8080 with what files of its container have: GET /PATH with the content of /PATH. With
// ?begins=TEXT it answers as soon as the file, or all files below the directory, begin with the text.
package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

func main() {
	log.Fatal(http.ListenAndServe(":8080", http.HandlerFunc(answer)))
}

func answer(w http.ResponseWriter, r *http.Request) {
	if text := r.URL.Query().Get("begins"); text != "" {
		for !begin(r.URL.Path, text) {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(time.Millisecond):
			}
		}
		return
	}
	content, err := os.ReadFile(r.URL.Path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	_, _ = w.Write(content)
}

var errOther = errors.New("another text")

// begin returns true if all files at a path begin with a text, and there is one.
func begin(path, text string) bool {
	files := 0
	err := filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		start := make([]byte, len(text))
		if _, err := io.ReadFull(file, start); err != nil || !bytes.Equal(start, []byte(text)) {
			return errOther
		}
		return nil
	})
	return err == nil && files > 0
}
