// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apiserver/pkg/apis/example"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"

	"tilt.dev/session/pkg/storage/bolt"
	"tilt.dev/session/pkg/storage/mvcc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var pods = schema.GroupResource{Group: "example.test", Resource: "pods"}

func codec() runtime.Codec {
	scheme := runtime.NewScheme()
	utilruntime.Must(example.AddToScheme(scheme))
	utilruntime.Must(examplev1.AddToScheme(scheme))
	return serializer.NewCodecFactory(scheme).LegacyCodec(examplev1.SchemeGroupVersion)
}

// stored returns a directory with two pods, one of them changed, a deleted pod, and a key that is not an object's.
func stored(t *testing.T, edit func(put func(key, value string))) Options {
	t.Helper()
	dir := t.TempDir()
	log, snapshot, err := bolt.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	store, err := mvcc.New(mvcc.Options{Log: log, Restore: snapshot})
	if err != nil {
		t.Fatal(err)
	}
	client := store.Client(context.Background())
	put := func(key, value string) {
		if _, err := client.Put(t.Context(), key, value); err != nil {
			t.Fatal(err)
		}
	}
	put("/registry/example.test/pods/ns/b", encoded(t, "b", "1"))
	put("/registry/example.test/pods/ns/a", encoded(t, "a", "1"))
	put("/registry/example.test/pods/ns/gone", encoded(t, "gone", "1"))
	put("/registry/example.test/pods/ns/a", encoded(t, "a", "2"))
	put("compact_rev_key", "7")
	if _, err := client.Delete(t.Context(), "/registry/example.test/pods/ns/gone"); err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(put)
	}
	store.Close()
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return Options{Dir: dir, Codec: codec()}
}

func encoded(t *testing.T, name, label string) string {
	t.Helper()
	pod := &example.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: "uid", Labels: map[string]string{"label": label}}}
	value, err := runtime.Encode(codec(), pod)
	if err != nil {
		t.Fatal(err)
	}
	return string(value)
}

func exported(t *testing.T, options Options) []string {
	t.Helper()
	var text bytes.Buffer
	n, err := Export(t.Context(), options, &text)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
	if n != int64(len(lines)) {
		t.Errorf("exported %d objects in %d lines", n, len(lines))
	}
	return lines
}

func TestExportAndImport(t *testing.T) {
	options := stored(t, nil)
	lines := exported(t, options)
	if len(lines) != 2 || !strings.Contains(lines[0], `"name":"a"`) || !strings.Contains(lines[0], `"resourceVersion":"5"`) ||
		!strings.Contains(lines[0], `"label":"2"`) || !strings.Contains(lines[0], `"kind":"Pod"`) || !strings.Contains(lines[1], `"resourceVersion":"2"`) {
		t.Fatalf("exported %q", lines)
	}

	again := Options{Dir: t.TempDir() + "/new", Codec: codec()}
	text := strings.Join(lines, "\n") + "\n"
	if n, err := Import(t.Context(), again, pods, strings.NewReader(text)); err != nil || n != 2 {
		t.Fatalf("imported %d, %v", n, err)
	}
	if got := strings.Join(exported(t, again), "\n") + "\n"; got != text {
		t.Errorf("exported again:\n%swant:\n%s", got, text)
	}
	report, err := Check(t.Context(), again)
	// The exported storage is at revision 7, which no exported object has.
	if err != nil || len(report.Problems) > 0 || report.Revision != 5+revisionGap || report.Compacted != report.Revision || report.Keys != 2 {
		t.Errorf("it is %+v, %v", report, err)
	}
	if _, err := Import(t.Context(), again, pods, strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("imported twice: %v", err)
	}
	held, err := bolt.Read(t.Context(), again.Dir)
	if err != nil || string(held.KeyValues[0].Key) != "/registry/example.test/pods/ns/b" || strings.Contains(string(held.KeyValues[0].Value), "resourceVersion") {
		t.Errorf("stored is %v, %v", held, err)
	}
}

