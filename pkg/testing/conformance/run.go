// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import "testing"

// area is a part of the API.
type area struct {
	name string
	// check runs it, in parallel with the others. Its subtests may be parallel too.
	check func(t *testing.T, s *server)
}

// areas returns the areas of the API, each of which has a file.
func areas() []area {
	return []area{
		{"Discovery", checkDiscovery},
		{"OpenAPI", checkOpenAPI},
		{"Read", checkRead},
		{"Create", checkCreate},
		{"FieldValidation", checkFieldValidation},
		{"DryRun", checkDryRun},
		{"StatusIsolation", checkStatusIsolation},
		{"Concurrency", checkConcurrency},
		{"Patch", checkPatch},
		{"Apply", checkApply},
		{"Forms", checkForms},
		{"Selectors", checkSelectors},
		{"Paging", checkPaging},
		{"Versions", checkVersions},
		{"Watch", checkWatch},
		{"WatchStress", checkWatchStress},
		{"Delete", checkDelete},
		{"Content", checkContent},
		{"Settings", checkSettings},
		{"Requests", checkRequests},
		{"Health", checkHealth},
		{"Security", checkSecurity},
		{"Clients", checkClients},
		{"UI", checkUI},
		{"Runners", checkRunners},
	}
}

// Run checks a server of Sessions, each area as a subtest.
func Run(t *testing.T, target Target) {
	s := newServer(t, target)
	for _, area := range areas() {
		t.Run(area.name, func(t *testing.T) {
			t.Parallel()
			area.check(t, s)
		})
	}
}
