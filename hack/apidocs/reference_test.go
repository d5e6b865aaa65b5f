// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sections are the parts of the published reference by their headings.
func sections(t *testing.T) map[string]string {
	t.Helper()
	reference, err := os.ReadFile(filepath.Join(published, referenceFile))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for part := range strings.SplitSeq(string(reference), "\n#") {
		heading, text, _ := strings.Cut(strings.TrimLeft(part, "#"), "\n")
		heading = strings.TrimSpace(heading)
		if _, twice := found[heading]; twice {
			t.Errorf("the heading %q occurs twice", heading)
		}
		found[heading] = text
	}
	return found
}

// The fields that clients of Tilt rely on, and those that came later.
func TestReferenceHasEveryField(t *testing.T) {
	sections := sections(t)
	for _, want := range []struct{ in, field, typed, required string }{
		{"Session", "apiVersion", "string", "no"},
		{"Session", "kind", "string", "no"},
		{"Session", "metadata", "[ObjectMeta](#objectmeta)", "no"},
		{"Session", "spec", "[SessionSpec](#sessionspec)", "no"},
		{"Session", "status", "[SessionStatus](#sessionstatus)", "no"},
		{"SessionSpec", "exitCondition", "string", "yes"},
		{"SessionSpec", "tiltfilePath", "string", "yes"},
		{"SessionSpec", "ci", "[SessionCISpec](#sessioncispec)", "no"},
		{"SessionCISpec", "timeout", "[Duration](#duration)", "no"},
		{"SessionCISpec", "readinessTimeout", "[Duration](#duration)", "no"},
		{"SessionCISpec", "k8sGracePeriod", "[Duration](#duration)", "no"},
		{"SessionStatus", "done", "boolean", "yes"},
		{"SessionStatus", "pid", "integer (int64)", "yes"},
		{"SessionStatus", "startTime", "[MicroTime](#microtime)", "yes"},
		{"SessionStatus", "targets", "list of [Target](#target), atomic", "yes"},
		{"SessionStatus", "error", "string", "no"},
		{"SessionStatus", "conditions", "list of [Condition](#condition), map by `type`", "no"},
		{"Target", "name", "string", "yes"},
		{"Target", "resources", "list of string, atomic", "yes"},
		{"Target", "state", "[TargetState](#targetstate)", "yes"},
		{"Target", "type", "string", "yes"},
		{"Target", "restartCount", "integer (int32)", "no"},
		{"TargetState", "active", "[TargetStateActive](#targetstateactive)", "no"},
		{"TargetState", "disabled", "[TargetStateDisabled](#targetstatedisabled)", "no"},
		{"TargetState", "terminated", "[TargetStateTerminated](#targetstateterminated)", "no"},
		{"TargetState", "waiting", "[TargetStateWaiting](#targetstatewaiting)", "no"},
		{"TargetStateActive", "ready", "boolean", "yes"},
		{"TargetStateActive", "startTime", "[MicroTime](#microtime)", "yes"},
		{"TargetStateActive", "lastReadyTime", "[MicroTime](#microtime)", "no"},
		{"TargetStateTerminated", "finishTime", "[MicroTime](#microtime)", "yes"},
		{"TargetStateTerminated", "startTime", "[MicroTime](#microtime)", "yes"},
		{"TargetStateTerminated", "error", "string", "no"},
		{"TargetStateTerminated", "exitCode", "integer (int32)", "no"},
		{"TargetStateTerminated", "graceStatus", "string", "no"},
		{"TargetStateTerminated", "signal", "string", "no"},
		{"TargetStateWaiting", "waitReason", "string", "yes"},
		{"SessionList", "apiVersion", "string", "no"},
		{"SessionList", "kind", "string", "no"},
		{"SessionList", "metadata", "[ListMeta](#listmeta)", "no"},
		{"SessionList", "items", "list of [Session](#session)", "yes"},
	} {
		row := "\n| `" + want.field + "` | " + want.typed + " | " + want.required + " | "
		if !strings.Contains(sections[want.in], row) {
			t.Errorf("%s has no row %q", want.in, row)
		}
	}
}

func TestReferenceNamesEnumValues(t *testing.T) {
	sections := sections(t)
	for in, values := range map[string][]string{
		"SessionSpec":           {"ci", "manual"},
		"Target":                {"job", "server"},
		"TargetStateTerminated": {"", "Tolerated", "Exceeded"},
	} {
		for _, value := range values {
			if !strings.Contains(sections[in], "<br>`\""+value+"\"` ") {
				t.Errorf("%s doesn't explain the value %q", in, value)
			}
		}
	}
}

