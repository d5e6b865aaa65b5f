// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package generated_test

import (
	"context"
	"fmt"
	"log"
	"os"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"tilt.dev/session/pkg/generated/clientset/versioned"
)

// What a run has come to, target by target.
func Example_get() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		log.Fatal(err)
	}
	client, err := versioned.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	session, err := client.TiltV1alpha1().Sessions().Get(context.Background(), "Tiltfile", metav1.GetOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, target := range session.Status.Targets {
		switch state := target.State; {
		case state.Waiting != nil:
			fmt.Println(target.Name, "waits:", state.Waiting.WaitReason)
		case state.Active != nil:
			fmt.Println(target.Name, "runs, ready:", state.Active.Ready)
		case state.Terminated != nil && state.Terminated.Error != "":
			fmt.Println(target.Name, "failed:", state.Terminated.Error)
		case state.Terminated != nil:
			fmt.Println(target.Name, "succeeded")
		default:
			fmt.Println(target.Name, "is disabled, or nobody has asked for it")
		}
	}
	fmt.Println("done:", session.Status.Done, session.Status.Error)

	// Output:
	// api:serve runs, ready: true
	// test:update succeeded
	// done: true
}
