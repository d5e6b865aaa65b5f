// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/pkg/server/healthz"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// The ConfigMap in which a kube-apiserver publishes the authorities of clients and front proxies.
const (
	lookupNamespace = metav1.NamespaceSystem
	lookupName      = "extension-apiserver-authentication"
	lookupTimeout   = 10 * time.Second
)

// delegateAuthentication returns the authenticator of front proxies, client
// certificates and tokens of the core API server, or nil if none is configured.
func (c *Config) delegateAuthentication() (authenticator.Request, error) {
	options := &c.options.Authentication
	core, err := c.coreClient("--authentication-kubeconfig", options.RemoteKubeConfigFile, 0)
	if err != nil {
		return nil, err
	}
	config := authenticatorfactory.DelegatingAuthenticatorConfig{
		CacheTTL:                 options.CacheTTL,
		WebhookRetryBackoff:      options.WebhookRetryBackoff,
		TokenAccessReviewTimeout: options.TokenRequestTimeout,
	}
	if config.ClientCertificateCAContentProvider, err = options.ClientCert.GetClientCAContentProvider(); err != nil {
		return nil, fmt.Errorf("--client-ca-file: %w", err)
	}
	if config.RequestHeaderConfig, err = options.RequestHeader.ToAuthenticationRequestHeaderConfig(); err != nil {
		return nil, fmt.Errorf("--requestheader-client-ca-file: %w", err)
	}
	if core != nil {
		config.TokenAccessReviewClient = core.AuthenticationV1()
		if err := c.lookUp(core, &config); err != nil {
			return nil, err
		}
	}
	if err := c.acceptClientCertificates(&config); err != nil {
		return nil, err
	}
	if core == nil && config.ClientCertificateCAContentProvider == nil && config.RequestHeaderConfig == nil {
		return nil, nil // New returns an error if nothing is configured
	}
	delegated, _, err := config.New()
	return delegated, err
}

// acceptClientCertificates makes the server request certificates of the authorities. Clients needn't have one.
func (c *Config) acceptClientCertificates(config *authenticatorfactory.DelegatingAuthenticatorConfig) error {
	if authorities := config.ClientCertificateCAContentProvider; authorities != nil {
		if err := c.generic.Authentication.ApplyClientCert(authorities, c.generic.SecureServing); err != nil {
			return err
		}
	}
	proxies := config.RequestHeaderConfig
	if proxies == nil {
		return nil
	}
	// The server deletes the headers of proxies from each request before handling it.
	c.generic.Authentication.RequestHeaderConfig = proxies
	// Upstream: k8s.io/apiserver/pkg/endpoints/filters/authentication.go and
	// pkg/server/genericapiserver.go, v0.36.x: over HTTP/2 the server closes the connection of an anonymous user,
	// and all connections when it shuts down. A front proxy has the requests of all users on one connection and
	// can't repeat a request body, so that writes of other users fail. Over HTTP/1.1 a connection is closed after
	// its only request. Remove when proxies retry such writes.
	c.generic.SecureServing.DisableHTTP2 = true
	return c.generic.Authentication.ApplyClientCert(proxies.CAContentProvider, c.generic.SecureServing)
}

