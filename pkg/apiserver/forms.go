// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/endpoints/handlers/negotiation"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	"k8s.io/apiserver/pkg/endpoints/request"
	"sigs.k8s.io/yaml"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/registry/session"
)

// withForms decodes the Session in a server-side apply or in a strategic merge patch into its Go type, as a POST does.
// It answers 422 with all fields whose values can't be decoded, and passes an apply on with its values in the form in
// which they are stored. It must be called below the filters that authorize a request and set its RequestInfo.
//
// Upstream: k8s.io/apiserver/pkg/endpoints/handlers/patch.go, v0.36.x: it merges these patches by the schema alone and
// converts the result. The error of the conversion names no field, integers that don't fit are truncated, and an apply
// of "90s" conflicts with the "1m30s" that is stored for it. Remove when patches are decoded first.
func withForms(handler http.Handler, serializer runtime.NegotiatedSerializer, limit int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read := formsOf(r)
		if read == nil {
			handler.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
		patch := *r
		if err != nil || int64(len(body)) > limit {
			// The handler answers the error, or that the body is too large.
			patch.Body = readCloser{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
			handler.ServeHTTP(w, &patch)
			return
		}
		body, errs := read(body)
		if len(errs) > 0 {
			info, _ := sessionsInfo(r)
			err := apierrors.NewInvalid(v1alpha1.Kind("Session"), info.Name, errs)
			responsewriters.ErrorNegotiated(err, serializer, v1alpha1.SchemeGroupVersion, w, r)
			return
		}
		patch.Body, patch.ContentLength = readCloser{bytes.NewReader(body), r.Body}, int64(len(body))
		handler.ServeHTTP(w, &patch)
	})
}

type readCloser struct {
	io.Reader
	io.Closer
}

// formsOf returns the function that decodes the body of a patch, or nil for other
// requests. The function returns the body to pass on, or the fields with wrong values. It
// leaves a body that is no Session to the handler, which answers 400.
func formsOf(r *http.Request) func([]byte) ([]byte, field.ErrorList) {
	if _, ours := sessionsInfo(r); !ours || r.Method != http.MethodPatch || r.Body == nil {
		return nil
	}
	contentType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	switch types.PatchType(contentType) {
	case types.ApplyYAMLPatchType:
		return readApplied
	case types.StrategicMergePatchType:
		return readStrategic
	default:
		return nil
	}
}

// readApplied returns a body with duplicate keys unchanged: fieldValidation decides about them.
func readApplied(body []byte) ([]byte, field.ErrorList) {
	document, err := yaml.YAMLToJSON(body)
	if err != nil {
		return body, nil
	}
	var of metav1.TypeMeta
	err = json.Unmarshal(document, &of)
	if err != nil || of.GroupVersionKind() != v1alpha1.SchemeGroupVersion.WithKind("Session") {
		return body, nil
	}
	canonical, errs := conform(document)
	if len(errs) > 0 || bytes.Equal(canonical, document) {
		return body, errs
	}
	if _, err := yaml.YAMLToJSONStrict(body); err != nil {
		return body, nil
	}
	// The handler decodes JSON as YAML, which requires these to be escaped.
	return unreadable.ReplaceAllFunc(canonical, func(char []byte) []byte {
		r, _ := utf8.DecodeRune(char)
		return fmt.Appendf(nil, `\u%04x`, r)
	}), nil
}

// unreadable are the characters that YAML forbids or interprets as a line break, other
// than those that encoding/json escapes.
var unreadable = regexp.MustCompile(`[\x{7f}-\x{9f}\x{feff}\x{fffe}\x{ffff}]`)

func readStrategic(body []byte) ([]byte, field.ErrorList) {
	if !json.Valid(body) || !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return body, nil
	}
	return body, conformPatch(body)
}

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
	encoded, _ := json.Marshal(value) //nolint:errchkjson // See above.
	return encoded
}

// withAccept rewrites the Accept header to what upstream's negotiation can serve. It
// answers 406 if a client accepts nothing that a Session can be encoded in, and 415 to a
// Session in protobuf. It must be called below the filter that sets the RequestInfo.
//
// Upstream: k8s.io/apiserver/pkg/endpoints/installer.go, v0.36.x, never sets RequestScope.StandardSerializers, so that
// protobuf is negotiated for types that don't implement it and encoding fails; remove when it does. go-restful/v3
// route.go, matchesAccept, doesn't match "application/*" with JSON; remove when it does.
func withAccept(handler http.Handler, serializer runtime.NegotiatedSerializer) http.Handler {
	formats := []string{runtime.ContentTypeJSON, runtime.ContentTypeYAML}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		accept := negotiable(r)
		switch {
		case writesProtobuf(r):
			err := negotiation.NewUnsupportedMediaTypeError(formats)
			responsewriters.ErrorNegotiated(err, serializer, v1alpha1.SchemeGroupVersion, w, r)
		case accept == r.Header.Get("Accept"):
			handler.ServeHTTP(w, r)
		case accept == "":
			err := negotiation.NewNotAcceptableError(formats)
			responsewriters.ErrorNegotiated(err, serializer, v1alpha1.SchemeGroupVersion, w, r)
		default:
			changed := *r
			changed.Header = r.Header.Clone()
			changed.Header.Set("Accept", accept)
			handler.ServeHTTP(w, &changed)
		}
	})
}

// metadataOnly matches the parameters of a media range for metadata, whose types implement protobuf.
var metadataOnly = regexp.MustCompile(`(^|;)\s*as\s*=\s*PartialObjectMetadata(List)?\s*($|;)`)

// negotiable returns the media ranges that a request accepts: without protobuf for Sessions, and with JSON besides
// "application/*". For a log, the media types of its content imply JSON, which is negotiated for errors only.
func negotiable(r *http.Request) string {
	info, ours := sessionsInfo(r)
	var ranges []string
	for mediaRange := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		mediaType, parameters, _ := strings.Cut(mediaRange, ";")
		switch strings.TrimSpace(mediaType) {
		case runtime.ContentTypeProtobuf:
			if ours && !metadataOnly.MatchString(parameters) {
				continue
			}
		case "application/*":
			ranges = append(ranges, strings.Replace(mediaRange, "application/*", runtime.ContentTypeJSON, 1))
		case session.MediaText, session.MediaJSONLines, "text/*":
			if ours && info.Subresource == "log" {
				ranges = append(ranges, runtime.ContentTypeJSON)
			}
		}
		ranges = append(ranges, mediaRange)
	}
	return strings.Join(ranges, ",")
}

// sessionsInfo returns the RequestInfo of a request, and whether it's for Sessions.
func sessionsInfo(r *http.Request) (*request.RequestInfo, bool) {
	info, ok := request.RequestInfoFrom(r.Context())
	return info, ok && info.IsResourceRequest && info.APIGroup == v1alpha1.GroupName
}

// writesProtobuf returns false for deletions, because DeleteOptions implement protobuf.
func writesProtobuf(r *http.Request) bool {
	_, ours := sessionsInfo(r)
	return ours && (r.Method == http.MethodPost || r.Method == http.MethodPut) &&
		strings.HasPrefix(r.Header.Get("Content-Type"), runtime.ContentTypeProtobuf)
}
