// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"maps"

	"k8s.io/apiserver/pkg/registry/rest"
)

// Requests are the subresources by which something is asked of a Session that's
// being run. Nothing of them is stored.
type Requests struct {
	Log *LogREST

	others map[string]rest.Storage
}

// NewRequests returns what serves requests to those of sessions that runs has.
// If it's nil each is answered that the Session isn't run here.
func NewRequests(sessions *REST, runs Runs) *Requests {
	f := finder{sessions: sessions, runs: runs}
	return &Requests{
		Log: newLogREST(f),
		others: map[string]rest.Storage{
			"sessions/trigger": newTriggerREST(f),
			"sessions/enable":  newEnableREST(f),
			"sessions/disable": newDisableREST(f),
			"sessions/args":    newArgsREST(f),
		},
	}
}

// InstallInto adds the subresources to those of a version, by their paths.
func (r *Requests) InstallInto(version map[string]rest.Storage) {
	maps.Copy(version, r.others)
	version["sessions/log"] = r.Log
}
