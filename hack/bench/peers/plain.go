// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"net"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/authentication/request/anonymous"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/endpoints/openapi"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/util/compatibility"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	definitions "tilt.dev/session/pkg/generated/openapi"
)

// servePlain is an API server of stock parts, as k8s.io/sample-apiserver shows,
// over an etcd in the same process.
func servePlain(ctx context.Context, dir string) error {
	member, endpoint, err := startEtcdServer(ctx, dir)
	if err != nil {
		return err
	}
	defer member.Close()
	config, err := plainConfig(endpoint)
	if err != nil {
		return err
	}
	loopback := config.LoopbackClientConfig
	server, err := newPlainServer(config)
	if err != nil {
		return err
	}
	err = server.AddPostStartHook("publish", func(genericapiserver.PostStartHookContext) error {
		return publish(dir, loopback)
	})
	if err != nil {
		return err
	}
	return server.PrepareRun().RunWithContext(ctx)
}

// plainScheme has Sessions in their served and in their internal version.
func plainScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	if err := v1alpha1.AddInternalToScheme(scheme); err != nil {
		return nil, err
	}
	return scheme, scheme.SetVersionPriority(v1alpha1.SchemeGroupVersion)
}

// plainServer is what a server is built from.
type plainServer struct {
	*genericapiserver.RecommendedConfig
	scheme *runtime.Scheme
	codecs serializer.CodecFactory
}

// plainConfig applies the recommended options, but for what needs a core API:
// delegated authentication and authorization, admission by plugins, and
// priority and fairness.
func plainConfig(endpoint string) (*plainServer, error) {
	scheme, err := plainScheme()
	if err != nil {
		return nil, err
	}
	codecs := serializer.NewCodecFactory(scheme)
	options := genericoptions.NewRecommendedOptions("/registry/tilt.dev", codecs.LegacyCodec(v1alpha1.SchemeGroupVersion))
	options.Authentication, options.Authorization, options.CoreAPI, options.Admission = nil, nil, nil, nil
	options.Features.EnablePriorityAndFairness = false
	options.Etcd.StorageConfig.Transport.ServerList = []string{endpoint}
	options.SecureServing.ServerCert.CertDirectory = ""
	if options.SecureServing.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	localhost := []net.IP{net.IPv4(127, 0, 0, 1)}
	options.SecureServing.BindAddress = localhost[0]
	if err := options.SecureServing.MaybeDefaultWithSelfSignedCerts("localhost", nil, localhost); err != nil {
		return nil, err
	}

	config := genericapiserver.NewRecommendedConfig(codecs)
	config.EffectiveVersion = compatibility.DefaultBuildEffectiveVersion()
	// Definitions are named by a scheme that doesn't have each type twice.
	served := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(served); err != nil {
		return nil, err
	}
	namer := openapi.NewDefinitionNamer(served)
	config.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(definitions.GetOpenAPIDefinitions, namer)
	config.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(definitions.GetOpenAPIDefinitions, namer)
	config.OpenAPIConfig.Info.Title, config.OpenAPIV3Config.Info.Title = "plain", "plain"
	if err := options.ApplyTo(config); err != nil {
		return nil, err
	}
	// The generic server adds the token of its loopback client to these.
	config.Authentication.Authenticator = anonymous.NewAuthenticator(nil)
	config.Authorization.Authorizer = authorizerfactory.NewPrivilegedGroups("system:masters")
	return &plainServer{config, scheme, codecs}, nil
}

// newPlainServer serves sessions and sessions/status.
func newPlainServer(config *plainServer) (*genericapiserver.GenericAPIServer, error) {
	server, err := config.Complete().New("plain", genericapiserver.NewEmptyDelegate())
	if err != nil {
		return nil, err
	}
	sessions, status, err := newPlainStores(config.scheme, config.RESTOptionsGetter)
	if err != nil {
		return nil, err
	}
	group := genericapiserver.NewDefaultAPIGroupInfo(v1alpha1.GroupName, config.scheme,
		runtime.NewParameterCodec(config.scheme), config.codecs)
	group.VersionedResourcesStorageMap[v1alpha1.SchemeGroupVersion.Version] = map[string]rest.Storage{
		"sessions": sessions, "sessions/status": status,
	}
	return server, server.InstallAPIGroup(&group)
}
