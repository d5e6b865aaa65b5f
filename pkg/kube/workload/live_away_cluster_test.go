//go:build cluster

// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"

	"tilt.dev/session/pkg/model"
)

// relay is a way to the API server that can be cut. WebSockets don't take the Dial of a rest.Config.
type relay struct {
	net.Listener
	server string
	outage
	serving sync.WaitGroup
}

func newRelay(t *testing.T) *relay {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l}
	r.serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r.serving.Go(func() { r.serve(t, conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		r.set(true)
		r.serving.Wait()
	})
	return r
}

// lead has a connection use the relay.
func (r *relay) lead(config *rest.Config) {
	server, err := url.Parse(config.Host)
	if err != nil {
		panic(err)
	}
	r.server = server.Host
	config.TLSClientConfig.ServerName = server.Hostname()
	if config.Insecure {
		config.TLSClientConfig.ServerName = ""
	}
	config.Host = "https://" + r.Addr().String()
}

func (r *relay) serve(t *testing.T, conn net.Conn) {
	defer conn.Close()
	server, err := r.dial(t.Context(), "tcp", r.server)
	if err != nil {
		return
	}
	defer server.Close()
	var copying sync.WaitGroup
	copying.Go(func() {
		_, _ = io.Copy(server, conn)
		server.Close()
	})
	_, _ = io.Copy(conn, server)
	conn.Close()
	copying.Wait()
}

// The connection is cut while a command runs: all is done again once the server is back.
func TestClusterLiveUpdateServerAway(t *testing.T) {
	r := newRelay(t)
	steps := toApp()
	steps.Runs = []model.LiveRun{{Argv: []string{"sh", "-c", "echo ran; touch /running; [ -e /quick ] || sleep 1000"}}}
	l := startLiveFixture(newFixture(t, r.lead), steps, app(1, "BUSYBOX", "", ""))
	pod := l.awaitRunning(1)[0].Name
	l.write("src/file", "", 0o644)
	a := l.begin()
	l.eventually("the command", func() bool { return l.in(pod, "ls", "/running") == "/running\n" })
	r.set(true)
	l.eventually("that it is tried again", func() bool { return strings.Contains(l.log(), "; trying again\n") })
	l.in(pod, "touch", "/quick")
	r.set(false)
	<-a.Done()
	if end := a.End(); end.Error != "" || end.Rebuild != "" || strings.Count(l.log(), "\nran\n") != 2 {
		t.Errorf("the end is %+v", end)
	}
}
