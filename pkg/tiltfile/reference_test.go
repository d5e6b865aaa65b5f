// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// entry is a builtin in testdata/reference.txt. Its lines are
//
//	## GROUP
//	NAME(ARGUMENT/ALIAS, ...)
//	    ARGUMENT, ... inert: REASON
//	    ARGUMENT, ... inert by PROGRAM => LINE
//	    ARGUMENT, ... refused by PROGRAM => ERROR
//	    ARGUMENT, ... ours: REASON
//
// A value has no parentheses. "*" stands for any arguments. "NAME in PROGRAM" is a part of the language. The program
// logs a line, or fails with an error, that contains the text; both go into the table as they are. Arguments without a
// line of their own work. A builtin that isn't supported says so itself.
type entry struct {
	group, name string
	function    bool
	arguments   []string
	aliases     []string
	program     string
	remarks     []remark
}

// remark says how some arguments differ from those that work.
type remark struct {
	arguments             []string
	kind, program, reason string
}

func readReference(t *testing.T) (entries []*entry) {
	text, err := os.ReadFile("testdata/reference.txt")
	if err != nil {
		t.Fatal(err)
	}
	group := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		heading, isHeading := strings.CutPrefix(line, "## ")
		remarkText, isRemark := strings.CutPrefix(line, "    ")
		switch {
		case isHeading:
			group = heading
		case isRemark:
			last := entries[len(entries)-1]
			last.remarks = append(last.remarks, newRemark(t, remarkText))
		case line != "" && !strings.HasPrefix(line, "#"):
			entries = append(entries, newEntry(group, line))
		}
	}
	return entries
}

func newEntry(group, line string) *entry {
	e := &entry{group: group}
	line, e.program, _ = strings.Cut(line, " in ")
	name, list, function := strings.Cut(strings.TrimSuffix(line, ")"), "(")
	e.name, e.function = name, function
	for _, argument := range strings.Split(list, ", ") {
		names := strings.Split(argument, "/")
		if names[0] != "" {
			e.arguments, e.aliases = append(e.arguments, names[0]), append(e.aliases, names[1:]...)
		}
	}
	return e
}

var remarkPattern = regexp.MustCompile(`^(.*?) (?:(inert|ours): (.*)|(inert|refused) by (.*) => (.*))$`)

func newRemark(t *testing.T, line string) remark {
	m := remarkPattern.FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("malformed line: %s", line)
	}
	return remark{strings.Split(m[1], ", "), m[2] + m[4], m[5], m[3] + m[6]}
}

// remarked returns the arguments with remarks of one of the kinds.
func (e *entry) remarked(kinds ...string) (all []string) {
	for _, r := range e.remarks {
		if slices.Contains(kinds, r.kind) {
			all = append(all, r.arguments...)
		}
	}
	return all
}

