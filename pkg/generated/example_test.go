// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package generated_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	"tilt.dev/session/pkg/generated/informers/externalversions"
)

// An informer prints how far every Session is until Ctrl-C. KUBECONFIG is a
// file that "tilt-session kubeconfig" wrote.
func Example_informer() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		log.Fatal(err)
	}
	factory := externalversions.NewSharedInformerFactory(versioned.NewForConfigOrDie(config), 0)
	show := func(obj any) {
		s := obj.(*v1alpha1.Session)
		fmt.Println(s.Name, len(s.Status.Targets), "targets, done:", s.Status.Done, s.Status.Error)
	}
	_, err = factory.Tilt().V1alpha1().Sessions().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    show,
		UpdateFunc: func(_, obj any) { show(obj) },
	})
	if err != nil {
		log.Fatal(err)
	}
	factory.StartWithContext(ctx)
	<-ctx.Done()
	factory.Shutdown()
}
