// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"fmt"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

// FuzzFile adds and removes an entry in any file: either it's refused, or
// everything that was in the file besides the entry is in it afterwards.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{"", empty, foreign, "{}", "a: b", "contexts: null", "- 1", `{"kind":"Config","users":[{"name":"a","user":{}}]}`, "%YAML 1.1\n---\na: yes\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		before, err := content(text)
		if err != nil {
			return
		}
		e := entry(10350)
		added, err := edited(text, func(doc *document) error {
			return doc.put(e.Name(), [...]any{e.cluster(), e.context([]byte("{}")), e.user()})
		})
		if err != nil {
			return
		}
		config, err := parse([]byte(added))
		if err != nil {
			t.Fatalf("can't be read any more: %v\n%s", err, added)
		}
		if user := config.config.AuthInfos[e.Name()]; user == nil || user.Token != e.Token {
			t.Fatalf("the entry isn't there:\n%s", added)
		}
		removed, err := edited(added, func(doc *document) error { return doc.drop(e.Name()) })
		if err != nil {
			t.Fatalf("remove: %v\n%s", err, added)
		}
		after, err := content(removed)
		if err != nil {
			t.Fatalf("%v\n%s", err, removed)
		}
		if before != after {
			t.Fatalf("was %s\nis  %s\n%s", before, after, removed)
		}
	})
}

func edited(text string, change func(*document) error) (string, error) {
	doc, err := parse([]byte(text))
	if err != nil {
		return "", err
	}
	if err := change(doc); err != nil {
		return "", err
	}
	data, err := doc.bytes()
	return string(data), err
}

// content is everything in a file as text, but the entry, and but what an empty
// file has too.
func content(text string) (string, error) {
	var all map[any]any
	if err := yaml.Unmarshal([]byte(text), &all); err != nil {
		return "", err
	}
	for _, section := range sections {
		list, _ := all[section].([]any)
		list = slices.DeleteFunc(list, func(item any) bool {
			entry, ok := item.(map[string]any)
			return ok && entry["name"] == "tilt-default"
		})
		delete(all, section)
		if len(list) > 0 {
			all[section] = list
		}
	}
	for _, key := range []string{"apiVersion", "kind", "preferences", "current-context"} {
		delete(all, key)
	}
	if len(all) == 0 {
		return "", nil
	}
	// Unlike values, texts are equal when both hold a NaN.
	return fmt.Sprintf("%#v", all), nil
}
