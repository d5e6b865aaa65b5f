// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	jsonserializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
)

// goldens returns the recorded objects by file name.
func goldens(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/*/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("found %d recorded objects: %v", len(names), err)
	}
	texts := map[string][]byte{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = text
	}
	return texts
}

func TestRecordedObjectsAreReadStrictlyAndWrittenTheSame(t *testing.T) {
	strict := rawSerializer(t, jsonserializer.SerializerOptions{Strict: true})
	for name, text := range goldens(t) {
		t.Run(name, func(t *testing.T) {
			object, _, err := strict.Decode(text, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			written, err := json.MarshalIndent(object, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(bytes.TrimSpace(text)), string(written)); diff != "" {
				t.Errorf("read (-), written again (+):\n%s", diff)
			}
		})
	}
}

func TestRecordedObjectsAreValid(t *testing.T) {
	codec := storageCodec(t, jsonserializer.SerializerOptions{})
	for name, text := range goldens(t) {
		t.Run(name, func(t *testing.T) {
			object, err := runtime.Decode(codec, text)
			if err != nil {
				t.Fatal(err)
			}
			if errs := mistakesIn(object); len(errs) > 0 {
				t.Error(errs.ToAggregate())
			}
		})
	}
}

func TestRequiredListsAreNeverNull(t *testing.T) {
	for _, test := range []struct{ name, read, written string }{
		{"absent", `{}`, `[]`},
		{"null", `{"targets":null}`, `[]`},
		{"empty", `{"targets":[]}`, `[]`},
		{
			"a target without resources",
			`{"targets":[{"name":"a","type":"job"}]}`,
			`[{"name":"a","type":"job","resources":[],"state":{}}]`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			codec := storageCodec(t, jsonserializer.SerializerOptions{})
			object, err := runtime.Decode(codec, []byte(`{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","status":`+test.read+`}`))
			if err != nil {
				t.Fatal(err)
			}
			text, err := runtime.Encode(codec, object)
			if err != nil {
				t.Fatal(err)
			}
			var written struct {
				Status struct{ Targets json.RawMessage }
			}
			if err := json.Unmarshal(text, &written); err != nil {
				t.Fatal(err)
			}
			if got := string(written.Status.Targets); got != test.written {
				t.Errorf("targets are written as %s, want %s", got, test.written)
			}
		})
	}
}

func TestUnknownAndDuplicateFieldsAreStrictErrors(t *testing.T) {
	strict := rawSerializer(t, jsonserializer.SerializerOptions{Strict: true})
	for name, spec := range map[string]string{
		"unknown":   `{"tiltfilePath":"/Tiltfile","exitCondition":"ci","color":"red"}`,
		"duplicate": `{"tiltfilePath":"/Tiltfile","exitCondition":"ci","exitCondition":"ci"}`,
		"case":      `{"tiltfilepath":"/Tiltfile","exitCondition":"ci"}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := strict.Decode([]byte(`{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","spec":`+spec+`}`), nil, nil)
			if !runtime.IsStrictDecodingError(err) {
				t.Errorf("got %v, want a strict decoding error", err)
			}
		})
	}
}
