// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Files answers requests at port 8080 with what files of its container have: GET /PATH with the content of /PATH. With
// ?begins=TEXT it answers as soon as the file, or all files that the directory has now, begin with the text.
package main

import (
	"bytes"
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
	text := r.URL.Query().Get("begins")
	if text == "" {
		http.ServeFile(w, r, r.URL.Path)
		return
	}
	for _, path := range files(r.URL.Path) {
		for !begins(path, []byte(text)) {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(time.Millisecond):
			}
		}
	}
}

// files returns the files that there are at a path.
func files(path string) (all []string) {
	_ = filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			all = append(all, path)
		}
		return nil
	})
	return all
}

func begins(path string, text []byte) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	start := make([]byte, len(text))
	_, err = io.ReadFull(file, start)
	return err == nil && bytes.Equal(start, text)
}
