// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
)

// NewStrategy returns what writes of the main resource may change, for servers
// that keep Sessions in a store of their own.
func NewStrategy(typer runtime.ObjectTyper) rest.RESTCreateUpdateStrategy { return newStrategy(typer) }

// NewTableConvertor returns what renders Sessions for people, for such servers.
func NewTableConvertor() rest.TableConvertor { return newTableConvertor() }
