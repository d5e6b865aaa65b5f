// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/endpoints/handlers/negotiation"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	"k8s.io/apiserver/pkg/endpoints/request"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/registry/session"
)

const (
	anyApplication = "application/*"
	metadataKind   = "PartialObjectMetadata"
)

// withAccept lets the negotiation below see what it can serve. It would pick
// protobuf for a Session because the codecs know that format, and fail since
// the type doesn't; its router takes "application/*" for a type that nobody
// produces.
//
// A client that accepts nothing that a Session can be written in is refused, as
// 406, and one that writes a Session in protobuf as 415. Requests for anything but
// Sessions, such as discovery and OpenAPI, keep protobuf. Whoever accepts what a
// log is written in gets it. It must be called below the filter that sets the
// RequestInfo.
func withAccept(handler http.Handler, serializer runtime.NegotiatedSerializer) http.Handler {
	formats := []string{runtime.ContentTypeJSON, runtime.ContentTypeYAML}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := strings.Join(r.Header.Values("Accept"), ",")
		accept := header
		if strings.Contains(header, anyApplication) {
			accept = nameJSON(accept)
		}
		if strings.Contains(header, runtime.ContentTypeProtobuf) && ofSessions(r) {
			accept = dropProtobuf(accept)
		}
		if header != "" && ofLog(r) {
			accept = nameErrors(accept)
		}
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

func ofSessions(r *http.Request) bool {
	info, ok := request.RequestInfoFrom(r.Context())
	return ok && info.IsResourceRequest && info.APIGroup == v1alpha1.GroupName
}

func ofLog(r *http.Request) bool {
	info, ok := request.RequestInfoFrom(r.Context())
	return ok && info.IsResourceRequest && info.APIGroup == v1alpha1.GroupName && info.Subresource == "log"
}

// nameErrors puts JSON beside the media types of a log: what the negotiation
// finds is only what an error is written in.
func nameErrors(accept string) string {
	for mediaRange := range strings.SplitSeq(accept, ",") {
		mediaType, _, _ := strings.Cut(mediaRange, ";")
		switch strings.TrimSpace(mediaType) {
		case session.MediaText, session.MediaJSONLines, "text/*":
			return accept + "," + runtime.ContentTypeJSON
		}
	}
	return accept
}

// writesProtobuf is false for deletions, whose options have the format.
func writesProtobuf(r *http.Request) bool {
	return (r.Method == http.MethodPost || r.Method == http.MethodPut) &&
		strings.HasPrefix(r.Header.Get("Content-Type"), runtime.ContentTypeProtobuf) && ofSessions(r)
}

// nameJSON puts JSON beside each "application/*", with the same parameters. The
// wildcard remains for the paths that serve something else below application.
func nameJSON(accept string) string {
	var ranges []string
	for mediaRange := range strings.SplitSeq(accept, ",") {
		mediaType, parameters, separated := strings.Cut(mediaRange, ";")
		if strings.TrimSpace(mediaType) == anyApplication {
			named := runtime.ContentTypeJSON
			if separated {
				named += ";" + parameters
			}
			ranges = append(ranges, named)
		}
		ranges = append(ranges, mediaRange)
	}
	return strings.Join(ranges, ",")
}

// dropProtobuf removes protobuf but for metadata alone, whose type has it.
func dropProtobuf(accept string) string {
	var ranges []string
	for mediaRange := range strings.SplitSeq(accept, ",") {
		mediaType, parameters, _ := strings.Cut(mediaRange, ";")
		if strings.TrimSpace(mediaType) != runtime.ContentTypeProtobuf || asksForMetadata(parameters) {
			ranges = append(ranges, mediaRange)
		}
	}
	return strings.Join(ranges, ",")
}

func asksForMetadata(parameters string) bool {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if strings.TrimSpace(name) == "as" {
			kind := strings.TrimSpace(value)
			return kind == metadataKind || kind == metadataKind+"List"
		}
	}
	return false
}
