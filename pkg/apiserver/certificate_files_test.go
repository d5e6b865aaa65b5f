// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/jonboulle/clockwork"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/certs"
)

// A file that's replaced a moment before the other one is nobody's concern. One
// that stays unusable is told of, once.
func TestFilesThatDoNotGoTogether(t *testing.T) {
	certificate, key := filepath.Join(t.TempDir(), "tls.crt"), filepath.Join(t.TempDir(), "tls.key")
	write := func(path string, content []byte) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first, second := newPair(t), newPair(t)
	write(certificate, first.Certificate)
	write(key, first.Key)
	synctest.Test(t, func(t *testing.T) {
		files, err := newCertificateFiles(certificate, key, clockwork.NewRealClock())
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		logger := funcr.New(func(_, text string) { told = append(told, text) }, funcr.Options{})
		ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), logger))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			files.Run(ctx, 1)
		}()
		after := func(periods int, want certs.KeyPair, messages int) {
			t.Helper()
			time.Sleep(time.Duration(periods)*followPeriod + followPeriod/2)
			synctest.Wait()
			if current, _ := files.CurrentCertKeyContent(); string(current) != string(want.Certificate) || len(told) != messages {
				t.Errorf("it's another certificate, or told was %q", told)
			}
		}
		write(certificate, second.Certificate)
		after(unusableFor-2, first, 0)
		write(key, second.Key)
		after(1, second, 0)
		write(key, first.Key)
		after(3*unusableFor, second, 1)
		if !strings.Contains(told[0], certificate) {
			t.Errorf("told was %q", told)
		}
		cancel()
		<-ended
	})
}

func newPair(t *testing.T) certs.KeyPair {
	t.Helper()
	authority, err := certs.NewAuthority(time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Sign(certs.Subject{Names: []string{"localhost"}}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}
