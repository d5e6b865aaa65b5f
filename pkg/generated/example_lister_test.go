// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package generated_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	"tilt.dev/session/pkg/generated/clientset/versioned"
	"tilt.dev/session/pkg/generated/informers/externalversions"
)

// A lister reads from the memory of an informer, without a request. What it
// returns belongs to the informer: copy it before you change it.
func Example_lister() {
	ctx, stop := context.WithCancel(context.Background())
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		log.Fatal(err)
	}
	client, err := versioned.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	factory := externalversions.NewSharedInformerFactory(client, 0)
	sessions := factory.Tilt().V1alpha1().Sessions()
	synced := sessions.Informer().HasSynced // asking for the informer has it started
	lister := sessions.Lister()
	factory.StartWithContext(ctx)
	defer factory.Shutdown()
	defer stop()
	if !cache.WaitForCacheSync(ctx.Done(), synced) {
		log.Fatal("the Sessions weren't read in time")
	}

	session, err := lister.Get("Tiltfile")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.Name, "runs", session.Spec.TiltfilePath)

	// Output:
	// Tiltfile runs /src/Tiltfile
}
