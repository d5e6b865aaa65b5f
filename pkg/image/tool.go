// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// tool is what the program that builds can do.
type tool struct {
	program string
	// buildx is true if docker has that plugin, and rawJSON if it reports progress in JSON.
	buildx, rawJSON bool
	// classic is true if there's no BuildKit.
	classic bool
	// builder is the builder to use for images of the local engine, empty for the one that's in use.
	builder string
}

// tool finds out what the program can do. The answer is kept.
func (a *build) tool() (tool, error) {
	key := lookup(a.env, "DOCKER_CONFIG") + "\n" + lookup(a.env, "HOME") + "\n" + lookup(a.env, "PATH") + "\n" +
		lookup(a.env, "BUILDX_BUILDER") + "\n" + lookup(a.env, "DOCKER_BUILDKIT") + "\n" + lookup(a.env, "DOCKER_HOST")
	a.builder.mu.Lock()
	known, ok := a.builder.tools[key]
	a.builder.mu.Unlock()
	if ok {
		return known, nil
	}
	t, err := a.findTool()
	if err != nil {
		return t, err
	}
	a.builder.mu.Lock()
	a.builder.tools[key] = t
	a.builder.mu.Unlock()
	return t, nil
}

var versionNumber = regexp.MustCompile(`\bv?(\d+)\.(\d+)`)

// atLeast reports whether a text has a version that isn't older.
func atLeast(text string, major, minor int) bool {
	m := versionNumber.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	x, _ := strconv.Atoi(m[1])
	y, _ := strconv.Atoi(m[2])
	return x > major || x == major && y >= minor
}

func (a *build) findTool() (tool, error) {
	t := tool{program: a.builder.options.Program}
	if t.program != ProgramDocker {
		return t, nil
	}
	version, err := a.query("docker", "--version")
	if err != nil {
		return t, err
	}
	if off, err := strconv.ParseBool(lookup(a.env, "DOCKER_BUILDKIT")); err == nil && !off {
		t.classic = true
		return t, nil
	}
	plugin, missing := a.query("docker", "buildx", "version")
	if a.stopped() {
		return t, a.ctx.Err()
	}
	if missing != nil {
		t.classic = atLeast(version, 23, 0)
		return t, nil //nolint:nilerr // Without the plugin docker builds in another way.
	}
	t.buildx, t.rawJSON = true, atLeast(plugin, 0, 13)
	// Builders other than that of the engine don't see its images.
	builder, err := a.query("docker", "buildx", "inspect")
	if a.stopped() {
		return t, a.ctx.Err()
	}
	if err == nil && !driverDocker.MatchString(builder) {
		name, err := a.query("docker", "context", "show")
		if err != nil {
			return t, err
		}
		t.builder = strings.TrimSpace(name)
	}
	return t, nil
}

var driverDocker = regexp.MustCompile(`(?m)^Driver:\s+docker$`)

// lookup returns the value of a variable.
func lookup(env []string, key string) string {
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, key+"="); ok {
			return value
		}
	}
	return ""
}

// describe is the tool for people.
func (t tool) String() string {
	switch {
	case t.program != ProgramDocker:
		return t.program
	case t.classic:
		return "docker's classic builder"
	}
	return fmt.Sprintf("%s with BuildKit", t.program)
}
