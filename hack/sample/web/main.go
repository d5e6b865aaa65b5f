// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Web is the shop's page: a greeting, what is sold, and how many orders there are.
package main

import (
	"cmp"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

const greeting = "welcome to the shop"

var client = &http.Client{Timeout: 2 * time.Second}

func main() {
	http.HandleFunc("GET /{$}", page)
	http.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	log.Printf("web listens at :8080")
	log.Fatal(http.ListenAndServe(":8080", nil))
}

func page(w http.ResponseWriter, _ *http.Request) {
	release, err := os.ReadFile("/etc/release")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "%s\ncurrency: %s\nrelease: %s", greeting, cmp.Or(os.Getenv("CURRENCY"), "none"), release)
	for name, url := range map[string]string{
		"products": service("STORE") + "/products", "percent off": service("STORE") + "/percent", "orders": service("ORDERS"),
	} {
		answer, err := get(url)
		if err != nil {
			answer = err.Error()
		}
		fmt.Fprintf(w, "%s: %s\n", name, answer)
	}
}

// service returns the URL of a Service that was there before this pod.
func service(name string) string {
	return "http://" + net.JoinHostPort(os.Getenv(name+"_SERVICE_HOST"), os.Getenv(name+"_SERVICE_PORT"))
}

func get(url string) (string, error) {
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return string(body), err
}
