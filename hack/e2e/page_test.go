// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"tilt.dev/session/hack/e2e/kubeconfig"
	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// testPage: "tilt-session ui" serves the page for the Sessions behind the aggregator, with the rights of the user. These
// Sessions have no runner, so that their logs and triggers are refused with a reason, which the page shows.
func testPage(t *testing.T, c *cluster) {
	editor := kubectl{kubeconfig: kubeconfig.Write(t, c.front.User("ed", "editors")), home: t.TempDir()}
	editor.run(t, strings.ReplaceAll(manifest, "name: users", "name: page"), "create -f -", "page created")

	viewer := openPage(t, kubeconfig.Write(t, c.front.User("vera", "viewers")))
	if code, body := viewer.do(http.MethodGet, "/ui/", ""); code != http.StatusOK || !strings.Contains(body, "<script") {
		t.Errorf("the page: %d %s", code, body)
	}
	var list v1alpha1.SessionList
	code, body := viewer.do(http.MethodGet, sessionsPath, "")
	if err := json.Unmarshal([]byte(body), &list); code != http.StatusOK || err != nil || len(list.Items) == 0 {
		t.Fatalf("the list: %d %v %s", code, err, body)
	}
	events := viewer.watch(sessionsPath + "?watch=true&allowWatchBookmarks=true&resourceVersion=" + list.ResourceVersion)
	editor.run(t, "", "annotate session page seen=yes", "annotated")
	for event := range events {
		if strings.Contains(event, `"seen":"yes"`) {
			break
		}
	}

	trigger := `{"apiVersion":"tilt.dev/v1alpha1","kind":"SessionTrigger","spec":{"resources":["job"]}}`
	for _, refused := range []struct {
		method, path, body string
		code               int
		reason             string
	}{
		{http.MethodPost, sessionsPath + "/page/trigger", trigger, http.StatusForbidden, "vera"},
		{http.MethodDelete, sessionsPath + "/page", "", http.StatusForbidden, "vera"},
		{http.MethodGet, sessionsPath + "/page/log", "", http.StatusConflict, "page"},
		{http.MethodGet, "/api/v1/secrets", "", http.StatusNotFound, ""},
		{http.MethodGet, "/apis", "", http.StatusNotFound, ""},
		{http.MethodGet, "/apis/tilt.dev/..%2f..%2fapi/v1/secrets", "", http.StatusNotFound, ""},
	} {
		code, body := viewer.do(refused.method, refused.path, refused.body)
		if code != refused.code || !strings.Contains(body, refused.reason) {
			t.Errorf("%s %s: %d instead of %d with %q: %s", refused.method, refused.path, code, refused.code, refused.reason, body)
		}
	}
	viewer.secret = ""
	if code, body := viewer.do(http.MethodGet, sessionsPath, ""); code != http.StatusUnauthorized {
		t.Errorf("without a login: %d %s", code, body)
	}
	editor.run(t, "", "delete session page --wait", "deleted")
}

// page is what a browser has after it has opened what "ui" serves.
type page struct {
	t      *testing.T
	origin string
	client *http.Client
	secret string
}

// openPage serves the page for a kubeconfig and logs in. The command ends with the test.
func openPage(t *testing.T, kubeconfig string) *page {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, "ui", "--kubeconfig", kubeconfig, "--print-url")
	command.Env = append(os.Environ(), "HOME="+t.TempDir())
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stderr = command.Stdout
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		rest, _ := io.ReadAll(output)
		if err := command.Wait(); err != nil {
			t.Errorf("ui: %v\n%s", err, rest)
		}
	})
	var address *url.URL
	var printed strings.Builder
	for address == nil && lines.Scan() {
		fmt.Fprintln(&printed, lines.Text())
		if _, found, ok := strings.Cut(lines.Text(), "http://"); ok {
			found, _, _ = strings.Cut(found, " ")
			if address, err = url.Parse("http://" + found); err != nil {
				t.Fatal(err)
			}
		}
	}
	if address == nil {
		t.Fatalf("ui prints no address: %v\n%s", lines.Err(), &printed)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	p := &page{t: t, origin: "http://" + address.Host, client: &http.Client{Transport: transport, Jar: jar}, secret: "login"}
	fragment, _, _ := strings.Cut(strings.TrimPrefix(address.Fragment, "login="), "&")
	code, body := p.do(http.MethodPost, "/ui/login", `{"code":"`+fragment+`"}`)
	var login struct{ Secret string }
	if err := json.Unmarshal([]byte(body), &login); code != http.StatusOK || err != nil || login.Secret == "" {
		t.Fatalf("the login: %d %v %s", code, err, body)
	}
	p.secret = login.Secret
	return p
}

func (p *page) send(ctx context.Context, method, path, body string) *http.Response {
	p.t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, p.origin+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Origin", p.origin)
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	if p.secret != "" {
		request.Header.Set("X-Tilt-Session", p.secret)
	}
	response, err := p.client.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	return response
}

// do sends a request and returns the answer.
func (p *page) do(method, path, body string) (int, string) {
	p.t.Helper()
	response := p.send(p.t.Context(), method, path, body)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

// watch yields the events of a watch, which ends with the loop. Without the expected one the test ends in time.
func (p *page) watch(path string) func(func(string) bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	response := p.send(ctx, http.MethodGet, path, "")
	return func(yield func(string) bool) {
		defer cancel()
		defer func() { _ = response.Body.Close() }()
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			if !yield(lines.Text()) {
				return
			}
		}
		p.t.Error("the watch has ended")
	}
}
