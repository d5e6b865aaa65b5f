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

// conform reads a JSON document as a Session. It returns every field whose value
// can't be read, or else the document with its values spelled as they're stored:
//
//   - a duration and a time as their types write them
//   - a target with its defaults, and no list of targets as an empty one, because
//     a manager owns the list as a whole
//   - without a map or a list that is empty and merged, which stands for nothing
//
// Other null values and fields that are left out stay as they are: they say what
// a manager wants to own.
func conform(document []byte) ([]byte, field.ErrorList) {
	var r formReader
	canonical := r.read(document, reflect.TypeFor[v1alpha1.Session](), nil)
	return canonical, r.errs
}

// conformPatch returns every field whose value can't be read in a strategic merge
// patch of a Session, which has directives beside fields. Unknown fields are left
// to fieldValidation.
func conformPatch(document []byte) field.ErrorList {
	r := formReader{strategic: true}
	r.read(document, reflect.TypeFor[v1alpha1.Session](), nil)
	return r.errs
}

// formReader collects what's wrong with the parts of a document.
type formReader struct {
	strategic bool
	errs      field.ErrorList
}

// directive tells whether a key is one of strategic merge patches.
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

// membersOf are the fields of a struct by their names in JSON.
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

// readSpelled reads a value that can be spelled in several ways. One whose
// canonical form can't be read, such as a year of five digits, is left to the
// validation.
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

// decode tells whether value can be read, and if it can't it notes why.
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

// checkExact refuses an integer that the merge, which computes in float64, would
// change.
func (r *formReader) checkExact(value int64, at *field.Path) {
	const most = 1 << 53
	if value > most || value < -most {
		r.errs = append(r.errs, field.Invalid(at, value, "must be within 2^53 to be applied"))
	}
}

// encode can't fail: what it's given was decoded from JSON.
func encode(value any) json.RawMessage {
	encoded, _ := json.Marshal(value)
	return encoded
}
