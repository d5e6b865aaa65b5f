// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

func mayMakeNetworks() bool { return false }

func withoutIPv4() { panic("there is one network on this system") }
