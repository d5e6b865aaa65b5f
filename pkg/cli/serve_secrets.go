// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"os"

	"tilt.dev/session/pkg/private"
)

// warnOfExposure warns of secrets that all users of this machine can read, and of
// files with secrets that others than their owner can write or exchange. They're
// the administrator's, who may have a reason: nothing is changed or refused.
func (s *service) warnOfExposure() {
	server := s.options.server
	for _, file := range []struct{ flag, path string }{
		{"--authentication-kubeconfig", server.Authentication.RemoteKubeConfigFile},
		{"--authorization-kubeconfig", server.Authorization.RemoteKubeConfigFile},
		{"--etcd-keyfile", s.options.etcd.KeyFile},
		{"--tls-private-key-file", server.TLS.KeyFile},
		{"--token-auth-file", server.Authentication.TokenFile},
	} {
		info, err := os.Stat(file.path)
		if err != nil {
			continue // the flag isn't given, or what reads the file fails
		}
		if mode := info.Mode().Perm(); mode&0o027 != 0 {
			s.warn(fmt.Errorf("%s: other users have access to %s, which holds secrets (mode %#o): run `chmod 600` on it", file.flag, file.path, mode))
		}
	}
	if s.options.storage != storageFile {
		return
	}
	if err := private.CheckDirectory(s.options.dataDir); err != nil {
		s.warn(fmt.Errorf("--data-dir: %w", err))
	}
}
