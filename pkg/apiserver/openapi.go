// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"net/http"
	"strings"

	restful "github.com/emicklei/go-restful/v3"
	"k8s.io/apimachinery/pkg/runtime"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/kube-openapi/pkg/builder"
	"k8s.io/kube-openapi/pkg/builder3"
	"k8s.io/kube-openapi/pkg/builder3/util"
	"k8s.io/kube-openapi/pkg/cached"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/handler"
	"k8s.io/kube-openapi/pkg/handler3"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/openapi"
	"tilt.dev/session/pkg/registry/session"
)

// openAPI builds the OpenAPI documents. Each is built when a client first reads it, and cached: building them takes
// longer than the rest of a start, and most short runs never serve them.
type openAPI struct {
	v2 *common.Config
	v3 *common.OpenAPIV3Config
}

// newOpenAPI names the definitions after the types in the served scheme.
func newOpenAPI(served *runtime.Scheme) *openAPI {
	namer := openapinamer.NewDefinitionNamer(served)
	info := &spec.Info{InfoProps: spec.InfoProps{
		Title:       "tilt-session",
		Description: "Sessions: runs of Tiltfiles, and the state of their servers and jobs.",
		// The documents don't depend on the version of the program, so that every build serves the published ones.
		Version: v1alpha1.SchemeGroupVersion.Version,
	}}
	o := &openAPI{
		v2: genericapiserver.DefaultOpenAPIConfig(openapi.GetOpenAPIDefinitions, namer),
		v3: genericapiserver.DefaultOpenAPIV3Config(openapi.GetOpenAPIDefinitions, namer),
	}
	o.v2.Info, o.v3.Info = info, info
	return o
}

// install serves /openapi/v2 and /openapi/v3 with the API groups that are installed when it is called.
func (o *openAPI) install(server *genericapiserver.GenericAPIServer) error {
	services := server.Handler.GoRestfulContainer.RegisteredWebServices()
	mux := server.Handler.NonGoRestfulMux

	v2 := cached.Once(cached.Func(func() (*spec.Swagger, string, error) { return o.buildV2(services) }))
	handler.NewOpenAPIServiceLazy(v2).RegisterOpenAPIVersionedService("/openapi/v2", mux)

	v3 := handler3.NewOpenAPIService()
	for _, service := range services {
		root := strings.TrimPrefix(service.RootPath(), "/")
		v3.UpdateGroupVersionLazy(root, cached.Once(cached.Func(func() (*spec3.OpenAPI, string, error) {
			return o.buildV3(service)
		})))
	}
	if err := v3.RegisterOpenAPIV3VersionedService("/openapi/v3", mux); err != nil {
		return fmt.Errorf("serve OpenAPI v3: %w", err)
	}
	return nil
}

// logLine is the type of a line of a log in JSON. No route refers to it.
var logLine = v1alpha1.SessionLogLine{}.OpenAPIModelName()

// buildV2 returns the document with a constant ETag, because it doesn't change.
func (o *openAPI) buildV2(services []*restful.WebService) (*spec.Swagger, string, error) {
	document, err := builder.BuildOpenAPISpecFromRoutes(describe(services), o.v2)
	if err != nil {
		return nil, "", fmt.Errorf("build OpenAPI v2: %w", err)
	}
	document.Definitions[logLine] = definition(logLine, definitionsV2)
	document.Definitions = handler.PruneDefaults(document.Definitions)
	return document, "v2", nil
}

func (o *openAPI) buildV3(service *restful.WebService) (*spec3.OpenAPI, string, error) {
	document, err := builder3.BuildOpenAPISpecFromRoutes(
		describe([]*restful.WebService{service}), o.v3)
	if err != nil {
		return nil, "", fmt.Errorf("build OpenAPI v3 of %s: %w", service.RootPath(), err)
	}
	if path := document.Paths.Paths[sessionPath+"log"]; path != nil {
		line := definition(logLine, definitionsV3)
		document.Components.Schemas[logLine] = util.WrapRefs(&line)
		ok := path.Get.Responses.StatusCodeResponses[http.StatusOK]
		ok.Content[session.MediaJSONLines].Schema = spec.RefSchema(definitionsV3 + logLine)
	}
	return document, service.RootPath(), nil
}
