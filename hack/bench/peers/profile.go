// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"errors"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tilt.dev/session/hack/bench/result"
)

// profile does some work while the server profiles its processor time, if
// -profiles asks for that and the server can. Afterwards it keeps the profile
// of the heap too.
func (m *measurement) profile(ctx context.Context, key result.Key, do func() error) error {
	if m.options.profiles == "" || !m.profiled {
		return do()
	}
	c, err := newClient(m.config)
	if err != nil {
		return err
	}
	defer c.close()
	keep := func(kind, path string) error {
		profile, err := c.do(ctx, http.MethodGet, path, "", nil)
		if err != nil {
			return err
		}
		name := strings.NewReplacer("/", "-", "=", "").Replace(m.name + "-" + key.Work + "-" + key.Parameters + "." + kind)
		return os.WriteFile(filepath.Join(m.options.profiles, name), profile, 0o644)
	}
	seconds := max(1, int(math.Ceil(m.options.duration.Seconds())))
	profiling := make(chan error, 1)
	go func() { profiling <- keep("cpu", "/debug/pprof/profile?seconds="+strconv.Itoa(seconds)) }()
	err = do()
	return errors.Join(err, <-profiling, keep("heap", "/debug/pprof/heap?gc=1"))
}
