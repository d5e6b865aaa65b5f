// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"fmt"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// defaultPort is the port whose entry has a name without a number.
const defaultPort = 10350

// Entry is how clients reach an API server.
type Entry struct {
	// Port identifies the session and names the entry. The API server listens on another port.
	Port int
	// Server is the URL of the API server.
	Server string
	// CA is a bundle of PEM certificates by which clients verify the server.
	CA []byte
	// ServerName is the name for which clients request the server's certificate
	// and verify it. Empty means the host of the URL.
	ServerName string
	// Token is the bearer token. It is unique to this entry.
	Token string
}

// Name is the name of the entry's context, cluster and user.
func (e Entry) Name() string { return ContextName(e.Port) }

// ContextName is the name of the context for the session at port.
func ContextName(port int) string {
	if port == defaultPort {
		return "tilt-default"
	}
	return fmt.Sprintf("tilt-%d", port)
}

// Config is a kubeconfig that holds only the entry, as its current context.
func (e Entry) Config() *clientcmdapi.Config {
	config := clientcmdapi.NewConfig()
	e.put(config)
	config.CurrentContext = e.Name()
	return config
}

// put replaces everything in config that has the entry's name.
func (e Entry) put(config *clientcmdapi.Config) {
	name := e.Name()
	config.Clusters[name] = &clientcmdapi.Cluster{
		Server:                   e.Server,
		TLSServerName:            e.ServerName,
		CertificateAuthorityData: e.CA,
	}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: e.Token}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
}

// has reports whether config holds any part of the entry called name.
func has(config *clientcmdapi.Config, name string) bool {
	return config.Contexts[name] != nil || config.Clusters[name] != nil || config.AuthInfos[name] != nil
}

// drop removes every part of the entry called name. If it is the current context, no context is current afterwards.
func drop(config *clientcmdapi.Config, name string) {
	delete(config.Clusters, name)
	delete(config.AuthInfos, name)
	delete(config.Contexts, name)
	if config.CurrentContext == name {
		config.CurrentContext = ""
	}
}
