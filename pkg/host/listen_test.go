// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/storage"
)

func TestResolve(t *testing.T) {
	noHost := &net.DNSError{Err: "no such host", IsNotFound: true}
	for _, test := range []struct {
		host string
		// known is what the name leads to, separated by spaces, or failure why not.
		known   string
		failure error
		// want are the addresses to listen on, hidden those of them that clients don't find by the name.
		want, hidden string
	}{
		{host: "localhost", known: "127.0.0.1", want: "127.0.0.1 ::1", hidden: "::1"},
		{host: "localhost", known: "127.0.0.1 ::1", want: "127.0.0.1 ::1"},
		{host: "localhost", known: "::1 127.0.0.1", want: "127.0.0.1 ::1"},
		{host: "localhost", known: "::1", want: "::1 127.0.0.1", hidden: "127.0.0.1"},
		{host: "localhost", known: "::ffff:127.0.0.1", want: "127.0.0.1 ::1", hidden: "::1"},
		{host: "localhost", known: "127.0.1.1", want: "127.0.0.1 ::1", hidden: "127.0.0.1 ::1"},
		{host: "localhost", failure: noHost, want: "127.0.0.1 ::1", hidden: "127.0.0.1 ::1"},
		{host: "LocalHost", known: "::1", want: "::1 127.0.0.1", hidden: "127.0.0.1"},
		{host: "localhost.", failure: noHost, want: "127.0.0.1 ::1", hidden: "127.0.0.1 ::1"},
		{host: "127.0.0.1", want: "127.0.0.1"},
		{host: "::1", want: "::1"},
		{host: "0:0:0:0:0:0:0:1", want: "::1"},
		{host: "0.0.0.0", want: "0.0.0.0"},
		{host: "::", want: "::"},
		{host: "here", known: "10.0.0.1", want: "10.0.0.1"},
		{host: "here", known: "fd00::1", want: "fd00::1"},
		{host: "here", known: "fd00::1 10.0.0.2 fd00::2 10.0.0.1 10.0.0.2", want: "10.0.0.2 10.0.0.1 fd00::1 fd00::2"},
		{host: "here", known: "fe80::1%eth0 fd00::1", want: "fd00::1"},
		{host: "here", known: "fe80::1%eth0"},
		{host: "here", failure: noHost},
	} {
		t.Run(test.host+" is "+test.known, func(t *testing.T) {
			a, err := resolve(test.host, func(string) (known []netip.Addr, err error) {
				for _, address := range strings.Fields(test.known) {
					known = append(known, netip.MustParseAddr(address))
				}
				return known, test.failure
			})
			if (err != nil) != (test.want == "") || test.want == "" && test.failure != nil && !errors.Is(err, test.failure) {
				t.Fatalf("error %v", err)
			}
			if got := strings.Join(a.Candidates, " "); got != test.want {
				t.Errorf("addresses %s, want %s", got, test.want)
			}
			for _, address := range a.Candidates {
				want := test.host
				if slices.Contains(strings.Fields(test.hidden), address) {
					want = address
				}
				if got := a.Host(address); got != want {
					t.Errorf("commands find %s by %s, want %s", address, got, want)
				}
			}
		})
	}
}

// TestListenOn has addresses for documentation, which no machine has.
func TestListenOn(t *testing.T) {
	codec, err := apiserver.StorageCodec()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		addresses []string
		want      string
	}{
		{[]string{"127.0.0.1", "203.0.113.1"}, "127.0.0.1"},
		{[]string{"203.0.113.1", "127.0.0.1"}, "127.0.0.1"},
		{[]string{"203.0.113.1", "2001:db8::1", "127.0.0.1"}, "127.0.0.1"},
		{[]string{"203.0.113.1", "203.0.113.2"}, ""},
	} {
		kept, err := storage.NewMemory(storage.Config{Codec: codec})
		if err != nil {
			t.Fatal(err)
		}
		options := apiserver.NewOptions()
		options.Storage = kept
		config, err := (&API{Server: options, Address: At(test.addresses...)}).listenOn()
		switch {
		case err == nil:
			if options.BindAddress != test.want || !strings.HasPrefix(config.Access().URL, "https://"+test.want+":") {
				t.Errorf("%v: %s, %s", test.addresses, options.BindAddress, config.Access().URL)
			}
			err = config.Close()
		case test.want == "" && errors.Is(err, syscall.EADDRNOTAVAIL):
			err = nil
		}
		if err := errors.Join(err, kept.Close()); err != nil {
			t.Errorf("%v: %v", test.addresses, err)
		}
	}
}
