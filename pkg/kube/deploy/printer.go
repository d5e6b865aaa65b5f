// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"fmt"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
)

// printer writes lines to the log of a resource.
type printer struct{ log engine.Log }

func (p printer) print(format string, args ...any) {
	p.log.Append(logs.LevelInfo, fmt.Sprintf(format, args...))
}

func (p printer) warn(format string, args ...any) {
	p.log.Append(logs.LevelWarn, fmt.Sprintf(format, args...))
}

// away tells that the cluster is away.
func (p printer) away(err error) { p.warn("%v; trying again", err) }
