// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Command image is the program of the containers in the cluster tests. Its arguments are what it does in turn:
//
//	print=TEXT     prints a line
//	count=N        prints N numbered lines, one each 10 ms
//	sleep=D        sleeps
//	serve=ADDRESS  serves HTTP for good, with VERSION of the environment as the answer to everything
//	exit=CODE      ends
package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	host, _ := os.Hostname()
	for _, arg := range os.Args[1:] {
		verb, value, _ := strings.Cut(arg, "=")
		switch verb {
		case "print":
			fmt.Println(value)
		case "count":
			n, _ := strconv.Atoi(value)
			for i := range n {
				fmt.Printf("%s %d %d\n", host, os.Getpid(), i)
				time.Sleep(10 * time.Millisecond)
			}
		case "sleep":
			d, _ := time.ParseDuration(value)
			time.Sleep(d)
		case "serve":
			err := http.ListenAndServe(value, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, os.Getenv("VERSION"))
			}))
			fmt.Println(err)
			os.Exit(1)
		case "exit":
			code, _ := strconv.Atoi(value)
			os.Exit(code)
		}
	}
}
