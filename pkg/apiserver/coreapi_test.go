// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const (
	coreToken      = "token-of-the-session-server"
	configMapsPath = "/api/v1/namespaces/kube-system/configmaps"
)

// coreAPI is a fake of the parts of a kube-apiserver that a server uses.
type coreAPI struct {
	t      testing.TB
	server *httptest.Server
	// broken makes every request fail.
	broken atomic.Bool

	mu sync.Mutex
	// users has users by their tokens.
	users   map[string]authenticationv1.UserInfo
	tokens  []string
	reviews []authorizationv1.SubjectAccessReviewSpec
	// published is the ConfigMap with the authorities, or nil.
	published *corev1.ConfigMap
	// changed is closed when published changes.
	changed chan struct{}

	// shared has the objects of replicas.
	shared sharedObjects
}

func newCoreAPI(t testing.TB) *coreAPI {
	t.Helper()
	c := &coreAPI{t: t, changed: make(chan struct{}), users: map[string]authenticationv1.UserInfo{
		"token-of-vera":  {Username: "vera", UID: "7", Groups: []string{"viewers"}},
		"token-of-admin": {Username: "admin", Groups: []string{"admins"}},
	}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /apis/authentication.k8s.io/v1/tokenreviews", c.reviewToken)
	mux.HandleFunc("POST /apis/authorization.k8s.io/v1/subjectaccessreviews", c.reviewAccess)
	c.shared.serve(mux, c.answer, c.refuse)
	mux.HandleFunc("GET "+configMapsPath, c.configMaps)
	mux.HandleFunc("GET "+configMapsPath+"/{name}", c.configMap)
	for resource, list := range map[string]any{
		"flowschemas":                 &flowcontrolv1.FlowSchemaList{TypeMeta: metav1.TypeMeta{APIVersion: "flowcontrol.apiserver.k8s.io/v1", Kind: "FlowSchemaList"}, ListMeta: metav1.ListMeta{ResourceVersion: "1"}},
		"prioritylevelconfigurations": &flowcontrolv1.PriorityLevelConfigurationList{TypeMeta: metav1.TypeMeta{APIVersion: "flowcontrol.apiserver.k8s.io/v1", Kind: "PriorityLevelConfigurationList"}, ListMeta: metav1.ListMeta{ResourceVersion: "1"}},
	} {
		mux.HandleFunc("GET /apis/flowcontrol.apiserver.k8s.io/v1/"+resource, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("watch") == "" {
				c.answer(w, http.StatusOK, list)
				return
			}
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})
	}
	c.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case c.broken.Load():
			c.refuse(w, apierrors.NewInternalError(http.ErrAbortHandler))
		case r.Header.Get("Authorization") != "Bearer "+coreToken:
			c.refuse(w, apierrors.NewUnauthorized("unknown token"))
		case r.URL.Query().Get("sendInitialEvents") != "":
			// Clients fall back to LIST and WATCH.
			c.refuse(w, apierrors.NewInvalid(metav1.SchemeGroupVersion.WithKind("ListOptions").GroupKind(), "", nil))
		default:
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		c.server.CloseClientConnections()
		c.server.Close()
	})
	return c
}

// kubeconfig returns the path of a kubeconfig for it.
func (c *coreAPI) kubeconfig() string {
	c.t.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["core"] = &clientcmdapi.Cluster{Server: c.server.URL, CertificateAuthorityData: certificatePEM(c.server.Certificate().Raw)}
	config.AuthInfos["session"] = &clientcmdapi.AuthInfo{Token: coreToken}
	config.Contexts["core"] = &clientcmdapi.Context{Cluster: "core", AuthInfo: "session"}
	config.CurrentContext = "core"
	path := filepath.Join(c.t.TempDir(), "core.kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		c.t.Fatal(err)
	}
	return path
}

func (c *coreAPI) answer(w http.ResponseWriter, code int, object any) {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(code)
	// An error means that the client has gone.
	_ = json.NewEncoder(w).Encode(object)
}

func (c *coreAPI) refuse(w http.ResponseWriter, err *apierrors.StatusError) {
	status := err.Status()
	status.APIVersion, status.Kind = "v1", "Status"
	c.answer(w, int(status.Code), status)
}

func (c *coreAPI) reviewToken(w http.ResponseWriter, r *http.Request) {
	var review authenticationv1.TokenReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		c.refuse(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens = append(c.tokens, review.Spec.Token)
	review.Status.User, review.Status.Authenticated = c.users[review.Spec.Token], false
	_, review.Status.Authenticated = c.users[review.Spec.Token]
	c.answer(w, http.StatusCreated, review)
}

// reviewAccess allows admin everything, and vera to read.
func (c *coreAPI) reviewAccess(w http.ResponseWriter, r *http.Request) {
	var review authorizationv1.SubjectAccessReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		c.refuse(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reviews = append(c.reviews, review.Spec)
	attributes := review.Spec.ResourceAttributes
	reads := attributes != nil && slices.Contains([]string{"get", "list", "watch"}, attributes.Verb)
	review.Status.Allowed = review.Spec.User == "admin" || review.Spec.User == "vera" && reads
	review.Status.Reason = "the rules of the cluster"
	c.answer(w, http.StatusCreated, review)
}

// publish sets the data of the ConfigMap.
func (c *coreAPI) publish(data map[string]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	version := "2"
	if c.published != nil {
		version = c.published.ResourceVersion + "0"
	}
	c.published = &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "extension-apiserver-authentication", ResourceVersion: version},
		Data:       data,
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *coreAPI) now() (*corev1.ConfigMap, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.published, c.changed
}

func (c *coreAPI) configMap(w http.ResponseWriter, r *http.Request) {
	published, _ := c.now()
	if published == nil || r.PathValue("name") != published.Name {
		c.refuse(w, apierrors.NewNotFound(corev1.Resource("configmaps"), r.PathValue("name")))
		return
	}
	c.answer(w, http.StatusOK, published)
}

// configMaps lists or watches the ConfigMap. A watch sends a change since the list at once.
func (c *coreAPI) configMaps(w http.ResponseWriter, r *http.Request) {
	published, changed := c.now()
	query := r.URL.Query()
	if query.Get("watch") == "" {
		list := corev1.ConfigMapList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMapList"}, ListMeta: metav1.ListMeta{ResourceVersion: "1"}}
		if published != nil {
			list.ResourceVersion, list.Items = published.ResourceVersion, []corev1.ConfigMap{*published}
		}
		c.answer(w, http.StatusOK, list)
		return
	}
	w.Header().Set("Content-Type", jsonType)
	w.(http.Flusher).Flush()
	for seen := query.Get("resourceVersion"); ; published, changed = c.now() {
		if published != nil && published.ResourceVersion != seen {
			seen = published.ResourceVersion
			encoded, err := json.Marshal(published)
			if err != nil {
				return
			}
			_ = json.NewEncoder(w).Encode(rawEvent{Type: "MODIFIED", Object: encoded})
			w.(http.Flusher).Flush()
		}
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		}
	}
}

// reviewed returns the tokens and accesses that it has reviewed.
func (c *coreAPI) reviewed() (tokens string, reviews []authorizationv1.SubjectAccessReviewSpec) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.tokens, " "), slices.Clone(c.reviews)
}
