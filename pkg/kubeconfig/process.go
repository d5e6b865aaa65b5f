// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"encoding/json"
	"errors"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// ownerExtension is the name of the context extension that holds the owner.
const ownerExtension = "tilt.dev/session"

// errEnded means that a process doesn't exist, or is a zombie.
var errEnded = errors.New("the process has ended")

// process identifies one process among all that ever ran on this machine.
type process struct {
	PID int `json:"pid"`
	// Started distinguishes processes of the same PID, also across reboots. Only equality is meaningful.
	Started string `json:"started"`
	// Tiltfile is what it runs, empty for a server of many Sessions.
	Tiltfile string `json:"tiltfile,omitempty"`
}

func self() (process, error) {
	pid := os.Getpid()
	started, err := started(pid)
	return process{PID: pid, Started: started}, err
}

// alive reports whether the process runs. It is true when in doubt, so that the
// entry of a running process is never dropped.
func (p process) alive() bool {
	if p.PID <= 0 {
		return false
	}
	started, err := started(p.PID)
	if err != nil {
		return !errors.Is(err, errEnded)
	}
	return started == p.Started
}

// own makes the process the owner of a context.
func (p process) own(context *clientcmdapi.Context) error {
	raw, err := json.Marshal(p)
	if err != nil {
		return err
	}
	context.Extensions = map[string]runtime.Object{
		ownerExtension: &runtime.Unknown{Raw: raw, ContentType: runtime.ContentTypeJSON},
	}
	return nil
}

// ownerOf is the process that wrote the context called name. It is false for a
// context that this package didn't write, or that was renamed since.
func ownerOf(name string, context *clientcmdapi.Context) (process, bool) {
	if context == nil || context.Cluster != name || context.AuthInfo != name {
		return process{}, false
	}
	var owner process
	extension, ok := context.Extensions[ownerExtension].(*runtime.Unknown)
	return owner, ok && json.Unmarshal(extension.Raw, &owner) == nil
}
