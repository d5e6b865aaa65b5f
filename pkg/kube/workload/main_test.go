// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The connections to the API server that HTTP keeps for the next call aren't ours to close.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("golang.org/x/net/http2.(*ClientConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*http2ClientConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
		// It ends at the first ping after the end of its connection, within five seconds.
		goleak.IgnoreAnyFunction("k8s.io/client-go/tools/remotecommand.(*heartbeat).start"),
	)
}
