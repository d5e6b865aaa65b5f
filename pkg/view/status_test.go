// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"strings"
	"testing"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// shop is a Session in which most things that can be are so.
func shop() *v1alpha1.Session {
	s := &v1alpha1.Session{}
	s.Spec.TiltfilePath, s.Spec.ExitCondition = "/src/demo/Tiltfile", v1alpha1.ExitConditionManual
	s.Status.StartTime = at(0)
	failed := target("orders:serve", ended4("Process 7 exited with code 1"))
	one := int32(1)
	failed.State.Terminated.ExitCode = &one
	s.Status.Targets = []v1alpha1.Target{
		target("catalog:serve", ready()),
		target("catalog:update", ended4("")),
		target("load:update", waiting("waiting-for-dep", "smoke:update")),
		failed,
		target("orders:update", ended4("")),
		target("smoke:update", waiting("waiting-for-dep", "catalog:serve", "orders:serve")),
		target("tiltfile:update", ended4("")),
		target("unused:update", v1alpha1.TargetState{}),
	}
	return s
}

func TestStatus(t *testing.T) {
	last := func(resource string) string { return "\x1b[1mlast of " + resource }
	for name, test := range map[string]struct {
		style Style
		want  string
	}{
		"plain": {Style{}, `up demo/Tiltfile  failed  4/7 ready  1 failed  2 waiting  10s

S  NAME        STATE             TIME  WHY / LAST LINE
✓  (Tiltfile)  succeeded           4s  last of (Tiltfile)
●  catalog     ready             1.5s  last of catalog
…  load        waiting             7s  ← smoke (waiting)
✗  orders      failed              4s  exit code 1: last of orders
…  smoke       waiting             7s  ← orders (failed), catalog (ready)
–  unused      not requested
`},
		"ASCII": {Style{ASCII: true}, `up demo/Tiltfile  failed  4/7 ready  1 failed  2 waiting  10s

S    NAME        STATE             TIME  WHY / LAST LINE
ok   (Tiltfile)  succeeded           4s  last of (Tiltfile)
up   catalog     ready             1.5s  last of catalog
--   load        waiting             7s  <- smoke (waiting)
XX   orders      failed              4s  exit code 1: last of orders
--   smoke       waiting             7s  <- orders (failed), catalog (ready)
--   unused      not requested
`},
	} {
		t.Run(name, func(t *testing.T) {
			got := Status(shop(), last, test.style, noon.Add(10*time.Second))
			if got != test.want {
				t.Errorf("got:\n%swant:\n%s", got, test.want)
			}
		})
	}
}

// TestStatusWithoutRows is a Session before its run, and one that failed without a target.
func TestStatusWithoutRows(t *testing.T) {
	s := &v1alpha1.Session{}
	s.Spec.TiltfilePath = "/src/demo/Tiltfile"
	s.Status.Done, s.Status.Error = true, "took \x1b[31mtoo long\nmore"
	got := Status(s, nil, Style{Colour: Colour16}, noon)
	if want := "ci demo/Tiltfile  failed  0/0 ready  0s\n\x1b[31mtook too long\x1b[0m\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWhy(t *testing.T) {
	for name, want := range map[string]string{
		"load": `… load    waiting 7s        ← smoke (waiting)
… smoke   waiting 7s        ← orders (failed), catalog (ready)
✗ orders  failed 4s         exit code 1
`,
		"orders:serve":    "✗ orders  failed 4s         exit code 1\n",
		"catalog":         "● catalog  ready 1.5s\n",
		"tiltfile:update": "✓ (Tiltfile)  succeeded 4s\n",
		"unused":          "– unused  not requested\n",
	} {
		row, err := Find(shop(), name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := Why(row.Chain(), Style{}, noon.Add(10*time.Second)); got != want {
			t.Errorf("%s: got\n%swant\n%s", name, got, want)
		}
	}
}

// TestChainOfACircle is a status that no run has, but that a client can write.
func TestChainOfACircle(t *testing.T) {
	s := &v1alpha1.Session{}
	s.Status.Targets = []v1alpha1.Target{
		target("a:update", waiting("waiting-for-dep", "b:update")),
		target("b:update", waiting("waiting-for-dep", "a:update")),
	}
	row, err := Find(s, "a")
	if err != nil || len(row.Chain()) > 3 {
		t.Errorf("%v, %v", row, err)
	}
}

func TestFindSuggests(t *testing.T) {
	many := shop()
	for _, c := range "abcdefghij" {
		many.Status.Targets = append(many.Status.Targets, target("service-"+string(c)+":update", ready()))
	}
	for _, test := range []struct {
		session *v1alpha1.Session
		name    string
		want    string
	}{
		{shop(), "catalg", `no resource "catalg"; did you mean "catalog"?`},
		{shop(), "Orders", `no resource "Orders"; did you mean "orders"?`},
		{shop(), "log", `no resource "log"; did you mean "catalog"?`},
		{shop(), "x", `no resource "x"; there are "(Tiltfile)", "catalog", "load", "orders", "smoke", "unused"`},
		{many, "service-x", `no resource "service-x"; did you mean "service-a" or "service-b" or "service-c" or "service-d"` +
			` or "service-e" or "service-f" or "service-g" or "service-h" or "service-i" or "service-j"?`},
		{many, "qqq", `no resource "qqq"`},
		{&v1alpha1.Session{}, "a", `no resource "a": the Session has none yet`},
	} {
		if _, err := Find(test.session, test.name); err == nil || err.Error() != test.want {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "äb", 2}, {"äb", "", 2}, {"kitten", "sitting", 3}, {"abc", "abc", 0}, {"ab", "ba", 2}} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("%s to %s: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

// Columns begin at the same place below names of wide characters.
func TestWideNames(t *testing.T) {
	s := &v1alpha1.Session{}
	s.Status.Targets = []v1alpha1.Target{target("api:serve", ready()), target("仕事場:serve", ready())}
	status := Status(s, func(string) string { return "" }, Style{}, at(10).Time)
	for _, want := range []string{"●  api     ready", "●  仕事場  ready"} {
		if !strings.Contains(status, want) {
			t.Errorf("%q isn't in\n%s", want, status)
		}
	}
}
