// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api/v1"
)

// defaultPort is the one whose entry has a name without a number.
const defaultPort = 10350

// Entry is how clients reach an API server.
type Entry struct {
	// Port is the one that the session is known by, which names the entry. The
	// API server listens on another.
	Port int
	// Server is the URL of the API server.
	Server string
	// CA is a bundle of PEM certificates by which clients verify the server.
	CA []byte
	// ServerName is the name by which clients ask for the server's certificate and
	// verify it. If empty it's the host of the URL.
	ServerName string
	// Token is the bearer token. It tells this entry from every other one.
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

func (e Entry) cluster() clientcmdapi.NamedCluster {
	return clientcmdapi.NamedCluster{
		Name:    e.Name(),
		Cluster: clientcmdapi.Cluster{Server: e.Server, TLSServerName: e.ServerName, CertificateAuthorityData: e.CA},
	}
}

func (e Entry) user() clientcmdapi.NamedAuthInfo {
	return clientcmdapi.NamedAuthInfo{
		Name:     e.Name(),
		AuthInfo: clientcmdapi.AuthInfo{Token: e.Token},
	}
}

func (e Entry) context(owner []byte) clientcmdapi.NamedContext {
	return clientcmdapi.NamedContext{
		Name: e.Name(),
		Context: clientcmdapi.Context{
			Cluster:  e.Name(),
			AuthInfo: e.Name(),
			Extensions: []clientcmdapi.NamedExtension{{
				Name:      ownerExtension,
				Extension: runtime.RawExtension{Raw: owner},
			}},
		},
	}
}
