// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"

	"tilt.dev/session/pkg/apiserver"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	parse := func(args ...string) *apiserver.Options {
		options := apiserver.NewOptions()
		flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
		options.AddFlags(flags)
		if err := flags.Parse(args); err != nil {
			t.Fatal(err)
		}
		return options
	}
	same := cmpopts.IgnoreUnexported(apiserver.Options{})
	if diff := cmp.Diff(apiserver.NewOptions(), parse(), same); diff != "" {
		t.Errorf("the flags change the defaults (-want +got):\n%s", diff)
	}

	want := apiserver.NewOptions()
	want.BindAddress, want.Port = "0.0.0.0", 6443
	want.TLS = apiserver.TLSOptions{CertFile: "crt", KeyFile: "key", MinVersion: "VersionTLS13"}
	authentication := &want.Authentication
	authentication.ClientCert.ClientCA, authentication.TokenFile = "ca", "tokens"
	authentication.Kubeconfig, authentication.CacheTTL = "authentication", time.Second
	authentication.SkipLookup, authentication.TolerateLookupFailure = true, true
	authentication.RequestHeader.ClientCAFile, authentication.RequestHeader.AllowedNames = "proxies", []string{"a", "b"}
	authentication.RequestHeader.UsernameHeaders, authentication.RequestHeader.UIDHeaders = []string{"u"}, []string{"i"}
	authentication.RequestHeader.GroupHeaders, authentication.RequestHeader.ExtraHeaderPrefixes = []string{"g"}, []string{"e"}
	want.Authorization = apiserver.AuthorizationOptions{Kubeconfig: "authorization", AlwaysAllowPaths: []string{"/openapi/*"}, AllowCacheTTL: 2 * time.Second, DenyCacheTTL: 3 * time.Second}
	want.InCluster, want.Profiling = true, true
	want.Requests = apiserver.RequestOptions{MaxInFlight: 1, MaxMutatingInFlight: 2, Timeout: 4 * time.Second, GoawayChance: 0.01}
	want.ShutdownDelay, want.DrainTimeout = 5*time.Second, 6*time.Second
	want.AuditFiles.PolicyFile, want.AuditFiles.Log.Path = "policy", "log"
	want.AuditFiles.Log.MaxAge, want.AuditFiles.Log.MaxBackups, want.AuditFiles.Log.MaxSize = 1, 2, 3
	got := parse("--bind-address=0.0.0.0", "--secure-port=6443",
		"--tls-cert-file=crt", "--tls-private-key-file=key", "--tls-min-version=VersionTLS13",
		"--client-ca-file=ca", "--token-auth-file=tokens",
		"--authentication-kubeconfig=authentication", "--authentication-token-webhook-cache-ttl=1s",
		"--authentication-skip-lookup", "--authentication-tolerate-lookup-failure",
		"--requestheader-client-ca-file=proxies", "--requestheader-allowed-names=a,b",
		"--requestheader-username-headers=u", "--requestheader-uid-headers=i",
		"--requestheader-group-headers=g", "--requestheader-extra-headers-prefix=e",
		"--authorization-kubeconfig=authorization", "--authorization-always-allow-paths=/openapi/*",
		"--authorization-webhook-cache-authorized-ttl=2s", "--authorization-webhook-cache-unauthorized-ttl=3s",
		"--in-cluster", "--profiling",
		"--max-requests-inflight=1", "--max-mutating-requests-inflight=2", "--request-timeout=4s",
		"--goaway-chance=0.01", "--enable-priority-and-fairness=false",
		"--shutdown-delay-duration=5s", "--shutdown-drain-timeout=6s",
		"--audit-policy-file=policy", "--audit-log-path=log", "--audit-log-maxage=1", "--audit-log-maxbackup=2", "--audit-log-maxsize=3")
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
}
