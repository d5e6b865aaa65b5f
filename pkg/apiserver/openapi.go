// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
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
	"k8s.io/kube-openapi/pkg/common/restfuladapter"
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
	document, err := builder3.BuildOpenAPISpecFromRoutes(describe([]*restful.WebService{service}), o.v3)
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

// sessionPath is the prefix of the paths of a Session's subresources.
var sessionPath = "/apis/" + v1alpha1.SchemeGroupVersion.String() + "/sessions/{name}/"

// notRun describes the response if no run can handle a request.
const notRun = " Answered with 409 if the Session isn't run by this server or is done."

// requestDescriptions describe the subresources of a run by method and name. Upstream
// describes each POST as a creation.
var requestDescriptions = map[string]string{
	http.MethodPost + " trigger": "ask for one more execution of resources of the specified Session." +
		" Answered with 404 if a resource doesn't exist, with the cause FieldValueNotFound," +
		" and with 409 if one is disabled, with the cause ResourceDisabled: then nothing is triggered." + notRun,
	http.MethodPost + " enable": "enable resources of the specified Session." +
		" Answered with 404 if a resource doesn't exist, with the cause FieldValueNotFound: then nothing changes." + notRun,
	http.MethodPost + " disable": "disable resources of the specified Session." +
		" Answered with 404 if a resource doesn't exist, with the cause FieldValueNotFound: then nothing changes." + notRun,
	http.MethodGet + " args": "read spec.args of the specified Session.",
	http.MethodPost + " args": "replace spec.args of the specified Session, whose Tiltfile is evaluated again" +
		" if they differ. Answered with 409 if the Session is done, or if the posted resourceVersion isn't its own.",
	http.MethodGet + " log": "read or follow the log of the specified Session: lines of text or," +
		" as application/x-ndjson with the format \"json\", a SessionLogLine in each line." +
		" Answered with 404 if a resource doesn't exist, with the cause FieldValueNotFound," +
		" and with 409 if the Session isn't run by this server.",
}

// describedService is a service whose routes have requestDescriptions.
type describedService struct {
	restfuladapter.WebServiceAdapter
}

// describe returns services with requestDescriptions.
func describe(services []*restful.WebService) []common.RouteContainer {
	described := make([]common.RouteContainer, len(services))
	for i, service := range services {
		described[i] = &describedService{restfuladapter.WebServiceAdapter{WebService: service}}
	}
	return described
}

// Routes implements common.RouteContainer.
func (s *describedService) Routes() []common.Route {
	var described []common.Route
	for _, route := range s.WebService.Routes() {
		subresource, below := strings.CutPrefix(route.Path, sessionPath)
		if description, found := requestDescriptions[route.Method+" "+subresource]; below && found {
			route.Doc = description
			describeRoute(&route)
		}
		if below && subresource == "log" {
			describeLog(&route)
		}
		described = append(described, &restfuladapter.RouteAdapter{Route: &route})
	}
	return described
}

// describeRoute describes the name in the path as the Session's, and leaves 201 as the only response of a POST.
func describeRoute(route *restful.Route) {
	route.ParameterDocs = slices.Clone(route.ParameterDocs)
	for i, p := range route.ParameterDocs {
		if p.Kind() == restful.PathParameterKind {
			route.ParameterDocs[i] = restful.PathParameter(p.Data().Name, "name of the Session").DataType(p.Data().DataType)
		}
	}
	if route.Method == http.MethodPost {
		created := route.ResponseErrors[http.StatusCreated]
		route.ResponseErrors = map[int]restful.ResponseError{http.StatusCreated: created}
	}
}

// describeLog sets the media types of a log, and describes its parameters like the fields
// of SessionLogOptions. Upstream omits their descriptions and sinceTime.
func describeLog(route *restful.Route) {
	route.Produces = []string{session.MediaText, session.MediaJSONLines}
	route.ParameterDocs = slices.DeleteFunc(route.ParameterDocs, func(p *restful.Parameter) bool {
		return p.Kind() != restful.PathParameterKind
	})
	options := definition(v1alpha1.SessionLogOptions{}.OpenAPIModelName(), definitionsV2)
	for _, name := range slices.Sorted(maps.Keys(options.Properties)) {
		if property := options.Properties[name]; name != "kind" && name != "apiVersion" {
			p := restful.QueryParameter(name, property.Description).DataType(typeOfParameter(&property))
			route.ParameterDocs = append(route.ParameterDocs, p.AllowMultiple(property.Type.Contains("array")))
		}
	}
}

// typeOfParameter returns the name of a Go type. For a list it's that of an element, as upstream does.
func typeOfParameter(schema *spec.Schema) string {
	switch {
	case schema.Format == "int64":
		return schema.Format
	case schema.Ref.String() != "":
		return "time.Time"
	case schema.Type.Contains("array"):
		return "string"
	default:
		return schema.Type[0]
	}
}

// The prefixes of references to definitions.
const (
	definitionsV2 = "#/definitions/"
	definitionsV3 = "#/components/schemas/"
)

// definition returns the generated definition of a model, with references that begin with prefix.
func definition(model, prefix string) spec.Schema {
	all := openapi.GetOpenAPIDefinitions(func(name string) spec.Ref { return spec.MustCreateRef(prefix + name) })
	return all[model].Schema
}
