// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"slices"
	"strings"
	"testing"
)

func TestBases(t *testing.T) {
	for name, test := range map[string]struct {
		file, target string
		args         []string
		want         string
	}{
		"one":                {file: "FROM base", want: "base"},
		"lower case":         {file: "from --platform=linux/amd64 base as x", want: "base"},
		"scratch":            {file: "FROM scratch"},
		"stages":             {file: "FROM a AS One\nFROM b\nCOPY --from=one x y\nCOPY --from=0 x y\nCOPY --from=c x y", want: "b a c"},
		"stage of its name":  {file: "FROM base AS base\nCOPY --from=base x y", want: "base"},
		"not needed":         {file: "FROM a AS one\nFROM b AS two\nFROM c", want: "c"},
		"target":             {file: "FROM a AS one\nFROM b AS two\nFROM c", target: "Two", want: "b"},
		"target by number":   {file: "FROM a AS one\nFROM b AS two\nFROM c", target: "0", want: "a"},
		"target that isn't":  {file: "FROM a AS one\nFROM b", target: "x", want: "a b"},
		"mount":              {file: "FROM a\nRUN --mount=type=bind,from=b,target=/b --mount=from=c ls --mount=from=d,", want: "a b c"},
		"mount of a stage":   {file: "FROM a AS s\nFROM b\nRUN --mount=from=s ls", want: "a b"},
		"default":            {file: "ARG V=1\nARG R=reg/a:$V\nFROM ${R}", want: "reg/a:1"},
		"build argument":     {file: "ARG V=1\nFROM a:$V", args: []string{"V=2", "W"}, want: "a:2"},
		"undeclared":         {file: "FROM a$V", args: []string{"V=2"}, want: "a"},
		"within a stage":     {file: "FROM b\nARG V=1\nFROM a$V", want: "a"},
		"operator":           {file: "FROM a:${V:-dev}", want: "a:dev"},
		"by platform":        {file: "FROM b AS build-amd64\nFROM c AS build-arm64\nFROM build-${TARGETARCH}", want: "b c"},
		"given platform":     {file: "FROM b AS build-amd64\nFROM c AS build-arm64\nFROM build-$TARGETARCH", args: []string{"TARGETARCH=arm64"}, want: "c"},
		"heredoc":            {file: "FROM a\nRUN <<E\nFROM b\nCOPY --from=c x y\nE\nCOPY --from=d x y", want: "a d"},
		"continued":          {file: "FROM \\\n# comment\n  a \\\n AS x\nCOPY --chown=1 \\\n  --from=b x y", want: "a b"},
		"escape":             {file: "# escape=`\nFROM `\na", want: "a"},
		"trigger":            {file: "FROM a\nONBUILD COPY --from=b x y", want: "a"},
		"commented":          {file: "# FROM x\nFROM a # b", want: "a"},
		"a stage that comes": {file: "FROM a\nCOPY --from=7 x y", want: "a"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Bases(test.file, test.args, test.target)
			slices.Sort(got)
			want := strings.Fields(test.want)
			slices.Sort(want)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		})
	}
}

