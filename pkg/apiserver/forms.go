// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	"sigs.k8s.io/yaml"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// withForms decodes the Session in a server-side apply or in a strategic merge patch
// into its Go type, as a POST does. It answers 422 with all fields whose values can't be
// decoded, and passes an apply on with its values in the form in which they are stored.
// It must be called below the filters that authorize a request and set its RequestInfo.
//
// Upstream: k8s.io/apiserver/pkg/endpoints/handlers/patch.go, v0.36.x: it merges these
// patches by the schema alone and converts the result. The error of the conversion names
// no field, integers that don't fit are truncated, and an apply of "90s" conflicts with
// the "1m30s" that is stored for it. Remove when patches are decoded first.
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
