// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// decodeOptions reads a query as a server does.
func decodeOptions(t testing.TB, query string) (*v1alpha1.SessionLogOptions, error) {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, err
	}
	options := &v1alpha1.SessionLogOptions{}
	codec := runtime.NewParameterCodec(serverScheme(t))
	return options, codec.DecodeParameters(values, v1alpha1.SchemeGroupVersion, options)
}

// encodeOptions writes a query as a client does.
func encodeOptions(t testing.TB, options *v1alpha1.SessionLogOptions) string {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	values, err := runtime.NewParameterCodec(scheme).EncodeParameters(options, v1alpha1.SchemeGroupVersion)
	if err != nil {
		t.Fatal(err)
	}
	return values.Encode()
}

func TestLogOptionsFromQuery(t *testing.T) {
	number := func(n int64) *int64 { return &n }
	at := metav1.NewTime(time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC).Local())
	for query, want := range map[string]v1alpha1.SessionLogOptions{
		"":                          {},
		"other=1":                   {},
		"resources=b&resources=a+c": {Resources: []string{"b", "a c"}},
		"follow=true&timestamps=1":  {Follow: true, Timestamps: true},
		"follow=false&timestamps=0": {},
		"sinceSeconds=60&tailLines=0&limitBytes=9": {SinceSeconds: number(60), TailLines: number(0), LimitBytes: number(9)},
		"sinceTime=2026-01-02T03:04:05Z":           {SinceTime: &at},
		"format=json":                              {Format: v1alpha1.SessionLogFormatJSON},
		"sinceSeq=0&beforeSeq=5&limitLines=2":      {SinceSeq: number(0), BeforeSeq: number(5), LimitLines: number(2)},
		"grep=a%2Bb&level=warn":                    {Grep: "a+b", Level: v1alpha1.SessionLogLevelWarn},
	} {
		got, err := decodeOptions(t, query)
		if err != nil {
			t.Errorf("%q: %v", query, err)
			continue
		}
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
		again, err := decodeOptions(t, encodeOptions(t, got))
		if err != nil || cmp.Diff(got, again) != "" {
			t.Errorf("%q is sent as %q, which is read as %+v, %v", query, encodeOptions(t, got), again, err)
		}
	}
}

func TestLogOptionsThatAreNone(t *testing.T) {
	for query, want := range map[string]string{
		"tailLines=many":                   "parameter tailLines: ",
		"sinceSeconds=1.5":                 "parameter sinceSeconds: ",
		"limitBytes=":                      "parameter limitBytes: ",
		"sinceSeq=first":                   "parameter sinceSeq: ",
		"sinceTime=yesterday":              "parameter sinceTime: ",
		"sinceSeconds=9999999999999999999": "parameter sinceSeconds: ",
	} {
		if _, err := decodeOptions(t, query); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", query, err)
		}
	}
}

// FuzzLogOptions reads arbitrary queries. A client must encode accepted options
// to a query that is read as the same options, except for fractions of seconds.
func FuzzLogOptions(f *testing.F) {
	f.Add("resources=a&resources=b&follow=1&sinceSeconds=5&tailLines=10&limitBytes=100&timestamps=true&format=json")
	f.Add("sinceSeq=1&beforeSeq=2&limitLines=3&grep=%28&level=error")
	f.Add("sinceTime=2026-01-02T03:04:05.678%2B02:00&resources=")
	f.Add("sinceTime=9999-12-31T23:59:59-23:00")
	f.Fuzz(func(t *testing.T, query string) {
		options, err := decodeOptions(t, query)
		if err != nil || len(v1alpha1.ValidateSessionLogOptions(options)) > 0 {
			return
		}
		if options.SinceTime != nil {
			options.SinceTime.Time = options.SinceTime.Truncate(time.Second)
		}
		again, err := decodeOptions(t, encodeOptions(t, options))
		if err != nil {
			t.Fatalf("%q is sent as %q, which can't be read: %v", query, encodeOptions(t, options), err)
		}
		if diff := cmp.Diff(options, again); diff != "" {
			t.Errorf("%q (-first +again):\n%s", query, diff)
		}
	})
}
