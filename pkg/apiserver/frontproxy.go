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
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
)

// Where a kube-apiserver publishes the authorities of clients and front proxies.
const (
	lookupNamespace = metav1.NamespaceSystem
	lookupName      = "extension-apiserver-authentication"
	lookupTimeout   = 10 * time.Second
)

// trustProxies returns what knows users by the headers of a front proxy. Those are
// deleted from a request before it's handled.
func (c *Config) trustProxies(config *authenticatorfactory.RequestHeaderConfig) (authenticator.Request, error) {
	if err := c.asksForCertificates(config.CAContentProvider); err != nil {
		return nil, err
	}
	c.generic.Authentication.RequestHeaderConfig = config
	// A proxy has everybody's requests on one connection of HTTP/2, and can't send a
	// body again: a write that's on its way when the server says that it closes the
	// connection is lost. That's said when the server leaves, to spread clients over
	// servers, and to whoever is anonymous. In HTTP/1.1 it's said with an answer, to a
	// connection that has no other request.
	c.generic.SecureServing.DisableHTTP2 = true
	return headerrequest.NewDynamicVerifyOptionsSecure(config.CAContentProvider.VerifyOptions, config.AllowedClientNames,
		config.UsernameHeaders, config.UIDHeaders, config.GroupHeaders, config.ExtraHeaderPrefixes), nil
}

// proxies returns the front proxies by the flags, or by what a core API server
// publishes, or nil.
func (c *Config) proxies(core kubernetes.Interface) (*authenticatorfactory.RequestHeaderConfig, error) {
	options := &c.options.Authentication
	config, err := options.RequestHeader.ToAuthenticationRequestHeaderConfig()
	if err != nil {
		return nil, fmt.Errorf("--requestheader-client-ca-file: %w", err)
	}
	if config != nil || core == nil || options.SkipLookup {
		return config, nil
	}
	looked, err := newLookedUpProxies(core)
	if err != nil {
		return nil, err
	}
	c.awaits("front-proxy-lookup", looked.known)
	return &authenticatorfactory.RequestHeaderConfig{
		CAContentProvider:   looked,
		UsernameHeaders:     headerrequest.StringSliceProviderFunc(looked.UsernameHeaders),
		UIDHeaders:          headerrequest.StringSliceProviderFunc(looked.UIDHeaders),
		GroupHeaders:        headerrequest.StringSliceProviderFunc(looked.GroupHeaders),
		ExtraHeaderPrefixes: headerrequest.StringSliceProviderFunc(looked.ExtraHeaderPrefixes),
		AllowedClientNames:  headerrequest.StringSliceProviderFunc(looked.AllowedClientNames),
	}, nil
}

// clientAuthorities returns those of the flag, or what a core API server publishes,
// or nil.
func (c *Config) clientAuthorities(core kubernetes.Interface) (dynamiccertificates.CAContentProvider, error) {
	options := &c.options.Authentication
	authorities, err := options.ClientCert.GetClientCAContentProvider()
	if err != nil {
		return nil, fmt.Errorf("--client-ca-file: %w", err)
	}
	if authorities != nil || core == nil || options.SkipLookup {
		return authorities, nil
	}
	return dynamiccertificates.NewDynamicCAFromConfigMapController("client-ca", lookupNamespace, lookupName, "client-ca-file", core)
}

// checkLookup returns why nothing can be looked up, unless that is tolerated.
func (c *Config) checkLookup(core kubernetes.Interface) error {
	options := &c.options.Authentication
	complete := options.ClientCert.ClientCA != "" && options.RequestHeader.ClientCAFile != ""
	if core == nil || options.SkipLookup || complete {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	_, err := core.CoreV1().ConfigMaps(lookupNamespace).Get(ctx, lookupName, metav1.GetOptions{})
	if err == nil {
		return nil
	}
	if options.TolerateLookupFailure {
		klog.FromContext(ctx).Error(err, "The authorities of clients and front proxies cannot be looked up yet", "namespace", lookupNamespace, "configMap", lookupName)
		return nil
	}
	return fmt.Errorf("looking up the authorities of clients and front proxies in the ConfigMap %s/%s of the core API server: %w"+
		" (bind the role extension-apiserver-authentication-reader, name the authorities by --client-ca-file and --requestheader-client-ca-file,"+
		" or do without by --authentication-tolerate-lookup-failure or --authentication-skip-lookup)", lookupNamespace, lookupName, err)
}

// awaits has readiness wait for a lookup, unless it may fail.
func (c *Config) awaits(name string, known func() bool) {
	if c.options.Authentication.TolerateLookupFailure {
		return
	}
	c.lookups = append(c.lookups, healthz.NamedCheck(name, func(*http.Request) error {
		if !known() {
			return errors.New("not looked up yet")
		}
		return nil
	}))
}

// lookedUpProxies follow what a core API server publishes about its front proxies.
type lookedUpProxies struct {
	*dynamiccertificates.ConfigMapCAController
	*headerrequest.RequestHeaderAuthRequestController
}

var (
	_ dynamiccertificates.CAContentProvider = (*lookedUpProxies)(nil)
	_ dynamiccertificates.ControllerRunner  = (*lookedUpProxies)(nil)
)

func newLookedUpProxies(core kubernetes.Interface) (*lookedUpProxies, error) {
	authorities, err := dynamiccertificates.NewDynamicCAFromConfigMapController("request-header", lookupNamespace, lookupName, "requestheader-client-ca-file", core)
	if err != nil {
		return nil, err
	}
	return &lookedUpProxies{authorities, headerrequest.NewRequestHeaderAuthRequestController(lookupName, lookupNamespace, core,
		"requestheader-username-headers", "requestheader-uid-headers", "requestheader-group-headers",
		"requestheader-extra-headers-prefix", "requestheader-allowed-names")}, nil
}

// known is true once users can be known by a front proxy.
func (l *lookedUpProxies) known() bool {
	_, ok := l.VerifyOptions()
	return ok && len(l.UsernameHeaders()) > 0
}

// RunOnce implements dynamiccertificates.ControllerRunner.
func (l *lookedUpProxies) RunOnce(ctx context.Context) error {
	return errors.Join(l.ConfigMapCAController.RunOnce(ctx), l.RequestHeaderAuthRequestController.RunOnce(ctx))
}

// Run implements dynamiccertificates.ControllerRunner.
func (l *lookedUpProxies) Run(ctx context.Context, workers int) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.RequestHeaderAuthRequestController.Run(ctx, workers)
	}()
	l.ConfigMapCAController.Run(ctx, workers)
	<-ended
}
