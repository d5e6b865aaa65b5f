// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestInOrderOf(t *testing.T) {
	t.Parallel()
	// Each word has a manager, its time and its field.
	entries := func(words string) []metav1.ManagedFieldsEntry {
		var entries []metav1.ManagedFieldsEntry
		for word := range strings.FieldsSeq(words) {
			at := metav1.NewTime(time.Unix(int64(word[1]-'0'), 0))
			fields := metav1.FieldsV1{}
			fields.SetRawString(`{"f:` + word[2:] + `":{}}`)
			entries = append(entries, metav1.ManagedFieldsEntry{Manager: word[:1], Time: &at, FieldsV1: &fields})
		}
		return entries
	}
	for _, test := range []struct{ stored, written, want string }{
		{"a1x b2y", "a1x b2y", "a1x b2y"},
		{"a1x b2y", "b2y a3x", "a3x b2y"},
		{"a1x b1x c1x", "c1x a4x b3x", "a4x b3x c1x"},
		{"a1x b2y", "a3x", ""},
		{"a1x", "a1x b2y", ""},
		{"a1x b2y", "b2y a3z", ""},
		{"a1x b2y", "b2y c3x", ""},
		{"a1x a1y", "a1y a3x", "a3x a1y"},
		{"", "", ""},
	} {
		got, same := inOrderOf(entries(test.stored), entries(test.written))
		var words []string
		for _, entry := range got {
			words = append(words, entry.Manager+string(rune('0'+entry.Time.Unix()))+strings.TrimSuffix(strings.TrimPrefix(entry.FieldsV1.GetRawString(), `{"f:`), `":{}}`))
		}
		if order := strings.Join(words, " "); order != test.want || same != (test.want != "") {
			t.Errorf("%s after %s: %q, %v instead of %q", test.written, test.stored, order, same, test.want)
		}
	}
}