func TestImportGivesRevisions(t *testing.T) {
	options := Options{Dir: t.TempDir(), Codec: codec()}
	text := `{"apiVersion":"example.apiserver.k8s.io/v1","kind":"Pod","metadata":{"name":"new","namespace":"ns"}}
		{"apiVersion":"example.apiserver.k8s.io/v1","kind":"Pod","metadata":{"name":"old","namespace":"ns","uid":"u","resourceVersion":"40"}}`
	if _, err := Import(t.Context(), options, pods, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	lines := exported(t, options)
	if !strings.Contains(lines[0], `"resourceVersion":"41"`) || !strings.Contains(lines[0], `"uid":"`) || !strings.Contains(lines[1], `"resourceVersion":"40"`) {
		t.Errorf("exported %q", lines)
	}
}

func TestImportIsAllOrNothing(t *testing.T) {
	good := strings.TrimSpace(encoded(t, "a", "1"))
	for name, c := range map[string]struct{ second, want string }{
		"no JSON":      {"{", "object 2"},
		"unknown kind": {`{"apiVersion":"v1","kind":"Unknown"}`, "object 2: decoding"},
		"no name":      {`{"apiVersion":"example.apiserver.k8s.io/v1","kind":"Pod"}`, "object 2: metadata.name is missing"},
		"a path":       {strings.Replace(good, `"a"`, `"a/../../b"`, 1), `object 2: invalid name or namespace "a/../../b"`},
		"itself":       {strings.Replace(good, `"ns"`, `"."`, 1), `object 2: invalid name or namespace "."`},
		"twice":        {good, "object 2: duplicate object /registry/example.test/pods/ns/a"},
		"version":      {strings.Replace(strings.Replace(good, `"a"`, `"b"`, 1), `"uid"`, `"resourceVersion":"x","uid"`, 1), `resourceVersion "x"`},
	} {
		t.Run(name, func(t *testing.T) {
			options := Options{Dir: t.TempDir(), Codec: codec()}
			_, err := Import(t.Context(), options, pods, strings.NewReader(good+"\n"+c.second))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it says %v, want %q", err, c.want)
			}
			if _, err := Check(t.Context(), options); err == nil || !strings.Contains(err.Error(), "holds no storage") {
				t.Errorf("something was imported: %v", err)
			}
		})
	}
}

func TestImportOfNothing(t *testing.T) {
	options := Options{Dir: t.TempDir(), Codec: codec()}
	if n, err := Import(t.Context(), options, pods, strings.NewReader("\n")); err != nil || n != 0 {
		t.Errorf("imported %d, %v", n, err)
	}
	if report, err := Check(t.Context(), options); err != nil || len(report.Problems) > 0 || report.Revision != 1+revisionGap || report.Compacted != report.Revision {
		t.Errorf("it is %+v, %v", report, err)
	}
}

func TestCheckDecodes(t *testing.T) {
	options := stored(t, func(put func(string, string)) {
		put("/registry/example.test/pods/ns/bad", "not an object")
		put("/registry/example.test/pods/ns/named", encoded(t, "otherwise", "1"))
	})
	report, err := Check(t.Context(), options)
	if err != nil || len(report.Problems) != 2 {
		t.Fatalf("it is %+v, %v", report, err)
	}
	for i, want := range []string{"/registry/example.test/pods/ns/bad in revision 8: decoding", `/registry/example.test/pods/ns/named in revision 9: the object's name is "otherwise"`} {
		if got := report.Problems[i].Error(); !strings.HasPrefix(got, want) {
			t.Errorf("found %q, want %q", got, want)
		}
	}
	if _, err := Export(t.Context(), options, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "pods/ns/bad") {
		t.Errorf("exporting what doesn't decode: %v", err)
	}
}

func TestCompactKeepsObjects(t *testing.T) {
	options := stored(t, nil)
	before := exported(t, options)
	if _, _, err := Compact(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	if after := exported(t, options); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("there were %v, and are %v", before, after)
	}
}

func TestWorkIsCanceled(t *testing.T) {
	options := stored(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Export(ctx, options, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("exporting ended with %v", err)
	}
	if _, err := Import(ctx, Options{Dir: t.TempDir(), Codec: codec()}, pods, strings.NewReader("{}")); !errors.Is(err, context.Canceled) {
		t.Errorf("importing ended with %v", err)
	}
}

func TestOptionsAreRequired(t *testing.T) {
	_, checkErr := Check(t.Context(), Options{})
	_, exportErr := Export(t.Context(), Options{Dir: t.TempDir()}, &bytes.Buffer{})
	_, importErr := Import(t.Context(), Options{Codec: codec()}, pods, strings.NewReader(""))
	for _, err := range []error{checkErr, exportErr, importErr} {
		if err == nil || !strings.Contains(err.Error(), "are required") {
			t.Errorf("it says %v", err)
		}
	}
}
