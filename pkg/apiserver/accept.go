// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net/http"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/endpoints/handlers/negotiation"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	"k8s.io/apiserver/pkg/endpoints/request"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/registry/session"
)

// withAccept rewrites the Accept header to what upstream's negotiation can serve. It
// answers 406 if a client accepts nothing that a Session can be encoded in, and 415 to a
// Session in protobuf. It must be called below the filter that sets the RequestInfo.
//
// Upstream: k8s.io/apiserver/pkg/endpoints/installer.go, v0.36.x, never sets
// RequestScope.StandardSerializers, so that protobuf is negotiated for types that don't
// implement it and encoding fails; remove when it does. go-restful/v3 route.go,
// matchesAccept, doesn't match "application/*" with JSON; remove when it does.
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