// TestReference compares the builtins and their arguments with testdata/reference.txt, and writes them to
// api/tiltfile.md with -update.
func TestReference(t *testing.T) {
	entries := readReference(t)
	evaluation := newEvaluation(t.Context(), Options{Path: filepath.Join(t.TempDir(), "Tiltfile")})
	builtins := flatten("", evaluation.builtins)
	candidates := argumentsInSource(t)
	listed := map[string]bool{}
	var table strings.Builder
	table.WriteString(referenceHeader)
	group := ""
	for _, e := range entries {
		if e.group != group {
			group = e.group
			fmt.Fprintf(&table, "\n## %s\n\n| builtin | arguments | here | says |\n|---|---|---|---|\n", group)
		}
		value, found := builtins[e.name]
		switch {
		case listed[e.name]:
			t.Errorf("%s is listed twice", e.name)
		case e.program == "" && !found:
			t.Errorf("%s is listed, and there is no such builtin", e.name)
		case e.program != "":
			if _, err := runReference(t, e.program); err != "" {
				t.Errorf("%s: %s", e.name, err)
			}
		case e.function:
			e.compare(t, evaluation.Thread, value, candidates)
		}
		listed[e.name] = true
		e.write(t, &table)
	}
	for _, name := range slices.Sorted(maps.Keys(builtins)) {
		if !listed[name] {
			t.Errorf("the builtin %s isn't listed in testdata/reference.txt", name)
		}
	}
	checkUnread(t, entries)
	const published = "../../api/tiltfile.md"
	if *update {
		if err := os.WriteFile(published, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(published); err != nil || string(text) != table.String() {
		t.Errorf("api/tiltfile.md is stale (%v): run hack/update-tiltfile.sh", err)
	}
}

const referenceHeader = `# Builtins of a Tiltfile

Every builtin of Tilt 0.37.6 with every argument, and what this program does with it. The table is generated from the
builtins themselves and from ` + "`pkg/tiltfile/testdata/reference.txt`" + `; ` + "`hack/update-tiltfile.sh`" + ` writes it.

- **works**: as in Tilt, or better where the README says so.
- **without effect**: it is accepted and checked. The last column has the line that the log gets, or the reason.
- **refused**: it is an error, which the last column has.
- **not in Tilt**: only this program has it.

Where Tilt's documentation calls an argument otherwise than its program does, the table has the name that works in
both. The functions of Starlark itself are there too.
`

var statuses = map[string]string{"inert": "without effect", "refused": "refused", "ours": "not in Tilt"}

// write writes the rows of a builtin.
func (e *entry) write(t *testing.T, table *strings.Builder) {
	row := func(arguments []string, status, note string) {
		for i, name := range arguments {
			arguments[i] = "`" + name + "`"
		}
		list := strings.Join(arguments, ", ")
		if slices.Contains(e.arguments, "*") {
			list = strings.ReplaceAll(list, "`*`", "any")
		} else {
			list = strings.TrimSuffix(list, "`*`") // A function without arguments.
		}
		note = strings.ReplaceAll(note, "|", `\|`)
		fmt.Fprintf(table, "| `%s` | %s | %s | %s |\n", e.name, list, status, note)
	}
	if e.function && e.program == "" {
		if _, err := runReference(t, e.name+"()"); strings.Contains(err, "isn't supported") {
			row(e.arguments, statuses["refused"], err)
			return
		}
	}
	remarked := e.remarked("inert", "refused")
	works := slices.DeleteFunc(slices.Clone(e.arguments), func(a string) bool { return slices.Contains(remarked, a) })
	if len(works) > 0 || len(remarked) == 0 {
		row(works, "works", "")
	}
	for _, r := range e.remarks {
		note := r.reason
		if r.program != "" {
			note = r.evaluate(t)
		}
		row(slices.Clone(r.arguments), statuses[r.kind], note)
	}
}

// evaluate returns what the program of a remark logs or fails with.
func (r *remark) evaluate(t *testing.T) string {
	log, err := runReference(t, r.program)
	lines := strings.Split(log, "\n")
	if r.kind == "refused" {
		lines = []string{err}
	} else if err != "" {
		t.Errorf("%s: %s", r.program, err)
	}
	for _, line := range lines {
		if strings.Contains(line, r.reason) {
			return line
		}
	}
	t.Errorf("%s didn't say %q, but %q", r.program, r.reason, lines)
	return ""
}

// runReference evaluates a program of one line, and returns its log and the last line of its error.
func runReference(t *testing.T, program string) (log, failure string) {
	work := t.TempDir()
	writeFile(t, filepath.Join(work, "Tiltfile"), []byte(program+"\nlocal_resource('r', 'true')\n"))
	writeFile(t, filepath.Join(work, "lib"), []byte("x = 1\n"))
	options := Options{Subcommand: "up", Runner: execRunner{}}
	got := record(work, &options)
	if _, err := Load(t.Context(), options); err != nil {
		_, failure, _ = strings.Cut(err.Error(), "Error in ")
		_, failure, _ = strings.Cut(failure, ": ")
		if failure == "" {
			failure = err.Error()
		}
	}
	return strings.ReplaceAll(got.String(), work, "$WORK"), strings.ReplaceAll(failure, work, "$WORK")
}

// flatten returns builtins by their full names.
func flatten(prefix string, members starlark.StringDict) map[string]starlark.Value {
	all := map[string]starlark.Value{}
	for name, value := range members {
		if module, ok := value.(*starlarkstruct.Module); ok {
			maps.Copy(all, flatten(prefix+name+".", module.Members))
		} else {
			all[prefix+name] = value
		}
	}
	return all
}

// compare compares the arguments that a function has with those that are listed.
func (e *entry) compare(t *testing.T, thread *starlark.Thread, function starlark.Value, candidates []string) {
	listed := slices.Concat(e.arguments, e.aliases, e.remarked("ours"))
	for _, name := range slices.Compact(slices.Sorted(slices.Values(append(listed, candidates...)))) {
		accepted := accepts(t, thread, function, name)
		switch known := slices.Contains(listed, name); {
		case accepted == unsupported:
			return
		case accepted == named && !known:
			t.Errorf("%s has the argument %s, which isn't listed", e.name, name)
		case accepted == unknown && known && name != "*" && !slices.Contains(e.remarked("refused"), name):
			t.Errorf("%s doesn't have the argument %s, which is listed", e.name, name)
		case accepted == anything && !slices.Contains(e.arguments, "*"):
			t.Errorf("%s takes any arguments, and not only those that are listed", e.name)
		}
	}
	for _, name := range e.remarked("inert", "refused", "ours") {
		if !slices.Contains(append(listed, "*"), name) {
			t.Errorf("%s has a remark on the argument %s, which isn't listed", e.name, name)
		}
	}
}

// acceptance is what a function does with a named argument.
type acceptance int

const (
	unknown acceptance = iota
	named
	anything
	unsupported
)

// accepts calls a function with a named argument and another one that no function has, so that the call has no effect.
func accepts(t *testing.T, thread *starlark.Thread, function starlark.Value, name string) acceptance {
	const nobodys = "no such argument"
	arguments := starlark.NewDict(2)
	for _, key := range []string{name, nobodys} {
		if err := arguments.SetKey(starlark.String(key), starlark.None); err != nil {
			t.Fatal(err)
		}
	}
	_, err := starlark.Call(thread, caller(), starlark.Tuple{function, arguments}, nil)
	switch {
	case err == nil:
		return anything
	case strings.Contains(err.Error(), "isn't supported"):
		return unsupported
	case strings.Contains(err.Error(), fmt.Sprintf("%q", nobodys)), strings.Contains(err.Error(), "for parameter"):
		return named
	}
	return unknown
}

// caller returns a function of a Tiltfile, since some builtins note where they are called.
var caller = sync.OnceValue(func() starlark.Value {
	globals, err := starlark.ExecFileOptions(new(syntax.FileOptions), new(starlark.Thread), "call",
		"def call(f, named):\n  f(**named)\n", nil)
	if err != nil {
		panic(err)
	}
	return globals["call"]
})

// argument is a parameter of a builtin in the source: a field with a tag.
type argument struct{ directory, field, name, alias string }

// argumentsInSource returns the names of all arguments of the source, whatever builtin they belong to.
func argumentsInSource(t *testing.T) (names []string) {
	fields, _ := readSource(t)
	for _, f := range fields {
		names = append(names, f.name)
		if f.alias != "" {
			names = append(names, f.alias)
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(names)))
}

// readSource returns the arguments in this package and those below it, and how often each name is selected from a
// value, by directory and name.
func readSource(t *testing.T) (fields []argument, selected map[string]int) {
	selected = map[string]int{}
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		directory := filepath.Dir(path)
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				selected[directory+" "+n.Sel.Name]++
			case *ast.Field:
				if n.Tag == nil {
					break
				}
				tag, _ := strconv.Unquote(n.Tag.Value)
				if arg, ok := reflect.StructTag(tag).Lookup("arg"); ok {
					name, option, _ := strings.Cut(arg, ",")
					alias, _ := strings.CutPrefix(option, "alias=")
					if alias == option {
						alias = ""
					}
					fields = append(fields, argument{directory, n.Names[0].Name, strings.TrimRight(name, "?"), alias})
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return fields, selected
}

// checkUnread checks that an argument that the source never reads isn't listed as one that works.
func checkUnread(t *testing.T, entries []*entry) {
	fields, selected := readSource(t)
	for _, f := range fields {
		if selected[f.directory+" "+f.field] > 0 {
			continue
		}
		if !slices.ContainsFunc(entries, func(e *entry) bool { return slices.Contains(e.remarked("inert"), f.name) }) {
			t.Errorf("nothing reads the argument %s (field %s in %s), and no builtin has it without effect",
				f.name, f.field, f.directory)
		}
	}
}
