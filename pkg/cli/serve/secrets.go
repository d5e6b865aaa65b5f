// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"fmt"
	"os"

	"tilt.dev/session/pkg/private"
)

// warnOfExposure warns of files with secrets that other users can read, write or
// replace. It doesn't change or refuse them: that's up to the administrator.
func (o *options) warnOfExposure(warn func(error)) {
	server := o.server
	for _, file := range []struct{ flag, path string }{
		{"--authentication-kubeconfig", server.Authentication.RemoteKubeConfigFile},
		{"--authorization-kubeconfig", server.Authorization.RemoteKubeConfigFile},
		{"--etcd-keyfile", o.etcd.KeyFile},
		{"--tls-private-key-file", server.TLS.KeyFile},
		{"--token-auth-file", server.Authentication.TokenFile},
	} {
		info, err := os.Stat(file.path)
		if err != nil {
			continue // The flag isn't given, or what reads the file reports the error.
		}
		if mode := info.Mode().Perm(); mode&0o027 != 0 {
			warn(fmt.Errorf("%s: other users have access to %s, which holds secrets (mode %#o): run `chmod 600` on it",
				file.flag, file.path, mode))
		}
	}
	if o.storage != storageFile {
		return
	}
	if err := private.CheckDirectory(o.dataDir); err != nil {
		warn(fmt.Errorf("--data-dir: %w", err))
	}
}
