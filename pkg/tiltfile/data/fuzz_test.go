// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package data

import (
	"context"
	"errors"
	"testing"

	"go.starlark.net/starlark"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// FuzzData decodes any text. A decoded value that can be encoded is decoded to the same value again.
func FuzzData(f *testing.F) {
	for _, text := range []string{
		`{"a": [1, 2.5, -0, 1e3, null, true, "x\u0000"], "a": {}}`, "123456789012345678901234567890", `"\ud800"`, "[[[[", "{}{}",
		"a: &a [1, ~, 0x10, 0o7, .nan, 1_000]\nb: *a\n<<: {c: d}\n---\n!!binary aGk=\n--- !!str 1\n", "? [a]\n: b", "1: a\n'1': b", "a: |\n  x\n",
		"%YAML 1.1\n---\n", "2001-01-01", "&x x: *x", "yes: no", "'': ''", "- - - -", "\t", "\xff", "a: b: c", "{a: 1, ~: 2}", "=: 1", "!!float 1",
		"kind: List\nitems: [{kind: a}, 1]",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if value, err := DecodeJSON([]byte(text)); err == nil {
			requireRoundTrip(t, value, func(v starlark.Value) (starlark.Value, error) {
				encoded, err := EncodeJSON(v)
				if err != nil {
					return nil, nil
				}
				return DecodeJSON([]byte(encoded))
			})
		}
		documents, err := DecodeYAML(t.Context(), []byte(text))
		if err == nil && len(documents) == 1 {
			requireRoundTrip(t, documents[0], func(v starlark.Value) (starlark.Value, error) {
				encoded, err := EncodeYAML(v)
				if err != nil {
					return nil, nil
				}
				decoded, err := DecodeYAML(t.Context(), []byte(encoded))
				if err != nil || len(decoded) != 1 {
					return nil, errors.Join(err, errors.New(string(encoded)))
				}
				return decoded[0], nil
			})
		}
		if objects, err := DecodeObjects(t.Context(), []byte(text)); err == nil {
			if _, _, err := SplitObjects(objects, func(o unstructured.Unstructured) bool { return o.GetName() == "" }); err != nil {
				t.Errorf("encoding %v: %v", objects, err)
			}
		}
	})
}

// requireRoundTrip fails if encoding and decoding change a value the second time. The first time may replace invalid
// UTF-8 and round numbers. A nil value is one that can't be encoded.
func requireRoundTrip(t *testing.T, value starlark.Value, roundTrip func(starlark.Value) (starlark.Value, error)) {
	once, err := roundTrip(value)
	if err != nil {
		t.Fatalf("decoding the encoded %s: %v", value, err)
	}
	if once == nil {
		return
	}
	twice, err := roundTrip(once)
	if err != nil || twice == nil {
		t.Fatalf("decoding the encoded %s: %v, %v", once, twice, err)
	}
	if same, err := starlark.EqualDepth(once, twice, 2*maxNesting); err != nil || !same {
		t.Fatalf("%s becomes %s: %v", once, twice, err)
	}
}

// TestDecodingIsCanceled decodes with a context that is done.
func TestDecodingIsCanceled(t *testing.T) {
	cause := errors.New("the run has ended")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := DecodeYAML(ctx, []byte("a")); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}
