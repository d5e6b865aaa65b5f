// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"bytes"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	jsonserializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"sigs.k8s.io/yaml"
)

func FuzzDecodeSessionJSON(f *testing.F) {
	for _, text := range goldens(f) {
		f.Add(text)
	}
	f.Add([]byte(`{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"a"},` +
		`"spec":{"tiltfilePath":"a","exitCondition":"ci"},"status":{"startTime":"9999-12-31T23:59:59.000000-23:00"}}`))
	codec := storageCodec(f, jsonserializer.SerializerOptions{})
	f.Fuzz(func(t *testing.T, text []byte) {
		checkDecoded(t, codec, text)
	})
}

func FuzzDecodeSessionYAML(f *testing.F) {
	for _, text := range goldens(f) {
		asYAML, err := yaml.JSONToYAML(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(asYAML)
	}
	codec := storageCodec(f, jsonserializer.SerializerOptions{Yaml: true})
	f.Fuzz(func(t *testing.T, text []byte) {
		checkDecoded(t, codec, text)
	})
}

// checkDecoded decodes an arbitrary text. A text that can be decoded must be encoded and decoded again without a
// change, or be refused by validation.
func checkDecoded(t *testing.T, codec runtime.Codec, text []byte) {
	object, err := runtime.Decode(codec, text)
	if err != nil {
		return
	}
	mistakes := mistakesIn(object)
	first := encoded(t, codec, object)
	again, err := runtime.Decode(codec, first)
	if err != nil {
		if len(mistakes) == 0 {
			t.Fatalf("decoding the encoded object: %v\n%s", err, first)
		}
		return
	}
	if second := encoded(t, codec, again); !bytes.Equal(first, second) {
		t.Fatalf("encoded:\n%s\nand after decoding that:\n%s", first, second)
	}
}

func encoded(t *testing.T, encoder runtime.Encoder, object runtime.Object) []byte {
	t.Helper()
	text, err := runtime.Encode(encoder, object)
	if err != nil {
		t.Fatalf("encoding the decoded object: %v", err)
	}
	return text
}
