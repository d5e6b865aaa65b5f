// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	testserver "tilt.dev/session/pkg/testing/server"
)

// Each sample can be created and then applied, without an unknown or a repeated
// field, and is called as its file.
func TestSamplesAreAccepted(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(published, "samples", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	sessions := testserver.Start(t).Clientset(t).TiltV1alpha1()
	for _, file := range files {
		sample, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		var created v1alpha1.Session
		err = sessions.RESTClient().Post().Resource("sessions").
			Param("fieldValidation", metav1.FieldValidationStrict).
			SetHeader("Content-Type", "application/yaml").Body(sample).
			Do(t.Context()).Into(&created)
		if err != nil {
			t.Errorf("creating %s: %v", file, err)
			continue
		}
		if created.Name != name {
			t.Errorf("%s is a Session called %s", file, created.Name)
		}
		applied, err := sessions.Sessions().Patch(t.Context(), name, types.ApplyYAMLPatchType, sample, metav1.PatchOptions{
			FieldManager:    "test",
			FieldValidation: metav1.FieldValidationStrict,
		})
		if err != nil {
			t.Errorf("applying %s: %v", file, err)
		} else if applied.Generation != created.Generation {
			t.Errorf("applying %s has changed what was created from it", file)
		}
	}
}
