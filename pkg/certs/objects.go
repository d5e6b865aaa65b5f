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

// fieldManager identifies the writes of servers.
const fieldManager = "tilt-session"

var apiServices = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}

// readSecret returns the Secret and its material. Both are nil if there is no Secret, and
// the material is nil if the Secret is empty. A damaged Secret is an error.
func (s *Shared) readSecret(ctx context.Context) (*corev1.Secret, *material, error) {
	where := s.options.Secret
	secret, err := s.options.Core.CoreV1().Secrets(where.Namespace).Get(ctx, where.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("read Secret %s: %w%s", where, err, hint(err))
	case len(secret.Data) == 0:
		return secret, nil, nil
	}
	stored, err := decodeMaterial(secret.Data)
	if err != nil {
		return nil, nil, fmt.Errorf("decode Secret %s: %w (delete it to create a new one, or use another Secret)", where, err)
	}
	return secret, stored, nil
}

// writeSecret stores material in the Secret that was read, or in a new one. The error is
// Conflict or AlreadyExists if another server has written it since.
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
		return fmt.Errorf("write Secret %s: %w%s", where, err, hint(err))
	}
	return nil
}

// readAPIService returns the APIService and its caBundle.
func (s *Shared) readAPIService(ctx context.Context) (*unstructured.Unstructured, []byte, error) {
	name := s.options.APIService
	read, err := s.options.Dynamic.Resource(apiServices).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, nil, fmt.Errorf("read APIService %s: %w%s", name, err, hint(err))
	}
	// The API server guarantees that it is a string.
	encoded, _, _ := unstructured.NestedString(read.Object, "spec", "caBundle")
	bundle, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, nil, fmt.Errorf("decode the caBundle of APIService %s: %w", name, err)
	}
	return read, bundle, nil
}

// writeAPIService publishes a bundle in the APIService that was read. The error is
// Conflict if another server has written it since.
func (s *Shared) writeAPIService(ctx context.Context, was *unstructured.Unstructured, bundle []byte) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": was.GetResourceVersion()},
		"spec":     map[string]any{"caBundle": bundle},
	})
	if err != nil {
		return err
	}
	name := s.options.APIService
	_, err = s.options.Dynamic.Resource(apiServices).Patch(ctx, name, types.MergePatchType, patch,
		metav1.PatchOptions{FieldManager: fieldManager})
	if err != nil {
		return fmt.Errorf("publish the authority as caBundle of APIService %s: %w%s", name, err, hint(err))
	}
	return nil
}

// hint returns how to resolve an error, if known.
func hint(err error) string {
	switch {
	case apierrors.IsForbidden(err):
		return " (bind the roles tilt-session:certificates of api/deploy/kubernetes)"
	case apierrors.IsInvalid(err):
		return " (remove insecureSkipTLSVerify from it)"
	case apierrors.IsNotFound(err):
		return " (apply that of api/deploy/kubernetes)"
	}
	return ""
}
