// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/apimachinery/pkg/util/version"

	"tilt.dev/session/pkg/apiserver"
	testserver "tilt.dev/session/pkg/testing/server"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	server := testserver.Start(t, testserver.Configure{Server: func(s *apiserver.Server) error {
		return s.AddReadyzCheck("controller", func(context.Context) error {
			if broken.Load() {
				return errors.New("out of order")
			}
			return nil
		})
	}})
	client := newRawClient(t, server)
	client.token = ""

	for path, checks := range map[string][]string{
		"/livez":   {"ping"},
		"/healthz": {"ping", "storage"},
		"/readyz":  {"ping", "storage", "watch-cache", "controller", "shutdown"},
	} {
		body := string(client.do(http.MethodGet, path+"?verbose", nil).want(http.StatusOK).body)
		for _, check := range checks {
			if !strings.Contains(body, "[+]"+check+" ok") {
				t.Errorf("%s doesn't check %s:\n%s", path, check, body)
			}
		}
	}
	client.do(http.MethodGet, "/readyz/controller", nil).want(http.StatusOK)
	broken.Store(true)
	client.do(http.MethodGet, "/readyz/controller", nil).want(http.StatusInternalServerError)
	client.do(http.MethodGet, "/readyz", nil).want(http.StatusInternalServerError)
	client.do(http.MethodGet, "/livez", nil).want(http.StatusOK)
}

func TestVersionOfTheProgram(t *testing.T) {
	t.Parallel()
	client := newRawClient(t, testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) { o.Version = "1.2.3-rc.1+abc" }}))
	var info struct{ GitVersion, Major, Minor, Platform string }
	client.do(http.MethodGet, "/version", nil).want(http.StatusOK, &info)
	if _, err := version.ParseSemantic(info.GitVersion); err != nil || !regexp.MustCompile(`^v1\.36\.[0-9]+\+tilt-session\.v1\.2\.3-rc\.1\.abc$`).MatchString(info.GitVersion) || info.Major != "1" || info.Minor != "36" || info.Platform == "" {
		t.Errorf("version = %+v, %v", info, err)
	}
}
