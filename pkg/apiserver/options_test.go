// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"
	genericoptions "k8s.io/apiserver/pkg/server/options"

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
	same := cmp.Options{cmpopts.IgnoreUnexported(apiserver.Options{}), cmpopts.IgnoreFields(genericoptions.ServerRunOptions{}, "ComponentGlobalsRegistry")}
	if diff := cmp.Diff(apiserver.NewOptions(), parse(), same); diff != "" {
		t.Errorf("the flags change the defaults (-want +got):\n%s", diff)
	}

	want := apiserver.NewOptions()
	want.BindAddress, want.Port = "0.0.0.0", 6443
	want.TLS = apiserver.TLSOptions{CertFile: "crt", KeyFile: "key", MinVersion: "VersionTLS13"}
	authentication := &want.Authentication
	authentication.ClientCert.ClientCA, authentication.TokenFile = "ca", "tokens"
	authentication.RemoteKubeConfigFile, authentication.CacheTTL = "authentication", time.Second
	authentication.SkipInClusterLookup, authentication.TolerateInClusterLookupFailure = true, true
	authentication.RequestHeader.ClientCAFile, authentication.RequestHeader.AllowedNames = "proxies", []string{"a", "b"}
	authentication.RequestHeader.UsernameHeaders, authentication.RequestHeader.UIDHeaders = []string{"u"}, []string{"i"}
	authentication.RequestHeader.GroupHeaders, authentication.RequestHeader.ExtraHeaderPrefixes = []string{"g"}, []string{"e"}
	want.Authorization.RemoteKubeConfigFile, want.Authorization.AlwaysAllowPaths = "authorization", []string{"/openapi/*"}
	want.Authorization.AllowCacheTTL, want.Authorization.DenyCacheTTL = 2*time.Second, 3*time.Second
	want.InCluster, want.Profiling = true, true
	want.Requests.MaxRequestsInFlight, want.Requests.MaxMutatingRequestsInFlight = 1, 2
	want.Requests.RequestTimeout, want.Requests.GoawayChance = 4*time.Second, 0.01
	want.PriorityAndFairness = false
	want.ShutdownDelay, want.DrainTimeout = 5*time.Second, 6*time.Second
	want.Audit.PolicyFile, want.Audit.LogOptions.Path = "policy", "log"
	want.Audit.LogOptions.MaxAge, want.Audit.LogOptions.MaxBackups, want.Audit.LogOptions.MaxSize = 1, 2, 3
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
