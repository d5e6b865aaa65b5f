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

// ownerExtension is the name under which a context says whose it is.
const ownerExtension = "tilt.dev/session"

// errEnded says that there's no such process, or only its remains.
var errEnded = errors.New("the process has ended")

// process is one process among all that ever ran on this machine.
type process struct {
	PID int `json:"pid"`
	// Started tells it from others that had or will have the same pid, also
	// before and after a reboot. Only equality means something.
	Started string `json:"started"`
}

func self() (process, error) {
	pid := os.Getpid()
	started, err := started(pid)
	return process{PID: pid, Started: started}, err
}

// alive is true when in doubt, so that nothing of a running process is taken
// for stale.
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

// ownerOf is the process that wrote the context called name. False for
// contexts that weren't written by this package or were renamed since, which
// are other people's business.
func ownerOf(name string, context *clientcmdapi.Context) (process, bool) {
	if context == nil || context.Cluster != name || context.AuthInfo != name {
		return process{}, false
	}
	extension, ok := context.Extensions[ownerExtension].(*runtime.Unknown)
	if !ok {
		return process{}, false
	}
	var owner process
	if err := json.Unmarshal(extension.Raw, &owner); err != nil {
		return process{}, false
	}
	return owner, true
}
