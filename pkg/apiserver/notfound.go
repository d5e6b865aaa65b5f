// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
)

// notFound answers requests for paths that nothing is served at with a Status,
// like every other error. The library would list all paths instead.
func notFound(serializer runtime.NegotiatedSerializer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		err := apierrors.NewGenericServerResponse(http.StatusNotFound, strings.ToLower(request.Method), schema.GroupResource{}, "", "", 0, true)
		responsewriters.ErrorNegotiated(err, serializer, schema.GroupVersion{Version: "v1"}, w, request)
	})
}
