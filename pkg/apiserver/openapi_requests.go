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

// sessionPath is where the subresources of a Session begin.
var sessionPath = "/apis/" + v1alpha1.SchemeGroupVersion.String() + "/sessions/{name}/"

// notRun tells when there's nobody to see to a request.
const notRun = " Answered with 409 if the Session isn't run by this server or is done."

// requestDescriptions say what the subresources are for that belong to a run. The
// library would call each post the creation of something.
var requestDescriptions = map[string]string{
	http.MethodPost + " trigger": "ask for one more execution of resources of the specified Session." +
		" Answered with 404 if a resource doesn't exist, with the cause FieldValueNotFound, and with 409 if one is disabled, with the cause ResourceDisabled: then nothing is triggered." + notRun,
	http.MethodPost + " enable": "enable resources of the specified Session." +
		" Answered with 404 if a resource doesn't exist, with the cause FieldValueNotFound: then nothing changes." + notRun,
	http.MethodPost + " disable": "disable resources of the specified Session." +
		" Answered with 404 if a resource doesn't exist, with the cause FieldValueNotFound: then nothing changes." + notRun,
	http.MethodGet + " args": "read the arguments of the Tiltfile of the specified Session." +
		" Answered with 409 if the Session isn't run by this server.",
	http.MethodPost + " args": "replace the arguments of the Tiltfile of the specified Session, which is evaluated again if they differ." + notRun,
	http.MethodGet + " log": "read or follow the log of the specified Session: lines of text or, as application/x-ndjson with the format \"json\", a SessionLogLine in each line." +
		" Answered with 404 if a resource doesn't exist, with the cause FieldValueNotFound, and with 409 if the Session isn't run by this server.",
}

// describedService describes the routes of a service as requestDescriptions say.
type describedService struct {
	restfuladapter.WebServiceAdapter
}

// describe returns the routes of services as they're to be documented.
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

// describeRoute corrects what the library says of a route: the name in the path is
// the Session's, and a post has but one good answer.
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

// describeLog tells what a log is written in, and describes the parameters as the
// type of the options does. The library would leave out what they mean, and
// the time among them.
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

// typeOfParameter is a type by its name in Go. Of a list it's that of an element, as
// everywhere in the API.
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

// Where the documents have their definitions.
const (
	definitionsV2 = "#/definitions/"
	definitionsV3 = "#/components/schemas/"
)

// definition is a generated one, whose references lead below at.
func definition(model, at string) spec.Schema {
	all := openapi.GetOpenAPIDefinitions(func(name string) spec.Ref { return spec.MustCreateRef(at + name) })
	return all[model].Schema
}
