// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// logIn logs in to the web page as a browser does, with the first address in a file. It prints what the login is, the
// Sessions that it sees, and the status of a change: "log-in FILE". With "!" the login must be refused.
func logIn(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: log-in FILE")
	}
	address := firstAddress(ts.ReadFile(args[0]))
	login, err := newLogin(address)
	if neg {
		if err == nil {
			ts.Fatalf("%s logs in", address)
		}
		return
	}
	ts.Check(err)
	defer login.client.CloseIdleConnections()
	fmt.Fprintf(ts.Stdout(), "viewOnly=%v to=%s\n", login.ViewOnly, login.to)

	const sessions = "/apis/tilt.dev/v1alpha1/sessions"
	var list struct {
		Items []struct{ Metadata struct{ Name string } }
	}
	code, err := login.do(http.MethodGet, sessions, "", &list)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "list: %d", code)
	for _, item := range list.Items {
		fmt.Fprintf(ts.Stdout(), " %s", item.Metadata.Name)
	}
	code, err = login.do(http.MethodPost, sessions+"/Tiltfile/trigger",
		`{"apiVersion":"tilt.dev/v1alpha1","kind":"SessionTrigger","spec":{"resources":["web"]}}`, nil)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "\ntrigger: %d\n", code)
}

// firstAddress is the first address of a page in a text.
func firstAddress(text string) string {
	begin := max(0, strings.Index(text, "http://"))
	return strings.Fields(text[begin:] + " none")[0]
}

// login is one at a page.
type login struct {
	client   *http.Client
	base     string
	to       string
	cookie   *http.Cookie
	Secret   string
	ViewOnly bool
}

func newLogin(address string) (*login, error) {
	base, fragment, _ := strings.Cut(address, "/ui/#login=")
	code, to, _ := strings.Cut(fragment, "&to=")
	l := &login{client: &http.Client{Transport: &http.Transport{}}, base: base, to: to, Secret: "login"}
	status, err := l.do(http.MethodPost, "/ui/login", `{"code":"`+code+`"}`, l)
	if err == nil && (status != http.StatusOK || l.cookie == nil) {
		err = fmt.Errorf("log in with %s: status %d", address, status)
	}
	if err != nil {
		l.client.CloseIdleConnections()
	}
	return l, err
}

// do makes a request as the page does, and reads the answer into a value.
func (l *login) do(method, path, body string, into any) (status int, err error) {
	request, err := http.NewRequest(method, l.base+path, strings.NewReader(body)) //nolint:noctx // The story has a limit.
	if err != nil {
		return 0, err
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "X-Tilt-Session": l.Secret, "Origin": l.base, "Sec-Fetch-Site": "same-origin",
	} {
		request.Header.Set(name, value)
	}
	if l.cookie != nil {
		request.AddCookie(l.cookie)
	}
	response, err := l.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	for _, cookie := range response.Cookies() {
		l.cookie = cookie
	}
	answer, err := io.ReadAll(response.Body)
	if err == nil && into != nil && response.StatusCode/100 == 2 {
		err = json.Unmarshal(answer, into)
	}
	return response.StatusCode, err
}
