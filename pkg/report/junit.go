// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/text"
)

// What follows are the elements of JUnit's XML as most readers know them. There is no standard.
type junitSuites struct {
	XMLName xml.Name `xml:"testsuites"`
	junitCounts
	Suites []junitSuite `xml:"testsuite"`
}

type junitCounts struct {
	Name      string `xml:"name,attr"`
	Tests     int    `xml:"tests,attr"`
	Failures  int    `xml:"failures,attr"`
	Errors    int    `xml:"errors,attr"`
	Skipped   int    `xml:"skipped,attr"`
	Time      string `xml:"time,attr"`
	Timestamp string `xml:"timestamp,attr"`
}

type junitSuite struct {
	junitCounts
	ID         int             `xml:"id,attr"`
	Package    string          `xml:"package,attr"`
	Hostname   string          `xml:"hostname,attr"`
	File       string          `xml:"file,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name       string           `xml:"name,attr"`
	Class      string           `xml:"classname,attr"`
	Time       string           `xml:"time,attr"`
	File       string           `xml:"file,attr,omitempty"`
	Line       int              `xml:"line,attr,omitempty"`
	Properties *junitProperties `xml:"properties"`
	Failure    *junitProblem    `xml:"failure"`
	Error      *junitProblem    `xml:"error"`
	Skipped    *junitProblem    `xml:"skipped"`
	Output     *junitText       `xml:"system-out"`
}

type junitProperties struct {
	Properties []junitProperty `xml:"property"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	junitText
}

// junitText is the escaped content of an element.
type junitText struct {
	Text string `xml:",innerxml"`
}

// escaped is a text as the content of an element. The line breaks stay readable, and what isn't a character of XML 1.0
// is replaced.
func escaped(s string) junitText {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text.PrintableLines(s))) // It writes to memory.
	return junitText{strings.NewReplacer("&#xA;", "\n", "&#x9;", "\t", "&#34;", `"`, "&#39;", "'").Replace(b.String())}
}

// JUnit returns a report as JUnit XML: a test suite for the Session and a test case for each target. What isn't a
// character of XML 1.0 is replaced. A run that isn't a success has a failure or an error.
func JUnit(r *Report) ([]byte, error) {
	suite := junitSuite{
		junitCounts: junitCounts{Name: text.PrintableLines(r.Relative(r.Tiltfile))},
		Hostname:    text.PrintableLines(r.Host), File: text.PrintableLines(r.Relative(r.Tiltfile)),
		Properties: []junitProperty{{"version", r.Version}, {"verdict", verdictWord(r)}},
	}
	for i := range r.Targets {
		suite.add(r.junitCase(&r.Targets[i]))
	}
	if !r.Green() && suite.Failures+suite.Errors == 0 {
		message := text.PrintableLines(firstLine(r.reason()))
		suite.add(junitCase{Name: "(run)", Class: "(run)", Time: seconds(r.Took()),
			Error: &junitProblem{Message: message, Type: r.kind(), junitText: escaped(r.reason())}})
	}
	suite.Time, suite.Timestamp = seconds(r.Took()), r.Start.UTC().Format("2006-01-02T15:04:05")
	suites := junitSuites{junitCounts: suite.junitCounts, Suites: []junitSuite{suite}}
	suites.Name = "tilt-session"
	content, err := xml.MarshalIndent(suites, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encode JUnit XML: %w", err)
	}
	return append([]byte(xml.Header), append(content, '\n')...), nil
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

// junitCase is the test case of a target. Its name and class are the same in each run.
func (r *Report) junitCase(t *Target) junitCase {
	c := junitCase{
		Name: text.PrintableLines(t.Name), Class: text.PrintableLines(t.Name), Time: seconds(r.Ran(t)),
		File: text.PrintableLines(r.Relative(t.Position.File)), Line: t.Position.Line,
	}
	switch {
	case t.Tiltfile:
		c.Name, c.Class = model.TiltfileResource, model.TiltfileResource
	case len(t.Resources) > 0 && strings.HasPrefix(t.Name, t.Resources[0]+":"):
		c.Class = text.PrintableLines(t.Resources[0])
	}
	if wait := t.Waited(); wait >= time.Millisecond {
		c.Properties = &junitProperties{[]junitProperty{{"wait-seconds", seconds(wait)}}}
	}
	o, explained := r.Outcome(t), ""
	switch o.Result {
	case Failed, Errored:
		explained = r.explain(t)
		problem := &junitProblem{text.PrintableLines(o.Message), o.Kind, escaped(explained)}
		if o.Result == Failed {
			c.Failure = problem
		} else {
			c.Error = problem
		}
	case Skipped:
		c.Skipped = &junitProblem{Message: text.PrintableLines(o.Message)}
	}
	// Of a short output all is in the explanation, which is what GitLab shows.
	if output := text.PrintableLines(joined(t.Log, t.Missing)); !strings.HasSuffix(explained, output) {
		content := escaped(output)
		c.Output = &content
	}
	return c
}

// explain is what a person has to know about a target that isn't a success, with its last lines.
func (r *Report) explain(t *Target) string {
	var b strings.Builder
	for _, detail := range r.details(t) {
		b.WriteString(detail + "\n")
	}
	for _, line := range t.Tail(tailLines) {
		b.WriteString(line + "\n")
	}
	return b.String()
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// joined are lines as one text, with a note of what is missing before them.
func joined(lines []logs.Line, missing uint64) string {
	var b strings.Builder
	if missing > 0 {
		fmt.Fprintf(&b, "(first %d lines left out)\n", missing)
	}
	for _, line := range lines {
		b.WriteString(line.Text + "\n")
	}
	return strings.TrimLeft(b.String(), "\n")
}
