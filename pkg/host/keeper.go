// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/housekeeper"
)

// Keeper does what no Runner can for the Sessions of an API that runs none itself.
type Keeper struct {
	api         *API
	housekeeper *housekeeper.Housekeeper
	// on is false for an API that others look after.
	on bool
}

// NewKeeper returns a keeper for an API that hasn't started, which takes Runners. Without on it does nothing.
func NewKeeper(api *API, on bool) *Keeper {
	k := &Keeper{api: api, on: on}
	api.Server.Runners = true
	api.Server.RunnerSecret = func(ctx context.Context, create func() ([]byte, error)) ([]byte, error) {
		return api.storage.Shared(ctx, "runner-client-authority", create)
	}
	api.attach = append(api.attach, k.attach)
	return k
}

// Steps are the steps of a process that serves the API.
func (k *Keeper) Steps() [][]Part {
	if !k.on {
		return k.api.Steps()
	}
	return append(k.api.Steps(), []Part{{Name: "housekeeper", Run: k.run}})
}

func (k *Keeper) attach(server *apiserver.Server) (err error) {
	k.housekeeper, err = housekeeper.New(housekeeper.Config{
		ClientConfig: server.LoopbackClientConfig(),
		Elect: func(ctx context.Context, lead func(context.Context)) error {
			return k.api.storage.Elect(ctx, "housekeeper", lead)
		},
	})
	return err
}

func (k *Keeper) run(ctx context.Context, ready func()) error {
	ready()
	return k.housekeeper.Run(ctx)
}
