// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"fmt"
	"net"

	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
)

// newServing returns how the server serves TLS: with the certificate of the files or
// of the Secret where there is one, and with its own for itself and for its owner. Those ask
// for it by a name, so that they don't depend on what is served to others.
func (c *Config) newServing(own *selfMade) (*genericapiserver.SecureServingInfo, error) {
	version, err := c.options.TLS.minVersion()
	if err != nil {
		return nil, err
	}
	serving := &genericapiserver.SecureServingInfo{
		Listener:      c.listener,
		Cert:          own.serving,
		SNICerts:      []dynamiccertificates.SNICertKeyContentProvider{own.loopback},
		MinTLSVersion: version,
	}
	if !c.options.TLS.separate() {
		return serving, nil
	}
	if serving.Cert, err = c.others(); err != nil {
		return nil, err
	}
	serving.SNICerts = append(serving.SNICerts, own.serving)
	c.access.ServerName = ownerServerName
	return serving, nil
}

// others is what is shown to others than the owner.
func (c *Config) others() (dynamiccertificates.CertKeyContentProvider, error) {
	if c.options.TLS.fromSecret() {
		return c.share()
	}
	files, err := newCertificateFiles(c.options.TLS.CertFile, c.options.TLS.KeyFile, c.options.clock)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert-file and --tls-private-key-file: %w", err)
	}
	return files, nil
}

// owns notes what keeps something up to date while the server runs, and holds on
// to resources even before.
func (c *Config) owns(controller dynamiccertificates.ControllerRunner) {
	c.controllers = append(c.controllers, controller)
}

// release lets go of what has been made for a server that doesn't run.
func (c *Config) release() {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	for _, controller := range c.controllers {
		controller.Run(done, 1)
	}
	c.hangUp()
}

// boundIP is the address that a listener is bound to, nil if it's none of TCP.
func boundIP(listener net.Listener) net.IP {
	if address, ok := listener.Addr().(*net.TCPAddr); ok {
		return address.IP
	}
	return nil
}
