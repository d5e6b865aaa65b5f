// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kubeconfig writes how a server is reached into a file of its own, for
// programs that are told of it that way.
package kubeconfig

import (
	"path/filepath"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Write returns the path of a file whose only context is what config says, and
// that goes with the test.
func Write(t testing.TB, config *rest.Config) string {
	t.Helper()
	const name = "e2e"
	written := clientcmdapi.NewConfig()
	written.Clusters[name] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	written.AuthInfos[name] = &clientcmdapi.AuthInfo{
		ClientCertificateData: config.CertData,
		ClientKeyData:         config.KeyData,
		Token:                 config.BearerToken,
	}
	written.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	written.CurrentContext = name
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*written, path); err != nil {
		t.Fatalf("writing a kubeconfig: %v", err)
	}
	return path
}
