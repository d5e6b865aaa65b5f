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
	"k8s.io/apiserver/pkg/endpoints/request"
	"sigs.k8s.io/yaml"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// withForms reads the Session in a server-side apply or a strategic merge patch
// by its Go type, as the one in a POST is read. It answers values of the wrong form
// with 422 and every field, and hands on an apply with its values as they're
// stored. It must be called below the filters that authorize a request and set its
// RequestInfo.
//
// Upstream: these patches are merged by the schema alone and converted after that,
// v0.36; remove when they are decoded first. The conversion knows no field when it
// fails, and cuts integers that don't fit; and a merge takes "90s" for a change of
// the "1m30s" that is stored of it.
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
			// The handler meets the error or the limit too, and answers it.
			patch.Body = readCloser{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
			handler.ServeHTTP(w, &patch)
			return
		}
		body, errs := read(body)
		if len(errs) > 0 {
			info, _ := request.RequestInfoFrom(r.Context())
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

// formsOf returns what reads the body of a request, or nil if it isn't one of
// the patches. It returns the body to hand on, or what is wrong with its values.
// A body that isn't of a Session is left to the handler, which refuses it.
func formsOf(r *http.Request) func([]byte) ([]byte, field.ErrorList) {
	if r.Method != http.MethodPatch || r.Body == nil || !ofSessions(r) {
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

// readApplied returns a body with duplicate keys as it is: fieldValidation
// decides about them.
func readApplied(body []byte) ([]byte, field.ErrorList) {
	document, err := yaml.YAMLToJSON(body)
	if err != nil {
		return body, nil
	}
	var of metav1.TypeMeta
	if err := json.Unmarshal(document, &of); err != nil || of.GroupVersionKind() != v1alpha1.SchemeGroupVersion.WithKind("Session") {
		return body, nil
	}
	canonical, errs := conform(document)
	if len(errs) > 0 || bytes.Equal(canonical, document) {
		return body, errs
	}
	if _, err := yaml.YAMLToJSONStrict(body); err != nil {
		return body, nil
	}
	// The handler reads JSON as YAML, which must have these escaped.
	return unreadable.ReplaceAllFunc(canonical, func(char []byte) []byte {
		r, _ := utf8.DecodeRune(char)
		return fmt.Appendf(nil, `\u%04x`, r)
	}), nil
}

// unreadable are the characters that YAML forbids or takes for the end of a line,
// beyond those that are escaped in any JSON.
var unreadable = regexp.MustCompile(`[\x{7f}-\x{9f}\x{feff}\x{fffe}\x{ffff}]`)

func readStrategic(body []byte) ([]byte, field.ErrorList) {
	if !json.Valid(body) || !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return body, nil
	}
	return body, conformPatch(body)
}
