// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/endpoints/request"
)

func TestAccept(t *testing.T) {
	scheme, err := newScheme()
	if err != nil {
		t.Fatal(err)
	}
	const (
		json     = "application/json"
		protobuf = "application/vnd.kubernetes.protobuf"
		table    = ";as=Table;v=v1;g=meta.k8s.io"
		metadata = ";as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
		list     = ";as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
		refused  = "406"
	)
	for _, test := range []struct {
		accept []string
		// session and other are the resulting headers of a request for Sessions and of another one.
		session, other string
	}{
		{nil, "", ""},
		{[]string{json}, json, json},
		{[]string{"*/*"}, "*/*", "*/*"},
		{[]string{"text/html"}, "text/html", "text/html"},
		{[]string{protobuf}, refused, protobuf},
		{[]string{protobuf + ";stream=watch"}, refused, protobuf + ";stream=watch"},
		{[]string{protobuf + table}, refused, protobuf + table},
		{[]string{protobuf, json + ";q=0.9"}, json + ";q=0.9", protobuf + "," + json + ";q=0.9"},
		{[]string{protobuf + "," + json}, json, protobuf + "," + json},
		{[]string{json + ", " + protobuf + ";q=0.1"}, json, json + ", " + protobuf + ";q=0.1"},
		{[]string{protobuf + metadata + "," + json + metadata}, protobuf + metadata + "," + json + metadata, protobuf + metadata + "," + json + metadata},
		{[]string{protobuf + list}, protobuf + list, protobuf + list},
		{[]string{protobuf + "; as = PartialObjectMetadata"}, protobuf + "; as = PartialObjectMetadata", protobuf + "; as = PartialObjectMetadata"},
		{[]string{protobuf + "," + protobuf + metadata}, protobuf + metadata, protobuf + "," + protobuf + metadata},
		{[]string{"application/*"}, json + ",application/*", json + ",application/*"},
		{[]string{"text/html, application/*;q=0.8"}, "text/html, " + json + ";q=0.8, application/*;q=0.8", "text/html, " + json + ";q=0.8, application/*;q=0.8"},
		{[]string{"application/*" + table}, json + table + ",application/*" + table, json + table + ",application/*" + table},
		{[]string{protobuf + ",application/*"}, json + ",application/*", protobuf + "," + json + ",application/*"},
	} {
		for _, want := range []struct {
			info   request.RequestInfo
			accept string
		}{
			{request.RequestInfo{IsResourceRequest: true, APIGroup: "tilt.dev"}, test.session},
			{request.RequestInfo{Path: "/apis/tilt.dev"}, test.other},
		} {
			got := refused
			handler := withAccept(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("Accept") }),
				serializer.NewCodecFactory(scheme))
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header["Accept"] = test.accept
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, r.WithContext(request.WithRequestInfo(r.Context(), &want.info)))
			if code := answer.Code; got != want.accept || (code == http.StatusNotAcceptable) != (got == refused) {
				t.Errorf("%q is %q (code %d) for %+v, want %q", test.accept, got, code, want.info, want.accept)
			}
		}
	}
}
