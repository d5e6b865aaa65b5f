// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregator

import (
	"net"

	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/anonymous"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authentication/request/x509"
	"k8s.io/apiserver/pkg/authentication/token/tokenfile"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/pkg/server/healthz"
	genericoptions "k8s.io/apiserver/pkg/server/options"
)

// Token is a bearer token and whom it belongs to.
type Token struct {
	Token, User string
	Groups      []string
}

// listen takes an address and has the server prove itself with a certificate of an
// authority of its own.
func (s *Server) listen(generic *genericapiserver.RecommendedConfig) {
	s.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	files := s.authority.Server("localhost").Write(s.t.TempDir(), "aggregator")
	options := genericoptions.NewSecureServingOptions().WithLoopback()
	options.Listener = listener
	options.ServerCert.CertKey = genericoptions.CertKey{CertFile: files.Cert, KeyFile: files.Key}
	if err := options.ApplyTo(&generic.SecureServing, &generic.LoopbackClientConfig); err != nil {
		s.t.Fatalf("listening as the aggregator: %v", err)
	}
	// It's alive, healthy and ready when it answers and its hooks have run. What the
	// library checks beside that leaves a goroutine behind.
	ping := []healthz.HealthChecker{healthz.PingHealthz}
	generic.LivezChecks, generic.HealthzChecks, generic.ReadyzChecks = ping, ping, ping
	generic.ExternalAddress = listener.Addr().String()
	s.url = "https://" + generic.ExternalAddress
}

// authenticate sets up who is known. Others are anonymous, as they are for a
// kube-apiserver.
func (s *Server) authenticate(generic *genericapiserver.RecommendedConfig) {
	s.t.Helper()
	users, err := dynamiccertificates.NewStaticCAContent("users", s.config.Users.PEM())
	if err != nil {
		s.t.Fatal(err)
	}
	generic.SecureServing.ClientCA = users
	tokens := map[string]*user.DefaultInfo{}
	for _, token := range s.config.Tokens {
		tokens[token.Token] = &user.DefaultInfo{Name: token.User, Groups: token.Groups}
	}
	known := union.New(
		x509.NewDynamic(users.VerifyOptions, x509.CommonNameUserConversion),
		bearertoken.New(tokenfile.New(tokens)),
	)
	generic.Authentication.Authenticator = union.NewFailOnError(group.NewAuthenticatedGroupAdder(known), anonymous.NewAuthenticator(nil))
	generic.Authorization.Authorizer = authorizerfactory.NewAlwaysAllowAuthorizer()
}
