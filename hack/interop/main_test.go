// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"testing"

	"github.com/go-logr/logr"
	"go.uber.org/goleak"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	goleak.VerifyTestMain(m)
}

// TestTiltTypes has one server for all, which the parts share like strangers:
// each works on Sessions of its own names.
func TestTiltTypes(t *testing.T) {
	s := start(t)
	for name, test := range map[string]func(*testing.T, *server){
		"what the run writes":  testRun,
		"every field survives": testEveryField,
		"verbs":                testVerbs,
		"refusals":             testRefusals,
		"patch of the status":  testStatusPatch,
		"cache":                testCache,
	} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}
