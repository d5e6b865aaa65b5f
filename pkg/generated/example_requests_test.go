// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package generated_test

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/clientset/versioned"
)

// Run a resource once more, and print what it writes until Ctrl-C or the end of
// the run.
func Example_triggerAndFollow() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		log.Fatal(err)
	}
	sessions := versioned.NewForConfigOrDie(config).TiltV1alpha1().Sessions()
	trigger := &v1alpha1.SessionTrigger{Spec: v1alpha1.SessionTriggerSpec{Resources: []string{"test"}}}
	if _, err := sessions.Trigger(ctx, "Tiltfile", trigger, metav1.CreateOptions{}); err != nil {
		log.Fatal(err) // such as: resource "test" does not exist
	}
	options := &v1alpha1.SessionLogOptions{Resources: []string{"test"}, Follow: true, TailLines: new(int64)}
	stream, err := sessions.GetLogs("Tiltfile", options).Stream(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer stream.Close()
	if _, err := io.Copy(os.Stdout, stream); err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}
