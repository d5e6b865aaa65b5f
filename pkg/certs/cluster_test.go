// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	secretsPath     = "/api/v1/namespaces/prod/secrets"
	secretPath      = secretsPath + "/serving"
	apiServicesPath = "/apis/apiregistration.k8s.io/v1/apiservices"
	apiServicePath  = apiServicesPath + "/v1alpha1.tilt.dev"
)

// cluster is a fake kube-apiserver with the objects of servers that share a certificate.
type cluster struct {
	t      testing.TB
	server *httptest.Server

	mu      sync.Mutex
	version int
	objects map[string]map[string]any
	// refused has the errors of requests, by method and path as in "PATCH /apis/...".
	refused map[string]*apierrors.StatusError
	// written counts writes.
	written int
}

func newCluster(t testing.TB) *cluster {
	c := &cluster{t: t, objects: map[string]map[string]any{}, refused: map[string]*apierrors.StatusError{}}
	c.server = httptest.NewServer(c)
	t.Cleanup(c.server.Close)
	c.put(apiServicePath, map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
		"metadata": map[string]any{"name": "v1alpha1.tilt.dev"},
		"spec":     map[string]any{"group": "tilt.dev", "version": "v1alpha1", "service": map[string]any{"name": "session", "namespace": "prod"}},
	})
	return c
}

// clients returns the clients of one server.
func (c *cluster) clients() (kubernetes.Interface, dynamic.Interface) {
	c.t.Helper()
	config := &rest.Config{Host: c.server.URL, QPS: -1, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { utilnet.CloseIdleConnectionsFor(client.Transport) })
	core, err := kubernetes.NewForConfigAndClient(config, client)
	if err != nil {
		c.t.Fatal(err)
	}
	untyped, err := dynamic.NewForConfigAndClient(config, client)
	if err != nil {
		c.t.Fatal(err)
	}
	return core, untyped
}

// put stores an object unconditionally.
func (c *cluster) put(path string, object map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.store(path, object)
}

func (c *cluster) store(path string, object map[string]any) {
	c.version++
	c.written++
	object["metadata"].(map[string]any)["resourceVersion"] = strconv.Itoa(c.version)
	c.objects[path] = object
}

func (c *cluster) remove(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.objects, path)
}

// refuse makes a request fail from now on, or succeed again if err is nil.
func (c *cluster) refuse(what string, err *apierrors.StatusError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused[what] = err
}

func (c *cluster) writes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written
}

// secret returns the Secret.
func (c *cluster) secret() *corev1.Secret {
	c.t.Helper()
	secret := &corev1.Secret{}
	c.read(secretPath, secret)
	return secret
}

// bundle returns the caBundle.
func (c *cluster) bundle() []byte {
	c.t.Helper()
	var api struct{ Spec struct{ CABundle []byte } }
	c.read(apiServicePath, &api)
	return api.Spec.CABundle
}

// publish sets the caBundle.
func (c *cluster) publish(bundle []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	object := c.objects[apiServicePath]
	object["spec"].(map[string]any)["caBundle"] = bundle
	c.store(apiServicePath, object)
}

func (c *cluster) read(path string, into any) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	text, err := json.Marshal(c.objects[path])
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	object, err := c.do(r)
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		status := err.Status()
		status.APIVersion, status.Kind = "v1", "Status"
		w.WriteHeader(int(status.Code))
		_ = json.NewEncoder(w).Encode(status)
		return
	}
	_ = json.NewEncoder(w).Encode(object)
}

func (c *cluster) do(r *http.Request) (map[string]any, *apierrors.StatusError) {
	if err := c.refused[r.Method+" "+r.URL.Path]; err != nil {
		return nil, err
	}
	resource := corev1.Resource(r.URL.Path)
	was, found := c.objects[r.URL.Path]
	object := map[string]any{}
	switch {
	case r.Method == http.MethodPost:
		if err := json.NewDecoder(r.Body).Decode(&object); err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		path := r.URL.Path + "/" + object["metadata"].(map[string]any)["name"].(string)
		if _, found := c.objects[path]; found {
			return nil, apierrors.NewAlreadyExists(resource, path)
		}
		c.store(path, object)
		return object, nil
	case !found:
		return nil, apierrors.NewNotFound(resource, r.URL.Path)
	case r.Method == http.MethodGet:
		return was, nil
	}
	if err := change(r, was, &object); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if version(object) != version(was) {
		return nil, apierrors.NewConflict(resource, r.URL.Path, fmt.Errorf("it has changed"))
	}
	c.store(r.URL.Path, object)
	return object, nil
}

func version(object map[string]any) any {
	return object["metadata"].(map[string]any)["resourceVersion"]
}

// change decodes the object of a write.
func change(r *http.Request, was map[string]any, into *map[string]any) error {
	if r.Method == http.MethodPut {
		return json.NewDecoder(r.Body).Decode(into)
	}
	if got := r.Header.Get("Content-Type"); got != string(types.MergePatchType) {
		return fmt.Errorf("%s %s", r.Method, got)
	}
	before, err := json.Marshal(was)
	if err != nil {
		return err
	}
	patch, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	after, err := jsonpatch.MergePatch(before, patch)
	if err != nil {
		return err
	}
	return json.Unmarshal(after, into)
}
