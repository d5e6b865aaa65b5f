// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package generated_test

import (
	"context"
	"fmt"
	"log"
	"os"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	applyv1alpha1 "tilt.dev/session/pkg/generated/applyconfiguration/core/v1alpha1"
	"tilt.dev/session/pkg/generated/clientset/versioned"
)

// A program adds a condition of its own to the status of a run. It applies the
// fields that it's responsible for and no others: those of other writers stay,
// and what it stops applying goes away.
func Example_applyStatus() {
	ctx := context.Background()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		log.Fatal(err)
	}
	client, err := versioned.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	sessions := client.TiltV1alpha1().Sessions()

	reviewed := applyv1alpha1.Session("Tiltfile").WithStatus(applyv1alpha1.SessionStatus().
		WithConditions(applymetav1.Condition().
			WithType("Reviewed").
			WithStatus(metav1.ConditionTrue).
			WithReason("LooksGood").
			WithMessage("").
			WithLastTransitionTime(metav1.Now())))
	session, err := sessions.ApplyStatus(ctx, reviewed, metav1.ApplyOptions{FieldManager: "reviewer"})
	if err != nil {
		log.Fatal(err)
	}
	for _, condition := range session.Status.Conditions {
		fmt.Println(condition.Type, condition.Status)
	}

	// A field that another writer owns can't be taken from it by accident.
	reviewed.Status.WithDone(false)
	_, err = sessions.ApplyStatus(ctx, reviewed, metav1.ApplyOptions{FieldManager: "reviewer"})
	fmt.Println("conflict:", apierrors.IsConflict(err))

	mine, err := applyv1alpha1.ExtractSessionStatus(session, "reviewer")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("applied by reviewer:", len(mine.Status.Conditions), "condition, pid:", mine.Status.PID != nil)

	// Output:
	// Succeeded True
	// Reviewed True
	// conflict: true
	// applied by reviewer: 1 condition, pid: false
}

// A runner of its own makes a Session and publishes the state of what it runs.
// The targets are replaced whole at each apply: there's nothing to merge.
func Example_applyTargets() {
	ctx := context.Background()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		log.Fatal(err)
	}
	client, err := versioned.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	sessions := client.TiltV1alpha1().Sessions()
	runner := metav1.ApplyOptions{FieldManager: "my-runner", Force: true}

	spec := applyv1alpha1.SessionSpec().WithTiltfilePath("/src/Tiltfile").WithExitCondition(v1alpha1.ExitConditionManual)
	if _, err := sessions.Apply(ctx, applyv1alpha1.Session("mine").WithSpec(spec), runner); err != nil {
		log.Fatal(err)
	}
	status := applyv1alpha1.SessionStatus().
		WithPID(int64(os.Getpid())).
		WithStartTime(metav1.NowMicro()).
		WithDone(false).
		WithTargets(applyv1alpha1.Target().
			WithName("build:update").
			WithType(v1alpha1.TargetTypeJob).
			WithResources("build").
			WithState(applyv1alpha1.TargetState().
				WithActive(applyv1alpha1.TargetStateActive().WithStartTime(metav1.NowMicro()).WithReady(false))))
	session, err := sessions.ApplyStatus(ctx, applyv1alpha1.Session("mine").WithStatus(status), runner)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.Name, session.Status.Targets[0].Name)
	for _, owned := range session.ManagedFields {
		fmt.Printf("%s %s %q\n", owned.Manager, owned.Operation, owned.Subresource)
	}

	// Output:
	// mine build:update
	// my-runner Apply ""
	// my-runner Apply "status"
}
