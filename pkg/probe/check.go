// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tilt-dev/probe/pkg/prober"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// httpCheck passes if a GET request returns a status from 200 to 399. It doesn't verify TLS certificates and
// doesn't reuse connections. It follows ten redirects to the same host; a redirect to another host passes.
func httpCheck(action model.HTTPGetAction) check {
	get := prober.NewHTTPGetProber()
	target := urlOf(action)
	return check{name: "GET " + target.String(), run: func(ctx context.Context) (outcome, string) {
		return read(get.Probe(ctx, target, nil))
	}}
}

// urlOf returns the URL of an action. The path may contain a query.
func urlOf(action model.HTTPGetAction) *url.URL {
	target, err := url.Parse(action.Path)
	if err != nil {
		target = &url.URL{Path: action.Path}
	}
	target.Scheme = action.Scheme
	target.Host = address(action.Host, action.Port)
	return target
}

// tcpCheck passes if the server accepts a connection.
func tcpCheck(action model.TCPSocketAction) check {
	dial := prober.NewTCPSocketProber()
	name := "TCP " + address(action.Host, action.Port)
	return check{name: name, run: func(ctx context.Context) (outcome, string) {
		return read(dial.Probe(ctx, action.Host, action.Port))
	}}
}

// read converts a result of the library.
func read(result prober.Result, text string, err error) (outcome, string) {
	switch {
	case err != nil:
		return failed, reason(err.Error())
	case result == prober.Success:
		return passed, "ok"
	case result == prober.Warning:
		return passed, "ok, redirected to another host"
	default:
		return failed, reason(text)
	}
}

func address(host string, port int) string {
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// reason removes from an error text of the library what the name of the check says already.
func reason(text string) string {
	if code, ok := strings.CutPrefix(text, "HTTP probe failed with statuscode: "); ok {
		if n, err := strconv.Atoi(code); err == nil {
			return strings.TrimSpace(fmt.Sprintf("%d %s", n, http.StatusText(n)))
		}
	}
	if rest, ok := strings.CutPrefix(text, `Get "`); ok {
		if _, cause, ok := strings.Cut(rest, `": `); ok {
			text = cause
		}
	}
	for _, operation := range []string{": connect: ", ": read: ", ": write: "} {
		if _, cause, ok := strings.Cut(text, operation); ok {
			return cause
		}
	}
	return text
}

// maxOutput is how many bytes of a command's output are examined.
const maxOutput = 4 << 10

// execCheck passes if a command exits with code 0. It has no result if the command
// can't be started. When ctx is done, it kills the process group.
func (p *Prober) execCheck(action model.ExecAction) check {
	run := func(ctx context.Context) (outcome, string) {
		var output head
		running, err := p.Start(process.Spec{Argv: action.Argv, Dir: p.Dir, Env: p.Env, Output: &output})
		if err != nil {
			return noResult, err.Error()
		}
		select {
		case <-running.Done():
		case <-ctx.Done():
			running.Stop(0)
			<-running.Done()
		}
		exit := running.Exit()
		text := exit.String()
		if line := output.firstLine(); line != "" {
			text += ": " + line
		}
		if exit == (process.Exit{}) {
			return passed, text
		}
		return failed, text
	}
	return check{run: run}
}

// head keeps the beginning of what is written to it.
type head struct{ kept []byte }

func (h *head) Write(p []byte) (int, error) {
	h.kept = append(h.kept, p[:min(len(p), maxOutput-len(h.kept))]...)
	return len(p), nil
}

// firstLine returns the first line that isn't blank.
func (h *head) firstLine() string {
	for line := range bytes.Lines(h.kept) {
		if text := strings.TrimSpace(string(line)); text != "" {
			return text
		}
	}
	return ""
}
