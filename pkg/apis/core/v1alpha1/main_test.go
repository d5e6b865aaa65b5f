// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"

	"go.uber.org/goleak"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	jsonserializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// serverScheme returns the scheme of an API server, with both versions.
func serverScheme(t testing.TB) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, v1alpha1.AddInternalToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return scheme
}

// storageCodec encodes as the served version and decodes to the internal one,
// with defaults, as a store does.
func storageCodec(t testing.TB, options jsonserializer.SerializerOptions) runtime.Codec {
	t.Helper()
	raw := rawSerializer(t, options)
	return serializer.NewCodecFactory(serverScheme(t)).
		CodecForVersions(raw, raw, v1alpha1.SchemeGroupVersion, runtime.InternalGroupVersioner)
}

// rawSerializer neither defaults nor converts.
func rawSerializer(t testing.TB, options jsonserializer.SerializerOptions) *jsonserializer.Serializer {
	t.Helper()
	scheme := serverScheme(t)
	return jsonserializer.NewSerializerWithOptions(jsonserializer.DefaultMetaFactory, scheme, scheme, options)
}

// mistakesIn returns the faults that validation finds in a Session or in a list of them.
func mistakesIn(object runtime.Object) field.ErrorList {
	var sessions []v1alpha1.Session
	switch object := object.(type) {
	case *v1alpha1.Session:
		sessions = []v1alpha1.Session{*object}
	case *v1alpha1.SessionList:
		sessions = object.Items
	}
	var errs field.ErrorList
	for i := range sessions {
		errs = append(errs, v1alpha1.ValidateSession(&sessions[i])...)
		errs = append(errs, v1alpha1.ValidateSessionStatusUpdate(&sessions[i], &sessions[i])...)
	}
	return errs
}
