// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package aggregator runs the aggregator of kube-apiserver: it knows users and
// sends what they ask of a group to the service that an APIService names, with the
// identity of the user in headers, under a certificate of its own.
//
// All known users may do everything as far as it's concerned, so that what is
// refused is refused by the service.
package aggregator
