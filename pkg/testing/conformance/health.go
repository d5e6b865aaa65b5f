// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/version"
	"k8s.io/apiserver/pkg/util/compatibility"

	utilversion "k8s.io/apimachinery/pkg/util/version"
)

var healthPaths = []string{"/healthz", "/livez", "/readyz"}

// checkHealth checks health, metrics and version. An aggregator answers these paths itself.
func checkHealth(t *testing.T, s *server) {
	if s.Aggregated {
		return
	}
	t.Run("Health", func(t *testing.T) {
		t.Parallel()
		for _, at := range healthPaths {
			if answer := s.get(t, at).want(http.StatusOK); string(answer.body) != "ok" {
				t.Errorf("%s: %s", at, answer.body)
			}
			name := strings.TrimPrefix(at, "/")
			verbose := string(s.get(t, at+"?verbose").want(http.StatusOK).body)
			if !strings.Contains(verbose, "[+]ping ok\n") || !strings.HasSuffix(verbose, name+" check passed\n") {
				t.Errorf("%s verbose: %s", at, verbose)
			}
			for line := range strings.Lines(verbose) {
				check, ok := strings.CutPrefix(line, "[+]")
				if !ok {
					continue
				}
				check = strings.TrimSuffix(check, " ok\n")
				s.get(t, at+"/"+check).want(http.StatusOK)
				excluded := string(s.get(t, at+"?verbose&exclude="+check).want(http.StatusOK).body)
				if !strings.Contains(excluded, "[+]"+check+" excluded: ok\n") {
					t.Errorf("%s without %s: %s", at, check, excluded)
				}
			}
		}
		s.get(t, "/readyz/none").want(http.StatusNotFound)
	})

	t.Run("Ready", func(t *testing.T) {
		t.Parallel()
		verbose := string(s.get(t, "/readyz?verbose").want(http.StatusOK).body)
		for _, check := range []string{"storage", "watch-cache"} {
			if !strings.Contains(verbose, "[+]"+check+" ok\n") {
				t.Errorf("%s isn't checked: %s", check, verbose)
			}
		}
	})

	t.Run("Metrics", func(t *testing.T) {
		t.Parallel()
		s.watch(t, "fieldSelector=metadata.name="+s.create(t).Name).next(t)
		answer := s.get(t, "/metrics").want(http.StatusOK)
		if got := answer.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/plain") {
			t.Errorf("metrics are %s", got)
		}
		for _, series := range []string{
			`apiserver_request_total\{.*resource="sessions".*verb="POST"`,
			`apiserver_request_duration_seconds_bucket\{.*resource="sessions"`,
			`apiserver_longrunning_requests`,
			`apiserver_watch_events_total`,
			`etcd_request_duration_seconds_bucket`,
			`process_cpu_seconds_total`,
			`go_goroutines`,
		} {
			if !regexp.MustCompile(`(?m)^` + series).Match(answer.body) {
				t.Errorf("no metric %s", series)
			}
		}
	})

	t.Run("Version", func(t *testing.T) {
		t.Parallel()
		var info version.Info
		s.get(t, "/version").want(http.StatusOK).into(&info)
		parsed, err := utilversion.ParseSemantic(info.GitVersion)
		if err != nil || !strings.HasPrefix(info.GitVersion, "v") || info.GoVersion == "" || info.Platform == "" {
			t.Fatalf("version = %+v: %v", info, err)
		}
		// Clients compare it with their own version, by the numbers or as a whole.
		if library := compatibility.DefaultBuildEffectiveVersion().BinaryVersion(); !parsed.EqualTo(library.WithPatch(parsed.Patch())) ||
			info.Major != strconv.FormatUint(uint64(parsed.Major()), 10) || info.Minor != strconv.FormatUint(uint64(parsed.Minor()), 10) ||
			!strings.HasPrefix(parsed.BuildMetadata(), "tilt-session.v") {
			t.Errorf("version = %+v of a server that is compatible with Kubernetes %s", info, library)
		}
	})

	t.Run("Paths", func(t *testing.T) {
		t.Parallel()
		var index struct{ Paths []string }
		s.get(t, "/").want(http.StatusOK).into(&index)
		for _, at := range append(healthPaths, "/apis", groupPath, versionPath, "/metrics", "/openapi/v2", "/openapi/v3", "/version") {
			if !slices.Contains(index.Paths, at) {
				t.Errorf("%s isn't listed in %v", at, index.Paths)
			}
		}
		for _, at := range index.Paths {
			if at == "/openapi/v3/" {
				// A prefix of documents, not one itself.
				continue
			}
			s.get(t, at).want(http.StatusOK)
		}
	})

	t.Run("NoProfiling", func(t *testing.T) {
		t.Parallel()
		for _, at := range []string{"/debug/pprof", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/profile?seconds=1", "/debug/flags/v"} {
			s.get(t, at).want(http.StatusNotFound)
		}
	})
}
