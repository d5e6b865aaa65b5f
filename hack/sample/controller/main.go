// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Controller tells the store about each Promotion of its namespace, and says in the status when that is done.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

var promotions = schema.GroupVersionResource{Group: "sample.tilt.dev", Version: "v1", Resource: "promotions"}

type controller struct {
	client   dynamic.Interface
	informer cache.SharedIndexInformer
	queue    workqueue.TypedRateLimitingInterface[string]
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	config, err := rest.InClusterConfig()
	if err != nil {
		log.Fatal(err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(client, 0, os.Getenv("NAMESPACE"), nil)
	limiter := workqueue.DefaultTypedControllerRateLimiter[string]()
	c := &controller{
		client: client, informer: factory.ForResource(promotions).Informer(), queue: workqueue.NewTypedRateLimitingQueue(limiter),
	}
	enqueue := func(object any) {
		if key, err := cache.MetaNamespaceKeyFunc(object); err == nil {
			c.queue.Add(key)
		}
	}
	if _, err := c.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    enqueue,
		UpdateFunc: func(_, object any) { enqueue(object) },
	}); err != nil {
		log.Fatal(err)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	log.Print("controller watches Promotions")
	context.AfterFunc(ctx, c.queue.ShutDown)
	for c.next(ctx) {
	}
	factory.Shutdown()
}

// next handles one Promotion, and is false at the end.
func (c *controller) next(ctx context.Context) bool {
	key, shutdown := c.queue.Get()
	if shutdown {
		return false
	}
	defer c.queue.Done(key)
	if err := c.reconcile(ctx, key); err != nil {
		log.Printf("promotion %s: %v", key, err)
		c.queue.AddRateLimited(key)
		return true
	}
	c.queue.Forget(key)
	return true
}

func (c *controller) reconcile(ctx context.Context, key string) error {
	object, exists, err := c.informer.GetIndexer().GetByKey(key)
	if err != nil || !exists {
		return err
	}
	promotion := object.(*unstructured.Unstructured).DeepCopy()
	observed, _, _ := unstructured.NestedInt64(promotion.Object, "status", "observedGeneration")
	if observed == promotion.GetGeneration() {
		return nil
	}
	percent, _, err := unstructured.NestedInt64(promotion.Object, "spec", "percent")
	if err != nil {
		return err
	}
	if err := tellStore(ctx, percent); err != nil {
		return err
	}
	promotion.Object["status"] = map[string]any{
		"observedGeneration": promotion.GetGeneration(),
		"conditions": []any{map[string]any{
			"type": "Ready", "status": "True", "reason": "Told", "message": "the store knows",
			"lastTransitionTime": time.Now().UTC().Format(time.RFC3339),
		}},
	}
	_, err = c.client.Resource(promotions).Namespace(promotion.GetNamespace()).UpdateStatus(ctx, promotion, metav1.UpdateOptions{})
	return err
}

func tellStore(ctx context.Context, percent int64) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	url := "http://" + net.JoinHostPort(os.Getenv("STORE_SERVICE_HOST"), os.Getenv("STORE_SERVICE_PORT")) + "/percent"
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, url, strings.NewReader(fmt.Sprint(percent)))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("PUT %s: %s", url, response.Status)
	}
	return nil
}
