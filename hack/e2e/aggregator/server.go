// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregator

import (
	"context"
	"testing"

	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	aggregator "k8s.io/kube-aggregator/pkg/apiserver"
	"k8s.io/kube-aggregator/pkg/apiserver/scheme"
	"k8s.io/kube-aggregator/pkg/generated/openapi"

	"tilt.dev/session/hack/e2e/pki"
	"tilt.dev/session/pkg/storage"
)

// Config says whom the aggregator knows and where it sends requests.
type Config struct {
	// Users are known by client certificates of this authority, or by their tokens.
	Users  *pki.Authority
	Tokens []Token
	// Namespace and Service are the one service that there is.
	Namespace, Service string
	// Resolve returns the address of an endpoint of the service, for each request.
	Resolve func() (string, error)
	// ProxyClient are the files of the certificate that it shows to the service. When
	// they change they're read again.
	ProxyClient pki.Files
}

// Server runs until the test ends.
type Server struct {
	t      testing.TB
	config Config
	url    string
	// authority verifies the server itself.
	authority *pki.Authority
	loopback  *rest.Config
	// core has the services, which are found by services.
	core     *fake.Clientset
	services *services
}

// Start starts one on a free port, without an APIService, and returns when it's
// ready.
func Start(t testing.TB, config Config) *Server {
	t.Helper()
	s := &Server{t: t, config: config, authority: pki.NewAuthority(t, "aggregator"), core: fake.NewClientset(), services: newServices()}
	generic := genericapiserver.NewRecommendedConfig(scheme.Codecs)
	generic.EffectiveVersion = newVersion()
	s.listen(generic)
	s.authenticate(generic)
	describe(generic)
	backend := openStorage(t)
	generic.RESTOptionsGetter = backend.RESTOptionsGetter()
	generic.MergedResourceConfig = aggregator.DefaultAPIResourceConfigSource()
	generic.SharedInformerFactory = informers.NewSharedInformerFactory(s.core, 0)
	s.addService(config.Service, config.Resolve)
	full := aggregator.Config{GenericConfig: generic, ExtraConfig: aggregator.ExtraConfig{
		ServiceResolver:     s.services,
		ProxyClientCertFile: config.ProxyClient.Cert,
		ProxyClientKeyFile:  config.ProxyClient.Key,
	}}
	built, err := full.Complete().NewWithDelegate(genericapiserver.NewEmptyDelegate())
	if err != nil {
		t.Fatalf("building the aggregator: %v", err)
	}
	prepared, err := built.PrepareRun()
	if err != nil {
		t.Fatalf("preparing the aggregator: %v", err)
	}
	s.loopback = generic.LoopbackClientConfig
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- prepared.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the aggregator: %v", err)
		}
		generic.SharedInformerFactory.Shutdown()
		if err := backend.Close(); err != nil {
			t.Error(err)
		}
	})
	s.awaitReady()
	return s
}

func openStorage(t testing.TB) *storage.Backend {
	t.Helper()
	backend, err := storage.NewMemory(storage.Config{Codec: scheme.Codecs.LegacyCodec(apiregistrationv1.SchemeGroupVersion)})
	if err != nil {
		t.Fatal(err)
	}
	return backend
}

// describe sets what the OpenAPI documents of the aggregator begin with.
func describe(generic *genericapiserver.RecommendedConfig) {
	namer := openapinamer.NewDefinitionNamer(scheme.Scheme)
	generic.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(openapi.GetOpenAPIDefinitions, namer)
	generic.OpenAPIConfig.Info.Title = "aggregator"
	generic.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(openapi.GetOpenAPIDefinitions, namer)
	generic.OpenAPIV3Config.Info.Title = "aggregator"
	// It installs them itself, merged with those of its services.
	generic.SkipOpenAPIInstallation = true
}
