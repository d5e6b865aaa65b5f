// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package generated_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	watchtools "k8s.io/client-go/tools/watch"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/clientset/versioned"
)

// untilDone returns a Session as soon as it's done, which it may be already. It
// waits for one that doesn't exist yet, and goes on waiting when connections
// break. It returns an error when the Session is deleted or ctx is done first.
func untilDone(ctx context.Context, client versioned.Interface, name string) (*v1alpha1.Session, error) {
	source := cache.NewListWatchFromClient(client.TiltV1alpha1().RESTClient(), "sessions", metav1.NamespaceNone,
		fields.OneTermEqualSelector(v1alpha1.FieldName, name))
	event, err := watchtools.UntilWithSync(ctx, source, &v1alpha1.Session{}, nil, func(event watch.Event) (bool, error) {
		if event.Type == watch.Deleted {
			return false, apierrors.NewNotFound(v1alpha1.Resource("sessions"), name)
		}
		return event.Object.(*v1alpha1.Session).Status.Done, nil
	})
	if err != nil {
		return nil, fmt.Errorf("waiting until %s is done: %w", name, err)
	}
	return event.Object.(*v1alpha1.Session), nil
}

// Wait for the verdict of a run, but no longer than ten minutes.
func Example_waitUntilDone() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		log.Fatal(err)
	}
	client, err := versioned.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	session, err := untilDone(ctx, client, "Tiltfile")
	switch {
	case err != nil:
		log.Fatal(err)
	case session.Status.Error != "":
		fmt.Println("failed:", session.Status.Error)
	default:
		fmt.Println("succeeded")
	}

	// Output:
	// succeeded
}
