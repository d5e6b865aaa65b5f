// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Store keeps a value for each path in its directory. "store migrate" writes the first values into the store that the
// environment names.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const products = "bread, cheese"

func main() {
	log.SetFlags(0)
	if len(os.Args) == 2 && os.Args[1] == "migrate" {
		if err := migrate(); err != nil {
			log.Fatalf("migrate: %v", err)
		}
		log.Print("migrated")
		return
	}
	directory := cmp.Or(os.Getenv("STORE_DIRECTORY"), os.TempDir())
	http.HandleFunc("GET /{key}", func(w http.ResponseWriter, r *http.Request) {
		value, err := os.ReadFile(filepath.Join(directory, filepath.Base(r.PathValue("key"))))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			http.NotFound(w, r)
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		default:
			w.Write(value)
		}
	})
	http.HandleFunc("PUT /{key}", func(w http.ResponseWriter, r *http.Request) {
		value, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err == nil {
			err = os.WriteFile(filepath.Join(directory, filepath.Base(r.PathValue("key"))), value, 0o600)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	log.Printf("store keeps values in %s and listens at :8080", directory)
	log.Fatal(http.ListenAndServe(":8080", nil))
}

func migrate() error {
	url := "http://" + net.JoinHostPort(os.Getenv("STORE_SERVICE_HOST"), os.Getenv("STORE_SERVICE_PORT")) + "/products"
	request, err := http.NewRequest(http.MethodPut, url, strings.NewReader(products))
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 10 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("PUT %s: %s", url, response.Status)
	}
	return nil
}
