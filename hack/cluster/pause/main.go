// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Pause is the process of a pod's sandbox: it waits until it is ended.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	<-ended
}
