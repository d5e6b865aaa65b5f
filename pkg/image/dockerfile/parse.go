// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// platformArgs are variables of FROM whose value depends on the builder.
var platformArgs = []string{
	"BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT", "BUILDOSVERSION",
	"TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "TARGETOSVERSION", "TARGETSTAGE",
}

// file is what matters of a Dockerfile.
type file struct {
	instructions []*parser.Node
	stages       []stage
	// uses are the references to images, in order.
	uses []use
}

// stage is a FROM with the instructions that follow it.
type stage struct {
	// name is in lower case, empty without one.
	name string
	// needs are the stages that it is built from. unknown is true if a variable hides some.
	needs   []int
	unknown bool
}

// use is one place of a reference.
type use struct {
	instruction, stage int
	// name is the reference with variables resolved.
	name string
	// place finds the reference in the text of the instruction: it's the second group.
	place *regexp.Regexp
}

var (
	fromArgument = regexp.MustCompile(`^(\s*\S+\s+(?:--\S+\s+)*)(\S+)`)
	copyFrom     = regexp.MustCompile(`(?i)(\s--from=)(\S+)`)
)

// mountFrom matches one mount of a reference in the flags of RUN.
func mountFrom(name string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(\s--mount=(?:\S*[,"'])?from=)(` + regexp.QuoteMeta(name) + `)([,"'\s])`)
}

// replace returns an instruction with another reference.
func (u use) replace(instruction, ref string) string {
	at := u.place.FindStringSubmatchIndex(instruction)
	if at == nil {
		return instruction
	}
	return instruction[:at[4]] + ref + instruction[at[5]:]
}

// parse reads a Dockerfile.
func parse(text string, buildArgs []string) (*file, error) {
	result, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("parse Dockerfile: %w", err)
	}
	f := &file{instructions: result.AST.Children}
	args := arguments{lex: shell.NewLex(result.EscapeToken), given: buildArgs}
	for _, name := range platformArgs {
		args.declare(name, "${"+name+"}")
	}
	for i, node := range f.instructions {
		switch cmd := strings.ToLower(node.Value); {
		case cmd == command.Arg && len(f.stages) == 0:
			err = args.add(node)
		case cmd == command.From:
			err = f.addStage(i, &args)
		case cmd == command.Copy && len(f.stages) > 0:
			for _, flag := range node.Flags {
				if name, ok := cutFlag(flag, "--from="); ok {
					f.addSource(i, name, copyFrom)
				}
			}
		case cmd == command.Run && len(f.stages) > 0:
			f.addMounts(i)
		}
		if err != nil {
			return nil, fmt.Errorf("parse Dockerfile: line %d: %w", node.StartLine, err)
		}
	}
	return f, nil
}

// addStage adds the stage that a FROM begins.
func (f *file) addStage(i int, args *arguments) error {
	words := f.instructions[i].Next
	if words == nil {
		return errors.New("FROM requires an image")
	}
	name, err := args.resolve(words.Value)
	if err != nil {
		return err
	}
	var s stage
	if as := words.Next; as != nil && strings.EqualFold(as.Value, "as") && as.Next != nil {
		s.name = strings.ToLower(as.Next.Value)
	}
	base := f.find(name)
	switch {
	case base >= 0:
		s.needs = []int{base}
	case strings.Contains(name, "$"):
		s.unknown = true
	case name != "scratch":
		f.uses = append(f.uses, use{i, len(f.stages), name, fromArgument})
	}
	f.stages = append(f.stages, s)
	return nil
}

// addMounts adds the images that RUN mounts.
func (f *file) addMounts(i int) {
	for _, flag := range f.instructions[i].Flags {
		mount, ok := cutFlag(flag, "--mount=")
		if !ok {
			continue
		}
		for field := range strings.SplitSeq(mount, ",") {
			if name, ok := cutFlag(field, "from="); ok {
				f.addSource(i, name, mountFrom(name))
			}
		}
	}
}

// addSource adds what an instruction of the last stage reads from: another stage, by name or number, or an image.
func (f *file) addSource(i int, name string, place *regexp.Regexp) {
	last := len(f.stages) - 1
	number, err := strconv.Atoi(name)
	if err != nil {
		number = f.find(name)
	} else if number < 0 || number >= last {
		return // The builder says that there's no such stage.
	}
	switch {
	case number >= 0:
		f.stages[last].needs = append(f.stages[last].needs, number)
	case name != "" && !strings.Contains(name, "$"): // Only FROM may have variables.
		f.uses = append(f.uses, use{i, last, name, place})
	}
}

// find returns the last stage so far that has a name, or -1.
func (f *file) find(name string) int {
	if name == "" {
		return -1
	}
	for i, s := range slices.Backward(f.stages) {
		if s.name == strings.ToLower(name) {
			return i
		}
	}
	return -1
}

// needed returns which stages the build of a target needs.
func (f *file) needed(target string) func(stage int) bool {
	root := len(f.stages) - 1
	if target != "" {
		root = f.find(target)
		if number, err := strconv.Atoi(target); err == nil && root < 0 && number < len(f.stages) {
			root = number
		}
	}
	seen := map[int]bool{}
	all := root < 0
	var visit func(int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		all = all || f.stages[i].unknown
		for _, need := range f.stages[i].needs {
			visit(need)
		}
	}
	if root >= 0 {
		visit(root)
	}
	return func(stage int) bool { return all || seen[stage] }
}

// head returns the index of an instruction's first line, and how many lines it has without its heredocs.
func head(node *parser.Node) (first, count int) {
	count = node.EndLine - node.StartLine + 1
	for _, doc := range node.Heredocs {
		count -= strings.Count(doc.Content, "\n") + 1
	}
	return node.StartLine - 1, count
}

// cutFlag returns the value of a flag; the case of its name doesn't matter.
func cutFlag(flag, name string) (value string, ok bool) {
	if len(flag) < len(name) || !strings.EqualFold(flag[:len(name)], name) {
		return "", false
	}
	return flag[len(name):], true
}
