// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	testingclock "k8s.io/utils/clock/testing"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	testserver "tilt.dev/session/pkg/testing/server"
)

// leaf returns the serving certificate that a client gets, or nil if the client rejects it.
func leaf(t testing.TB, server *testserver.Server, config *tls.Config) *x509.Certificate {
	t.Helper()
	dialer := &tls.Dialer{Config: config}
	connection, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(server.Access().URL, "https://"))
	if err != nil {
		return nil
	}
	defer func() { _ = connection.Close() }()
	return connection.(*tls.Conn).ConnectionState().PeerCertificates[0]
}

// ownRoots returns a pool with the server's own authority.
func ownRoots(t testing.TB, server *testserver.Server) *x509.CertPool {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(server.Access().CertificateAuthority) {
		t.Fatal("no certificate authority")
	}
	return roots
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 5*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		return condition(), nil
	})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func TestServesTheCertificateOfTheFiles(t *testing.T) {
	t.Parallel()
	issuer := newAuthority(t, "servers")
	server := testserver.Start(t, testserver.Configure{
		Options: func(o *apiserver.Options) {
			o.TLS.CertFile, o.TLS.KeyFile = writePair(t, t.TempDir(), issuer.server("sessions.example"))
			o.TLS.MinVersion = "VersionTLS13"
		},
	})
	client, err := versioned.NewForConfig(server.LoopbackClientConfig())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.TiltV1alpha1().Sessions().List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Errorf("the server's own client: %v", err)
	}
	if _, err := server.Clientset(t).TiltV1alpha1().Sessions().List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Errorf("the owner: %v", err)
	}
	for _, name := range []string{"sessions.example", "127.0.0.1"} {
		if c := leaf(t, server, &tls.Config{RootCAs: issuer.pool(), ServerName: name}); c == nil || c.Subject.CommonName != "sessions.example" {
			t.Errorf("%s has %v", name, c)
		}
	}
	if c := leaf(t, server, &tls.Config{RootCAs: issuer.pool(), ServerName: "sessions.example", MaxVersion: tls.VersionTLS12}); c != nil {
		t.Error("it speaks TLS 1.2")
	}
	if c := leaf(t, server, &tls.Config{RootCAs: ownRoots(t, server), ServerName: "localhost"}); c != nil {
		t.Error("its own certificate is shown to others than the owner")
	}
}

func TestOwnCertificateCoversTheMachine(t *testing.T) {
	t.Parallel()
	for bound, others := range map[string]bool{"127.0.0.1": false, "0.0.0.0": true} {
		server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) { o.BindAddress = bound }})
		if url := server.Access().URL; !strings.HasPrefix(url, "https://127.0.0.1:") {
			t.Errorf("bound to %s, its owner reaches it by %s", bound, url)
		}
		names := map[string]bool{"127.0.0.1": true, "::1": true, "localhost": true, "example.com": false, "192.0.2.1": false}
		addresses, err := net.InterfaceAddrs()
		if err != nil {
			t.Fatal(err)
		}
		for _, address := range addresses {
			if ip := address.(*net.IPNet).IP; !ip.IsLoopback() && !ip.IsLinkLocalUnicast() {
				names[ip.String()] = others
			}
		}
		for name, covered := range names {
			if c := leaf(t, server, &tls.Config{RootCAs: ownRoots(t, server), ServerName: name}); (c != nil) != covered {
				t.Errorf("bound to %s: the certificate for %s: %v", bound, name, c)
			}
		}
	}
}

// A server renews its certificate under the same authority for years.
func TestOwnCertificatesAreRenewed(t *testing.T) {
	t.Parallel()
	const half = 183 * 24 * time.Hour
	// The certificate after the first renewal is valid today.
	clock := testingclock.NewFakeClock(time.Now().Add(-half))
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) { o.SetClock(clock) }})
	kept := newRawClient(t, server)
	kept.do(http.MethodGet, sessionsPath, nil).want(http.StatusOK)
	eventually(t, "it waits for the next check of the age", clock.HasWaiters)
	roots := ownRoots(t, server)
	for step := range 8 {
		for _, name := range []string{"127.0.0.1", "apiserver-loopback-client"} {
			eventually(t, "a new certificate for "+name, func() bool {
				c := leaf(t, server, &tls.Config{RootCAs: roots, ServerName: name, Time: clock.Now})
				return c != nil && clock.Since(c.NotBefore) < time.Hour
			})
		}
		if step == 1 {
			newRawClient(t, server).do(http.MethodGet, sessionsPath, nil).want(http.StatusOK)
		}
		kept.do(http.MethodGet, sessionsPath, nil).want(http.StatusOK)
		clock.Step(half)
	}
}