// lookUp completes a configuration with the authorities in the ConfigMap of the core
// API server. Readiness waits for the front proxies, unless failures are tolerated.
func (c *Config) lookUp(core kubernetes.Interface, config *authenticatorfactory.DelegatingAuthenticatorConfig) error {
	options := &c.options.Authentication
	complete := config.ClientCertificateCAContentProvider != nil && config.RequestHeaderConfig != nil
	if options.SkipInClusterLookup || complete {
		return nil
	}
	if err := checkLookup(core); err != nil {
		if !options.TolerateInClusterLookupFailure {
			return err
		}
		klog.Background().Error(err, "Starting without the authorities of clients and front proxies")
	}
	if config.ClientCertificateCAContentProvider == nil {
		authorities, err := dynamiccertificates.NewDynamicCAFromConfigMapController(
			"client-ca", lookupNamespace, lookupName, "client-ca-file", core)
		if err != nil {
			return err
		}
		config.ClientCertificateCAContentProvider = authorities
	}
	if config.RequestHeaderConfig != nil {
		return nil
	}
	authorities, err := dynamiccertificates.NewDynamicCAFromConfigMapController(
		"request-header", lookupNamespace, lookupName, "requestheader-client-ca-file", core)
	if err != nil {
		return err
	}
	proxies := &genericoptions.DynamicRequestHeaderController{
		ConfigMapCAController: authorities,
		RequestHeaderAuthRequestController: headerrequest.NewRequestHeaderAuthRequestController(
			lookupName, lookupNamespace, core,
			"requestheader-username-headers", "requestheader-uid-headers", "requestheader-group-headers",
			"requestheader-extra-headers-prefix", "requestheader-allowed-names"),
	}
	if !options.TolerateInClusterLookupFailure {
		c.readyz = append(c.readyz, healthz.NamedCheck("front-proxy-lookup", func(*http.Request) error {
			if _, ok := proxies.VerifyOptions(); !ok || len(proxies.UsernameHeaders()) == 0 {
				return errors.New("not looked up yet")
			}
			return nil
		}))
	}
	config.RequestHeaderConfig = &authenticatorfactory.RequestHeaderConfig{
		CAContentProvider:   proxies,
		UsernameHeaders:     headerrequest.StringSliceProviderFunc(proxies.UsernameHeaders),
		UIDHeaders:          headerrequest.StringSliceProviderFunc(proxies.UIDHeaders),
		GroupHeaders:        headerrequest.StringSliceProviderFunc(proxies.GroupHeaders),
		ExtraHeaderPrefixes: headerrequest.StringSliceProviderFunc(proxies.ExtraHeaderPrefixes),
		AllowedClientNames:  headerrequest.StringSliceProviderFunc(proxies.AllowedClientNames),
	}
	return nil
}

func checkLookup(core kubernetes.Interface) error {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	_, err := core.CoreV1().ConfigMaps(lookupNamespace).Get(ctx, lookupName, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("look up the authorities of clients and front proxies in ConfigMap %s/%s "+
			"of the core API server: %w (bind the role extension-apiserver-authentication-reader, "+
			"set --client-ca-file and --requestheader-client-ca-file, or set "+
			"--authentication-tolerate-lookup-failure or --authentication-skip-lookup)",
			lookupNamespace, lookupName, err)
	}
	return nil
}

// coreConfig returns how to connect to the core API server: by the kubeconfig that a
// flag sets, or with the service account of the pod. It returns nil for neither.
func coreConfig(flag, kubeconfig string, inCluster bool) (config *rest.Config, err error) {
	switch {
	case kubeconfig != "":
		if config, err = clientcmd.BuildConfigFromFlags("", kubeconfig); err != nil {
			return nil, fmt.Errorf("%s %s: %w", flag, kubeconfig, err)
		}
	case inCluster:
		if config, err = rest.InClusterConfig(); err != nil {
			return nil, fmt.Errorf("--in-cluster: %w", err)
		}
	}
	return config, nil
}

// coreConfig returns how this server connects to the core API server, or nil. The
// server closes idle connections when it stops.
func (c *Config) coreConfig(flag, kubeconfig string, timeout time.Duration) (*rest.Config, error) {
	config, err := coreConfig(flag, kubeconfig, c.options.InCluster)
	if config == nil || err != nil {
		return nil, err
	}
	config.QPS = -1 // a limit would be one of this server too
	config.Timeout = timeout
	config.UserAgent = c.userAgent()
	c.cores = append(c.cores, config)
	return config, nil
}

// coreClient returns a client of the core API server, or nil without one.
func (c *Config) coreClient(flag, kubeconfig string, timeout time.Duration) (kubernetes.Interface, error) {
	config, err := c.coreConfig(flag, kubeconfig, timeout)
	if config == nil || err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", flag, kubeconfig, err)
	}
	return client, nil
}

// closeCoreConnections closes the idle connections to the core API server.
func (c *Config) closeCoreConnections() {
	for _, config := range c.cores {
		// It returns the transport that the clients share.
		if transport, err := rest.TransportFor(config); err == nil {
			utilnet.CloseIdleConnectionsFor(transport)
		}
	}
}
