// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/kube/workload/status"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// forwarder forwards ports of this machine to the pods of a workload. A listener stays open while pods come and go;
// each connection goes to the best pod of its moment.
type forwarder struct {
	connection *cluster.Connection

	forwards map[address]*forward
	wait     sync.WaitGroup

	mu sync.Mutex
	// pods are the pods that count, newest first. changed is closed when they change.
	pods    []status.Pod
	changed chan struct{}
	tunnels map[types.UID]*tunnel
}

// address is what a forward listens at.
type address struct {
	host string
	port int
	// index tells forwards of free ports apart.
	index int
}

// forward is one port that is forwarded.
type forward struct {
	*forwarder
	address
	cancel context.CancelFunc

	mu   sync.Mutex
	log  engine.Log
	spec model.PortForward
	// local is the port that it listens at, 0 before.
	local int
	// told is the last error that was logged.
	told string
}

func newForwarder(c *cluster.Connection) *forwarder {
	return &forwarder{connection: c, forwards: map[address]*forward{}, changed: make(chan struct{}),
		tunnels: map[types.UID]*tunnel{}}
}

// update makes the forwards those of a workload, and its pods their targets.
func (f *forwarder) update(ctx context.Context, log engine.Log, wanted []model.PortForward, pods []status.Pod) {
	f.mu.Lock()
	f.pods = slices.Clone(pods)
	close(f.changed)
	f.changed = make(chan struct{})
	// A tunnel to a pod that doesn't count any more carries what it carries until the pod is gone.
	for uid, t := range f.tunnels {
		if t.broken() {
			delete(f.tunnels, uid)
			t.Close()
		}
	}
	f.mu.Unlock()
	keep := map[address]bool{}
	for i, spec := range wanted {
		a := address{host: spec.Host, port: spec.Local}
		if spec.Local == 0 {
			a.index = i
		}
		keep[a] = true
		if existing := f.forwards[a]; existing != nil {
			existing.redefine(log, spec)
			continue
		}
		ctx, cancel := context.WithCancel(ctx)
		n := &forward{forwarder: f, address: a, cancel: cancel, log: log, spec: spec}
		f.forwards[a] = n
		f.wait.Go(func() { n.run(ctx) })
	}
	for a, old := range f.forwards {
		if !keep[a] {
			old.cancel()
			delete(f.forwards, a)
		}
	}
}

// stop ends the forwards and their connections.
func (f *forwarder) stop() {
	for _, n := range f.forwards {
		n.cancel()
	}
	f.wait.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range f.tunnels {
		t.Close()
	}
}

func (n *forward) redefine(log engine.Log, spec model.PortForward) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.log, n.spec = log, spec
}

var forwardBackoff = wait.Backoff{Duration: time.Second, Factor: 2, Jitter: 0.1, Steps: 5, Cap: 15 * time.Second}

// run listens until the context ends.
func (n *forward) run(ctx context.Context) {
	backoff := forwardBackoff
	for {
		listeners, err := n.listen(ctx)
		if err == nil {
			n.accept(ctx, listeners)
			return
		}
		n.tell(err)
		timer := time.NewTimer(backoff.Step())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// listen opens the listeners: for localhost those of IPv4 and IPv6, of which one may be missing.
func (n *forward) listen(ctx context.Context) ([]net.Listener, error) {
	hosts := []string{strings.Trim(n.host, "[]")}
	if hosts[0] == "" || hosts[0] == "localhost" {
		hosts = []string{"127.0.0.1", "::1"}
	}
	port := n.port
	var listeners []net.Listener
	var failure error
	for _, host := range hosts {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		switch {
		case errors.Is(err, syscall.EADDRINUSE) && n.port != 0:
			// Half of a port would lead some clients to another program.
			for _, l := range listeners {
				l.Close()
			}
			return nil, fmt.Errorf("port %d of %s is in use by another program; trying again", port, n.hostName())
		case err != nil:
			failure = err
			continue
		}
		listeners = append(listeners, l)
		if a, ok := l.Addr().(*net.TCPAddr); ok {
			port = a.Port
		}
	}
	if len(listeners) == 0 {
		return nil, fmt.Errorf("listen: %w; trying again", failure)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.local, n.told = port, ""
	n.log.Append(logs.LevelInfo, fmt.Sprintf("port forward %s: listening at port %d", n.label(), port))
	return listeners, nil
}

func (n *forward) hostName() string {
	if n.host == "" {
		return "localhost"
	}
	return n.host
}

// label names the forward for people. The caller holds mu.
func (n *forward) label() string {
	local := strconv.Itoa(n.port)
	if n.port == 0 {
		local = "(free port)"
		if n.local != 0 {
			local = strconv.Itoa(n.local)
		}
	}
	text := net.JoinHostPort(strings.Trim(n.hostName(), "[]"), local)
	if n.spec.Container != 0 {
		text += fmt.Sprintf(" -> %d", n.spec.Container)
	}
	if n.spec.Name != "" {
		text = n.spec.Name + " " + text
	}
	return text
}

// tell logs an error, unless it's the same as before.
func (n *forward) tell(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if text := err.Error(); text != n.told {
		n.told = text
		n.log.Append(logs.LevelError, fmt.Sprintf("port forward %s: %s", n.label(), text))
	}
}

// accept serves the connections of the listeners until the context ends.
func (n *forward) accept(ctx context.Context, listeners []net.Listener) {
	var serving sync.WaitGroup
	for _, l := range listeners {
		serving.Go(func() {
			for {
				conn, err := l.Accept()
				if ctx.Err() != nil {
					if err == nil {
						conn.Close()
					}
					return
				}
				if err != nil {
					n.tell(fmt.Errorf("accept: %w", err))
					select {
					case <-ctx.Done():
						return
					case <-time.After(time.Second):
					}
					continue
				}
				serving.Go(func() { n.serve(ctx, conn) })
			}
		})
	}
	<-ctx.Done()
	for _, l := range listeners {
		l.Close()
	}
	serving.Wait()
}
