// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	restful "github.com/emicklei/go-restful/v3"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/common/restfuladapter"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/openapi"
	"tilt.dev/session/pkg/registry/session"
)

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
