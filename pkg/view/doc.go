// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package view turns Sessions and their logs into what people read in a terminal. It decides and formats: it reads no
// clock, no environment and no API, and prints to what its caller gives it.
package view
