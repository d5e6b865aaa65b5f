// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/sets"
)

// The conformance suite of k8s.io/apiserver runs on each kind of backend in two settings: against etcd's storage
// code on the embedded store, and again through the watch cache on top of that.
const (
	raw    = "etcd3"
	cached = "cacher"
)

const noLeases = "an embedded store has no leases, because no object of the API has a time to live in the storage"

// excluded lists the functions that do not run in a setting, with the reason.
var excluded = map[string]map[string]string{
	"RunTestOptionalWatchBookmarksWithCorrectResourceVersion": {
		raw: "periodic bookmarks are the cache's; etcd's storage sends only the one after the initial events",
	},
	"RunTestCreateWithTTL":           {raw: noLeases, cached: noLeases},
	"RunTestGuaranteedUpdateWithTTL": {raw: noLeases, cached: noLeases},
	"RunOptionalTestProgressNotify": {
		cached: "ProgressNotify is what a cache asks of its storage; its own watches have bookmarks",
	},
	"RunTestListInconsistentContinuation": {
		cached: "begins with a limited list at version 0, which a cache answers whole and without a token",
	},
	"RunTestTransformationFailure": {
		cached: "a cache lists its own content; a value that it cannot read makes it list again later",
	},
	"RunTestWatchError": {
		cached: "a cache's watches don't read the storage, so they don't see its values fail to be read",
	},
	"RunTestWatchWithUnsafeDelete": {
		cached: "the error is that of the cache's own watch, on which it lists anew; it isn't its watches'",
	},
	"RunWatchErrorIsBlockingFurtherEvents": {
		cached: "a cache's watches don't read the storage, so there is no error to block further events",
	},
}

func TestConformance(t *testing.T) {
	for _, setting := range []string{raw, cached} {
		for _, v := range variants {
			t.Run(setting+"/"+v.name, func(t *testing.T) {
				v.apply(t)
				for _, kind := range backendKinds() {
					runConformance(t, kind, setting, v)
				}
			})
		}
	}
}

func runConformance(t *testing.T, kind backendKind, setting string, v variant) {
	for _, c := range conformanceCases {
		if _, out := excluded[c.function][setting]; !out && c.in(v.name, setting) {
			t.Run(c.function+"/"+kind.name, func(t *testing.T) {
				if !c.alone {
					t.Parallel()
				}
				c.run(t.Context(), t, newEnvironment(t, kind, setting, c.options...))
			})
		}
	}
}

func BenchmarkConformance(b *testing.B) {
	for _, kind := range backendKinds() {
		for _, setting := range []string{raw, cached} {
			for _, c := range conformanceBenchmarks {
				b.Run(c.function+"/backend="+kind.name+"/setting="+setting, func(b *testing.B) {
					c.run(b.Context(), b, newEnvironment(b, kind, setting, byNodeAndNamespace))
				})
			}
		}
	}
}

// TestConformanceIsComplete compares the functions of the suite with those that run or are excluded, so that none is
// omitted silently.
func TestConformanceIsComplete(t *testing.T) {
	listed := sets.New[string]()
	for _, c := range conformanceCases {
		listed.Insert(c.function)
	}
	for _, c := range conformanceBenchmarks {
		listed.Insert(c.function)
	}
	for function, settings := range excluded {
		if !listed.Has(function) && len(settings) < 2 {
			t.Errorf("%s is excluded in one setting and runs in none", function)
		}
		for setting, reason := range settings {
			if setting != raw && setting != cached {
				t.Errorf("%s is excluded in an unknown setting %q", function, setting)
			}
			if reason == "" {
				t.Errorf("%s is excluded from %s without a reason", function, setting)
			}
		}
		listed.Insert(function)
	}
	offered := offeredFunctions(t)
	if offered.Len() == 0 {
		t.Fatal("the suite has no functions")
	}
	if missing := offered.Difference(listed); missing.Len() > 0 {
		t.Errorf("neither run nor excluded: %v", sets.List(missing))
	}
	if unknown := listed.Difference(offered); unknown.Len() > 0 {
		t.Errorf("not offered by the suite: %v", sets.List(unknown))
	}
}

// offeredFunctions are the exported Run functions of the suite's source.
func offeredFunctions(t *testing.T) sets.Set[string] {
	t.Helper()
	suite, err := build.Import("k8s.io/apiserver/pkg/storage/testing", ".", 0)
	if err != nil {
		t.Fatal(err)
	}
	functions := sets.New[string]()
	for _, name := range suite.GoFiles {
		file, err := parser.ParseFile(token.NewFileSet(), suite.Dir+"/"+name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if ok && function.Recv == nil && strings.HasPrefix(function.Name.Name, "Run") {
				functions.Insert(function.Name.Name)
			}
		}
	}
	return functions
}