func TestReplace(t *testing.T) {
	for name, test := range map[string]struct{ file, want string }{
		"none":      {"FROM x\n", "FROM x\n"},
		"all":       {"FROM base AS b\nRUN x\nFROM b\nCOPY --from=base a b", "FROM r/base:1 AS b\nRUN x\nFROM b\nCOPY --from=r/base:1 a b\n"},
		"platform":  {"FROM  --platform=$BUILDPLATFORM base\n", "FROM  --platform=$BUILDPLATFORM r/base:1\n"},
		"variable":  {"ARG B=base\nFROM ${B} AS base\n", "ARG B=base\nFROM r/base:1 AS base\n"},
		"quotes":    {"FROM \"base\"\nCOPY --from='base' x y\n", "FROM r/base:1\nCOPY --from=r/base:1 x y\n"},
		"mounts":    {"FROM x\nRUN --mount=from=base --mount=type=bind,from=base,target=/x ls --from=base\n", "FROM x\nRUN --mount=from=r/base:1 --mount=type=bind,from=r/base:1,target=/x ls --from=base\n"},
		"the lines": {"FROM \\\n  base\nCOPY --from=base \\\n  a b\nRUN x", "\nFROM   r/base:1\n\nCOPY --from=r/base:1   a b\nRUN x"},
		"heredoc":   {"FROM base\nCOPY --from=base <<a \\\n  <<b /\nFROM base\na\n1\n2\nb\n", "FROM r/base:1\n\nCOPY --from=r/base:1 <<a   <<b /\nFROM base\na\n1\n2\nb\n"},
		"CRLF":      {"FROM base\r\nRUN x\r\n", "FROM r/base:1\nRUN x\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Replace(test.file, nil, toBase)
			if err != nil || got != test.want {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
	_, err := Replace("FROM x\nRUN --mount=fr\\om=base ls", nil, toBase)
	if err == nil || !strings.Contains(err.Error(), "line 2 of the Dockerfile: can't put the reference") {
		t.Error(err)
	}
}

func toBase(name string) string {
	if name == "base" {
		return "r/base:1"
	}
	return ""
}

func TestNames(t *testing.T) {
	for _, test := range []struct {
		name, ref    string
		exact, match bool
	}{
		{"redis", "docker.io/library/redis:7", false, true},
		{"redis", "redis@sha256:" + strings.Repeat("a", 64), false, true},
		{"redis", "other/redis", false, false},
		{"redis", "redis:7", true, false},
		{"redis", "redis:latest", true, true},
		{"redis:7", "redis", false, false},
		{"redis:7", "redis:7", false, true},
		{"gcr.io/a/b", "gcr.io/a/b:x", false, true},
		{"gcr.io/a/b", "a/b", false, false},
		{"redis", "not a ref", false, false},
	} {
		n, err := ParseName(test.name)
		if err != nil || n.Matches(test.ref, test.exact) != test.match {
			t.Errorf("%+v: %v", test, err)
		}
	}
	var names []Name
	for _, s := range []string{"docker.io/library/web", "web:dev", "api"} {
		n, err := ParseName(s)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, n)
	}
	for ref, want := range map[string]int{"web": 0, "web:latest": 0, "web:dev": 1, "web:x": -1, "api:y": 2, "": -1} {
		if got := Find(names, ref); got != want {
			t.Errorf("%q is %d, want %d", ref, got, want)
		}
	}
	if n := names[0]; n.String() != "web" || n.Repository() != "web" || n.Tagged() || !names[1].Tagged() {
		t.Error(n)
	}
}

// Whatever the Dockerfile, Replace fails, or replaces all uses of an image, and changes nothing else.
func FuzzReplace(f *testing.F) {
	for _, seed := range []string{
		"ARG B=base\nFROM $B AS x\nCOPY --from=base a b\nRUN --mount=type=bind,from=base,source=/ ls\n",
		"# escape=`\nFROM `\n base\nCOPY <<E --from=base /\nFROM base\nE\n",
		"\xef\xbb\xbfFROM 'base'\r\nRUN --mount=\"from=base\" x <<-A\n\t\tA\n", "FROM base\\ \n#x\n\n as y\nONBUILD RUN <<E\nE",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		before, err := Bases(text, nil, "no such target")
		replaced, replaceErr := Replace(text, nil, toBase)
		if err != nil {
			if replaceErr == nil {
				t.Fatalf("replaced what can't be parsed: %v", err)
			}
			return
		}
		if replaceErr != nil {
			return
		}
		after, err := Bases(replaced, nil, "no such target")
		if err != nil || slices.Contains(after, "base") {
			t.Fatalf("%q became %q: %v, %q", text, replaced, err, after)
		}
		if !slices.Contains(before, "base") && replaced != text {
			t.Fatalf("%q became %q", text, replaced)
		}
	})
}
