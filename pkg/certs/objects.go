// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// fieldManager is the name under which servers write.
const fieldManager = "tilt-session"

var apiServices = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}

// readSecret returns the Secret as it's now and what it holds. Both are nil if there's
// no Secret, and what it holds is if it's empty. It's an error if it's damaged.
func (s *Shared) readSecret(ctx context.Context) (*corev1.Secret, *material, error) {
	where := s.options.Secret
	secret, err := s.options.Core.CoreV1().Secrets(where.Namespace).Get(ctx, where.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("reading the Secret %s: %w%s", where, err, hint(err))
	case len(secret.Data) == 0:
		return secret, nil, nil
	}
	kept, err := decodeMaterial(secret.Data)
	if err != nil {
		return nil, nil, fmt.Errorf("the Secret %s: %w (delete it to have another one made, or name another Secret)", where, err)
	}
	return secret, kept, nil
}

// writeSecret makes what is to be shared what's kept, in place of a Secret that was
// read, or of none. It's refused as a conflict, or because there is one already, if
// somebody was faster.
func (s *Shared) writeSecret(ctx context.Context, was *corev1.Secret, wanted *material) error {
	where := s.options.Secret
	data, err := wanted.encode()
	if err != nil {
		return err
	}
	secrets := s.options.Core.CoreV1().Secrets(where.Namespace)
	if was == nil {
		_, err = secrets.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: where.Namespace,
				Name:      where.Name,
				Labels:    map[string]string{"app.kubernetes.io/managed-by": fieldManager},
			},
			Type: corev1.SecretTypeTLS,
			Data: data,
		}, metav1.CreateOptions{FieldManager: fieldManager})
	} else {
		changed := was.DeepCopy()
		changed.Data = data
		_, err = secrets.Update(ctx, changed, metav1.UpdateOptions{FieldManager: fieldManager})
	}
	if err != nil {
		return fmt.Errorf("writing the Secret %s: %w%s", where, err, hint(err))
	}
	return nil
}

// readAPIService returns the APIService as it's now, with its caBundle.
func (s *Shared) readAPIService(ctx context.Context) (*unstructured.Unstructured, []byte, error) {
	name := s.options.APIService
	read, err := s.options.Dynamic.Resource(apiServices).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, nil, fmt.Errorf("reading the APIService %s: %w%s", name, err, hint(err))
	}
	// What isn't a string is refused by who keeps it.
	encoded, _, _ := unstructured.NestedString(read.Object, "spec", "caBundle")
	bundle, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, nil, fmt.Errorf("the caBundle of the APIService %s: %w", name, err)
	}
	return read, bundle, nil
}

// writeAPIService publishes a bundle in an APIService that was read. It's refused as a
// conflict if somebody was faster.
func (s *Shared) writeAPIService(ctx context.Context, was *unstructured.Unstructured, bundle []byte) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": was.GetResourceVersion()},
		"spec":     map[string]any{"caBundle": bundle},
	})
	if err != nil {
		return err
	}
	name := s.options.APIService
	_, err = s.options.Dynamic.Resource(apiServices).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	if err != nil {
		return fmt.Errorf("publishing the authority as caBundle of the APIService %s: %w%s", name, err, hint(err))
	}
	return nil
}

// hint says what to do about an error, if that's known.
func hint(err error) string {
	switch {
	case apierrors.IsForbidden(err):
		return " (the roles tilt-session:certificates of api/deploy/kubernetes have the rights that this takes)"
	case apierrors.IsInvalid(err):
		return " (it must not have insecureSkipTLSVerify)"
	case apierrors.IsNotFound(err):
		return " (apply the one of api/deploy/kubernetes)"
	}
	return ""
}
