// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package coreapi

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"tilt.dev/session/hack/e2e/kubeconfig"
)

// token is what the servers show that ask.
const token = "token-of-an-api-server"

// Config is what the server answers by.
type Config struct {
	// Tokens are those of users.
	Tokens map[string]authenticationv1.UserInfo
	// Bindings say what is allowed. All else isn't.
	Bindings []Binding
}

// Server runs until the test ends.
type Server struct {
	t      testing.TB
	config Config
	server *httptest.Server
}

// Start starts a server with TLS on a free port.
func Start(t testing.TB, config Config) *Server {
	t.Helper()
	s := &Server{t: t, config: config}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /apis/authentication.k8s.io/v1/tokenreviews", s.reviewToken)
	mux.HandleFunc("POST /apis/authorization.k8s.io/v1/subjectaccessreviews", s.reviewAccess)
	// What there are of these is what every API server knows by itself.
	mux.HandleFunc("GET /apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", listNone(flowcontrolv1.FlowSchemaList{
		TypeMeta: metav1.TypeMeta{APIVersion: "flowcontrol.apiserver.k8s.io/v1", Kind: "FlowSchemaList"}, ListMeta: metav1.ListMeta{ResourceVersion: "1"}}))
	mux.HandleFunc("GET /apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations", listNone(flowcontrolv1.PriorityLevelConfigurationList{
		TypeMeta: metav1.TypeMeta{APIVersion: "flowcontrol.apiserver.k8s.io/v1", Kind: "PriorityLevelConfigurationList"}, ListMeta: metav1.ListMeta{ResourceVersion: "1"}}))
	s.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		s.server.CloseClientConnections()
		s.server.Close()
	})
	return s
}

// Kubeconfig is the path of a file by which it's reached.
func (s *Server) Kubeconfig() string {
	s.t.Helper()
	return kubeconfig.Write(s.t, &rest.Config{Host: s.server.URL, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{
		CAData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.server.Certificate().Raw}),
	}})
}

func (s *Server) reviewToken(w http.ResponseWriter, r *http.Request) {
	var review authenticationv1.TokenReview
	if !decode(w, r, &review) {
		return
	}
	review.Status.User, review.Status.Authenticated = s.config.Tokens[review.Spec.Token], false
	_, review.Status.Authenticated = s.config.Tokens[review.Spec.Token]
	answer(w, http.StatusCreated, review)
}

func (s *Server) reviewAccess(w http.ResponseWriter, r *http.Request) {
	var review authorizationv1.SubjectAccessReview
	if !decode(w, r, &review) {
		return
	}
	review.Status.Allowed = slices.ContainsFunc(s.config.Bindings, func(b Binding) bool { return b.allows(review.Spec) })
	answer(w, http.StatusCreated, review)
}

// listNone lists nothing, and watches it until the client has enough of that.
func listNone(list any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch query := r.URL.Query(); {
		case query.Get("sendInitialEvents") != "":
			// Clients list and watch then.
			http.Error(w, "a watch doesn't begin with a list here", http.StatusUnprocessableEntity)
		case query.Get("watch") == "":
			answer(w, http.StatusOK, list)
		default:
			w.Header().Set("Content-Type", "application/json")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	}
}

func decode(w http.ResponseWriter, r *http.Request, object any) bool {
	if err := json.NewDecoder(r.Body).Decode(object); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func answer(w http.ResponseWriter, code int, object any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	// A client that has gone isn't there to be told.
	_ = json.NewEncoder(w).Encode(object)
}