func TestWrongFilesAreNamed(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	issuer := newAuthority(t, "servers")
	certFile, keyFile := writePair(t, directory, issuer.server("a"))
	_, otherKey := writePair(t, t.TempDir(), issuer.server("b"))
	garbage := replaceFile(t, directory+"/garbage", []byte("garbage"))
	short := replaceFile(t, directory+"/short.csv", []byte("token,user\n"))
	for _, test := range []struct {
		change func(*apiserver.Options)
		want   []string
	}{
		{func(o *apiserver.Options) { o.TLS.CertFile = certFile }, []string{"--tls-cert-file", "--tls-private-key-file"}},
		{func(o *apiserver.Options) { o.TLS.KeyFile = keyFile }, []string{"--tls-private-key-file", "--tls-cert-file"}},
		{func(o *apiserver.Options) { o.TLS.CertFile, o.TLS.KeyFile = "/no/crt", "/no/key" }, []string{"--tls-cert-file /no/crt and --tls-private-key-file /no/key: open /no/crt"}},
		{func(o *apiserver.Options) { o.TLS.CertFile, o.TLS.KeyFile = certFile, otherKey }, []string{certFile, otherKey, "does not match"}},
		{func(o *apiserver.Options) { o.TLS.CertFile, o.TLS.KeyFile = garbage, keyFile }, []string{"--tls-cert-file " + garbage}},
		{func(o *apiserver.Options) { o.TLS.MinVersion = "VersionTLS11" }, []string{"--tls-min-version", "VersionTLS12, VersionTLS13"}},
		{func(o *apiserver.Options) { o.Authentication.ClientCert.ClientCA = garbage }, []string{"--client-ca-file: ", garbage}},
		{func(o *apiserver.Options) { o.Authentication.ClientCert.ClientCA = "/no/ca" }, []string{"--client-ca-file: open /no/ca"}},
		{func(o *apiserver.Options) { o.Authentication.TokenFile = "/no/tokens" }, []string{"--token-auth-file", "open /no/tokens"}},
		{func(o *apiserver.Options) { o.Authentication.TokenFile = short }, []string{"--token-auth-file " + short, "3 columns"}},
		{func(o *apiserver.Options) { o.Authentication.RequestHeader.ClientCAFile = garbage }, []string{"--requestheader-client-ca-file: ", garbage}},
		{func(o *apiserver.Options) {
			o.Authentication.RequestHeader.ClientCAFile, o.Authentication.RequestHeader.UsernameHeaders = garbage, nil
		}, []string{"--requestheader-username-headers"}},
		{func(o *apiserver.Options) {
			o.Authentication.RemoteKubeConfigFile, o.Authorization.RemoteKubeConfigFile = "/no/a", garbage
		}, []string{"--authentication-kubeconfig /no/a", "--authorization-kubeconfig " + garbage}},
		{func(o *apiserver.Options) { o.InCluster = true }, []string{"--in-cluster"}},
		{func(o *apiserver.Options) {
			o.Requests.MaxRequestsInFlight, o.Requests.MaxMutatingRequestsInFlight = -1, -1
			o.Requests.GoawayChance, o.Requests.RequestTimeout = 0.5, 0
			o.ShutdownDelay = -1
		}, []string{"--max-requests-inflight", "--max-mutating-requests-inflight", "--request-timeout", "--goaway-chance", "--shutdown-delay-duration"}},
		{func(o *apiserver.Options) { o.Audit.LogOptions.Path = "-" }, []string{"--audit-log-path", "--audit-policy-file"}},
		{func(o *apiserver.Options) { o.Audit.PolicyFile = garbage }, []string{"--audit-policy-file", "--audit-log-path"}},
		{func(o *apiserver.Options) { o.Audit.PolicyFile, o.Audit.LogOptions.Path = garbage, "-" }, []string{"--audit-policy-file", garbage}},
		{func(o *apiserver.Options) {
			o.BindAddress, o.Port, o.TLS.MinVersion, o.Authentication.TokenFile = "here", -1, "x", "/no"
		}, []string{"--bind-address", "--secure-port", "--tls-min-version", "--token-auth-file"}},
	} {
		options := newOptions(t)
		test.change(options)
		config, err := options.Config()
		if err == nil {
			t.Errorf("no error, want one of %q (closing: %v)", test.want, config.Close())
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q isn't in: %v", want, err)
			}
		}
	}
}

// A server that isn't run releases its watches of files. TestMain finds goroutines that remain.
func TestFilesOfAServerThatIsNotRun(t *testing.T) {
	t.Parallel()
	issuer, directory := newAuthority(t, "all"), t.TempDir()
	options := newOptions(t)
	options.TLS.CertFile, options.TLS.KeyFile = writePair(t, directory, issuer.server("a"))
	options.Authentication.ClientCert.ClientCA = writeBundle(t, directory+"/ca", issuer)
	options.Authentication.RequestHeader.ClientCAFile = writeBundle(t, directory+"/proxies", issuer)
	core := newCoreAPI(t)
	core.publish(publication(issuer, issuer))
	options.Authentication.RemoteKubeConfigFile = core.kubeconfig()
	for range 2 {
		config, err := options.Config()
		if err != nil {
			t.Fatal(err)
		}
		if err := config.Close(); err != nil {
			t.Error(err)
		}
		options.Authentication.ClientCert.ClientCA, options.Authentication.RequestHeader.ClientCAFile = "", ""
	}
	config, err := options.Config()
	if err != nil {
		t.Fatal(err)
	}
	server, err := config.Complete().New()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
}
