//go:build cluster

// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

// A pod that was ready at its last deploy is deleted.
func TestClusterDeletedPod(t *testing.T) {
	f := newFixture(t, nil)
	pod := `{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {terminationGracePeriodSeconds: 1,
  containers: [{name: app, image: IMAGE, args: ["serve=:8080"]}]}}`
	r := f.start(model.Workload{}, f.apply(pod))
	r.awaitPhase(engine.Ready)
	r.renew(f.apply(pod))
	r.awaitPhase(engine.Ready)
	if err := f.connection.Core.Pods(f.namespace).Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	r.await("that the pod is gone", func(report engine.Report) bool { return report.Reason == "deleted" })
}
