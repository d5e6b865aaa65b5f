// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// conform decodes a JSON document as a Session. It returns all fields whose values can't
// be decoded, or the document with its values in the form in which they are stored:
//
//   - durations and times as their types encode them
//   - targets with their defaults, and a null list of targets as an empty one, because
//     one manager owns the list as a whole
//   - without empty maps and lists that are merged, because they have no content
//
// Other null values remain, and missing fields aren't added: they determine what a manager owns.
func conform(document []byte) ([]byte, field.ErrorList) {
	var r formReader
	canonical := r.read(document, reflect.TypeFor[v1alpha1.Session](), nil)
	return canonical, r.errs
}

// conformPatch returns all fields whose values can't be decoded in a strategic merge patch of a Session, which may
// contain directives. fieldValidation decides about unknown fields.
func conformPatch(document []byte) field.ErrorList {
	r := formReader{strategic: true}
	r.read(document, reflect.TypeFor[v1alpha1.Session](), nil)
	return r.errs
}

// formReader collects the errors in a document.
type formReader struct {
	strategic bool
	errs      field.ErrorList
}

// directive reports whether a key is a directive of a strategic merge patch.
func (r *formReader) directive(key string) bool { return r.strategic && strings.HasPrefix(key, "$") }

var (
	unmarshaler = reflect.TypeFor[json.Unmarshaler]()
	targetType  = reflect.TypeFor[v1alpha1.Target]()
)

func (r *formReader) read(value json.RawMessage, t reflect.Type, at *field.Path) json.RawMessage {
	switch {
	case string(value) == "null":
		return value
	case t.Kind() == reflect.Pointer:
		return r.read(value, t.Elem(), at)
	case reflect.PointerTo(t).Implements(unmarshaler):
		return r.readSpelled(value, t, at)
	case t == targetType:
		return r.readTarget(value, at)
	}
	switch t.Kind() {
	case reflect.Struct:
		return r.readStruct(value, t, at)
	case reflect.Map:
		var entries map[string]json.RawMessage
		if !r.decode(value, &entries, at) {
			return value
		}
		for _, key := range slices.Sorted(maps.Keys(entries)) {
			if !r.directive(key) {
				entries[key] = r.read(entries[key], t.Elem(), at.Key(key))
			}
		}
		return encode(entries)
	case reflect.Slice:
		var elements []json.RawMessage
		if !r.decode(value, &elements, at) {
			return value
		}
		for i, element := range elements {
			elements[i] = r.read(element, t.Elem(), at.Index(i))
		}
		return encode(elements)
	default:
		into := reflect.New(t)
		if r.decode(value, into.Interface(), at) && into.Elem().CanInt() && !r.strategic {
			r.checkExact(into.Elem().Int(), at)
		}
		return value
	}
}

func (r *formReader) readStruct(value json.RawMessage, t reflect.Type, at *field.Path) json.RawMessage {
	var members map[string]json.RawMessage
	if !r.decode(value, &members, at) {
		return value
	}
	declared := membersOf(t)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		member, isDeclared := declared[name]
		switch {
		case !isDeclared && r.strategic:
			continue
		case !isDeclared:
			r.errs = append(r.errs, field.Forbidden(at.Child(name), "unknown field"))
			continue
		}
		read := r.read(members[name], member.Type, at.Child(name))
		kind, omitted := member.Type.Kind(), strings.HasSuffix(member.Tag.Get("json"), ",omitempty")
		switch {
		case kind == reflect.Map && omitted && string(read) == "{}", kind == reflect.Slice && omitted && string(read) == "[]":
			delete(members, name)
		case kind == reflect.Slice && !omitted && string(read) == "null":
			members[name] = json.RawMessage("[]")
		default:
			members[name] = read
		}
	}
	return encode(members)
}

// membersOf returns the fields of a struct by their names in JSON.
func membersOf(t reflect.Type) map[string]reflect.StructField {
	members := map[string]reflect.StructField{}
	for member := range t.Fields() {
		name, _, _ := strings.Cut(member.Tag.Get("json"), ",")
		if name == "" {
			maps.Copy(members, membersOf(member.Type))
		} else {
			members[name] = member
		}
	}
	return members
}

// readSpelled returns the canonical form of a value of a type with an encoding of its own. It leaves a value whose
// canonical form can't be decoded, such as a year of five digits, to validation.
func (r *formReader) readSpelled(value json.RawMessage, t reflect.Type, at *field.Path) json.RawMessage {
	into := reflect.New(t).Interface()
	if !r.decode(value, into, at) {
		return value
	}
	canonical := encode(into)
	if json.Unmarshal(canonical, into) != nil {
		return value
	}
	return canonical
}

func (r *formReader) readTarget(value json.RawMessage, at *field.Path) json.RawMessage {
	before := len(r.errs)
	read := r.readStruct(value, targetType, at)
	var target v1alpha1.Target
	if len(r.errs) > before || json.Unmarshal(read, &target) != nil {
		return value
	}
	v1alpha1.SetDefaults_Target(&target)
	return encode(target)
}

// decode reports whether value can be decoded, and records an error if not.
func (r *formReader) decode(value json.RawMessage, into any, at *field.Path) bool {
	err := json.Unmarshal(value, into)
	if err == nil {
		return true
	}
	reason := err.Error()
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		expected := wrong.Type.Kind().String()
		if expected == "slice" {
			expected = "list"
		}
		reason = fmt.Sprintf("expected %s, got %s", expected, wrong.Value)
	}
	var shown any = field.OmitValueType{}
	if value[0] != '{' && value[0] != '[' {
		_ = json.Unmarshal(value, &shown)
	}
	r.errs = append(r.errs, field.TypeInvalid(at, shown, reason))
	return false
}

// checkExact records an error for an integer that isn't exact in float64, which the merge uses.
func (r *formReader) checkExact(value int64, at *field.Path) {
	const most = 1 << 53
	if value > most || value < -most {
		r.errs = append(r.errs, field.Invalid(at, value, "must be within 2^53 to be applied"))
	}
}

// encode can't fail because value has been decoded from JSON.
func encode(value any) json.RawMessage {
	encoded, _ := json.Marshal(value)
	return encoded
}
