// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package html writes a report as one page that needs nothing else: no network, no other file and no JavaScript. Its
// policy forbids all but its own style and script, so that it can't be made to run or load what an output holds.
package html

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"

	"tilt.dev/session/pkg/report"
)

// maxPage is how many bytes a page has, at most, if it can be had with less output of targets.
const maxPage = 2_000_000

//go:embed page.css
var style string

//go:embed page.js
var script string

//go:embed page.html.tmpl
var layout string

// Environment is where a run took place.
type Environment struct {
	// System is the operating system and the architecture, CPUs how many processors there are, Go the version of Go that
	// the program is built with, and Revision that of the repository of the Tiltfile, empty if there is none.
	System   string
	CPUs     int
	Go       string
	Revision string
}

// Encode returns a report as a page.
func Encode(r *report.Report, env Environment) ([]byte, error) {
	page, err := template.New("page").Parse(layout)
	if err != nil {
		return nil, fmt.Errorf("parse the page: %w", err)
	}
	var b bytes.Buffer
	for most := (limits{bad: 200, good: 20}); ; most = most.halved() {
		b.Reset()
		content := newContent(r, env, most)
		if content.output() > maxPage {
			continue
		}
		if err := page.Execute(&b, content); err != nil {
			return nil, fmt.Errorf("make the page: %w", err)
		}
		if b.Len() <= maxPage || most == (limits{}) {
			return b.Bytes(), nil
		}
	}
}

// limits are how many of the last lines of a target are shown: of one that is bad, and of another.
type limits struct{ bad, good int }

func (l limits) halved() limits { return limits{bad: l.bad / 2, good: l.good / 2} }

// policy is the content security policy of the page.
func policy() string {
	return fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'",
		hash(style), hash(script))
}

func hash(source string) string {
	sum := sha256.Sum256([]byte(source))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