func TestReferenceHasEveryOperation(t *testing.T) {
	const (
		path     = "/apis/tilt.dev/v1alpha1/sessions"
		write    = "dryRun:string fieldManager:string pretty:string"
		selector = "fieldSelector:string labelSelector:string limit:integer continue:string"
		removal  = " gracePeriodSeconds:integer propagationPolicy:string dryRun:string"
	)
	sections := sections(t)
	for title, want := range map[string]struct {
		request, query, body string
		responses            []string
	}{
		"list sessions":                 {"GET " + path, selector + " watch:boolean pretty:string", "", []string{"200 OK | [SessionList]"}},
		"create sessions":               {"POST " + path, write, "[Session](#session) | yes", []string{"200 OK | [Session]", "201 Created | [Session]", "202 Accepted | [Session]"}},
		"deletecollection sessions":     {"DELETE " + path, selector + removal, "[DeleteOptions](#deleteoptions) | no", []string{"200 OK | [Status]"}},
		"get sessions/{name}":           {"GET " + path + "/{name}", "pretty:string", "", []string{"200 OK | [Session]"}},
		"update sessions/{name}":        {"PUT " + path + "/{name}", write, "[Session](#session) | yes", []string{"200 OK | [Session]", "201 Created | [Session]"}},
		"patch sessions/{name}":         {"PATCH " + path + "/{name}", write + " force:boolean", "[Patch](#patch) | yes", []string{"200 OK | [Session]"}},
		"delete sessions/{name}":        {"DELETE " + path + "/{name}", removal, "[DeleteOptions](#deleteoptions) | no", []string{"200 OK | [Status]", "202 Accepted | [Status]"}},
		"get sessions/{name}/status":    {"GET " + path + "/{name}/status", "pretty:string", "", []string{"200 OK | [Session]"}},
		"update sessions/{name}/status": {"PUT " + path + "/{name}/status", write, "[Session](#session) | yes", []string{"200 OK | [Session]", "201 Created | [Session]"}},
		"patch sessions/{name}/status":  {"PATCH " + path + "/{name}/status", write + " force:boolean", "[Patch](#patch) | yes", []string{"200 OK | [Session]"}},
	} {
		rows := []string{"`" + want.request + "`"}
		for name := range strings.FieldsSeq(want.query) {
			name, typed, _ := strings.Cut(name, ":")
			rows = append(rows, "| [`"+name+"`](#"+slug(name)+") | query | "+typed+" | no | ")
		}
		if strings.Contains(want.request, "{name}") {
			rows = append(rows, "| [`name`](#name) | path | string | yes | name of the Session |")
		}
		if want.body != "" {
			rows = append(rows, "| "+want.body+" | ")
		}
		for _, response := range want.responses {
			rows = append(rows, "| "+response)
		}
		for _, row := range rows {
			if !strings.Contains(sections[title], "\n"+row) {
				t.Errorf("%q has no row %q", title, row)
			}
		}
	}
}

func TestReferenceLinksLeadToHeadings(t *testing.T) {
	sections := sections(t)
	anchors := map[string]bool{}
	for heading := range sections {
		if anchor := slug(heading); anchors[anchor] {
			t.Errorf("the anchor %s is ambiguous", anchor)
		} else {
			anchors[anchor] = true
		}
	}
	links := regexp.MustCompile(`\]\(#([^)]*)\)`)
	for heading, text := range sections {
		for _, link := range links.FindAllStringSubmatch(text, -1) {
			if !anchors[link[1]] {
				t.Errorf("%q has a link to #%s, which is no heading", heading, link[1])
			}
		}
	}
}

func TestReferenceTablesHaveEvenRows(t *testing.T) {
	separators := regexp.MustCompile(`[^\\]\|`)
	for heading, text := range sections(t) {
		columns := 0
		for line := range strings.SplitSeq(text, "\n") {
			if !strings.HasPrefix(line, "|") {
				columns = 0
				continue
			}
			found := len(separators.FindAllString(line, -1))
			if columns == 0 {
				columns = found
			}
			if found != columns {
				t.Errorf("a row in %q has %d columns instead of %d: %s", heading, found, columns, line)
			}
		}
	}
}
