// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"tilt.dev/session/pkg/kube/manifest"
)

// InventoryKey is the annotation by which an object belongs to the inventory of a project.
const InventoryKey = "session.tilt.dev/inventory"

// Entry is an object in the inventory.
type Entry struct {
	// Resource is the resource that applied the object last.
	Resource string `json:"resource"`
	Group    string `json:"group,omitempty"`
	Version  string `json:"version"`
	Kind     string `json:"kind"`
	// Namespace is empty for an object without.
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// key identifies the object in any version of its API.
func (e Entry) key() manifest.Key {
	return manifest.Key{Group: e.Group, Kind: e.Kind, Namespace: e.Namespace, Name: e.Name}
}

func (e Entry) groupVersionKind() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: e.Group, Version: e.Version, Kind: e.Kind}
}

// String is the entry in a log: "web:deployment", or "web:deployment:dev" with a namespace.
func (e Entry) String() string {
	name := e.Name + ":" + strings.ToLower(e.Kind)
	if e.Namespace != "" {
		name += ":" + e.Namespace
	}
	return name
}

// record returns the entries with those of a deploy: further ones at the end, known ones with what is new.
func record(entries, deployed []Entry) (merged []Entry, changed bool) {
	merged = slices.Clone(entries)
	index := make(map[manifest.Key]int, len(merged))
	for i, e := range merged {
		index[e.key()] = i
	}
	for _, e := range deployed {
		if i, ok := index[e.key()]; !ok {
			index[e.key()] = len(merged)
			merged, changed = append(merged, e), true
		} else if merged[i] != e {
			merged[i], changed = e, true
		}
	}
	return merged, changed
}

// without returns the entries that are not among those that are gone.
func without(entries, gone []Entry) (left []Entry, changed bool) {
	keys := make(map[manifest.Key]bool, len(gone))
	for _, e := range gone {
		keys[e.key()] = true
	}
	left = slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool { return keys[e.key()] })
	return left, len(left) != len(entries)
}

const (
	plainKey   = "objects.json"
	compactKey = "objects.json.gz"
	// maxPlain is the size from which entries are compressed, maxStored what a ConfigMap holds at most.
	maxPlain  = 256 << 10
	maxStored = 1000 << 10
	// maxDecoded limits what is decompressed.
	maxDecoded = 64 << 20
)

// encode returns the content of the ConfigMap of an inventory: JSON, compressed if it is long.
func encode(entries []Entry) (data map[string]string, binary map[string][]byte, err error) {
	text, err := json.Marshal(entries)
	if err != nil || len(text) <= maxPlain {
		return map[string]string{plainKey: string(text)}, nil, err
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, nil, err
	}
	if err := w.Close(); err != nil {
		return nil, nil, err
	}
	if b.Len() > maxStored {
		return nil, nil, fmt.Errorf("%d objects are more than a ConfigMap can hold", len(entries))
	}
	return nil, map[string][]byte{compactKey: b.Bytes()}, nil
}

// decode reads the content of the ConfigMap of an inventory. Nothing is an empty inventory.
func decode(data map[string]string, binary map[string][]byte) (entries []Entry, err error) {
	text := []byte(data[plainKey])
	if compact, ok := binary[compactKey]; ok {
		r, err := gzip.NewReader(bytes.NewReader(compact))
		if err != nil {
			return nil, err
		}
		if text, err = io.ReadAll(io.LimitReader(r, maxDecoded)); err != nil {
			return nil, err
		}
	}
	if len(text) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(text, &entries); err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Version == "" || e.Kind == "" || e.Name == "" {
			return nil, fmt.Errorf("entry %q has no version, kind or name", e)
		}
	}
	return entries, nil
}
