// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"fmt"
	"net/rpc"
	"os"
	"strconv"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/apis/example"
	apistorage "k8s.io/apiserver/pkg/storage"

	"tilt.dev/session/pkg/testing/crash"
)

var versioner = apistorage.APIObjectVersioner{}

// CrashRequest is a request to a process, CrashReply the response. They are exported because net/rpc requires it.
type CrashRequest struct {
	Name, Content string
	Version       int64
}

type CrashReply struct {
	Version int64
	Objects map[string]crash.Object
	// Event is what a watch sent, nil once that was closed.
	Event *crash.Event
}

// crashServer stores pods in a file for another process.
type crashServer struct {
	pods    apistorage.Interface
	mu      sync.Mutex
	watches []watch.Interface
}

// serveDirectory serves until the process is killed or its input ends.
func serveDirectory(dir string) error {
	backend, err := NewFile(fileConfig(dir))
	if err != nil {
		return err
	}
	options, err := backend.RESTOptionsGetter().GetRESTOptions(schema.GroupResource{Group: "example.test", Resource: "pods"}, nil)
	if err != nil {
		return err
	}
	key := func(object runtime.Object) (string, error) {
		return apistorage.NamespaceKeyFunc(options.ResourcePrefix+"/", object)
	}
	pods, _, err := options.Decorator(options.StorageConfig, options.ResourcePrefix, key, newPod, newPodList, podAttributes, nil, nil)
	if err != nil {
		return err
	}
	server := rpc.NewServer()
	if err := server.RegisterName("Pods", &crashServer{pods: pods}); err != nil {
		return err
	}
	server.ServeConn(stream{os.Stdin, os.Stdout})
	return backend.Close()
}

func (s *crashServer) Ready(_ CrashRequest, _ *CrashReply) error {
	for s.pods.ReadinessCheck() != nil {
		time.Sleep(time.Millisecond)
	}
	return nil
}

func (s *crashServer) Create(r CrashRequest, reply *CrashReply) error {
	pod, created := podWith(r), &example.Pod{}
	err := s.pods.Create(context.Background(), podKey(r.Name), pod, created, 0)
	return answer(reply, created, err)
}

func podWith(r CrashRequest) *example.Pod {
	return &example.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: r.Name, Annotations: map[string]string{contentAnnotation: r.Content},
	}}
}

func answer(reply *CrashReply, pod *example.Pod, err error) error {
	if err != nil {
		return err
	}
	object, err := objectOf(pod)
	reply.Version = object.Version
	return err
}

func (s *crashServer) Update(r CrashRequest, reply *CrashReply) error {
	updated := &example.Pod{}
	err := s.pods.GuaranteedUpdate(context.Background(), podKey(r.Name), updated, false, expecting(r),
		func(runtime.Object, apistorage.ResponseMeta) (runtime.Object, *uint64, error) {
			return podWith(r), nil, nil
		}, nil)
	return answer(reply, updated, err)
}

func expecting(r CrashRequest) *apistorage.Preconditions {
	version := strconv.FormatInt(r.Version, 10)
	return &apistorage.Preconditions{ResourceVersion: &version}
}

func (s *crashServer) Delete(r CrashRequest, _ *CrashReply) error {
	return s.pods.Delete(context.Background(), podKey(r.Name), &example.Pod{}, expecting(r),
		apistorage.ValidateAllObjectFunc, nil, apistorage.DeleteOptions{})
}

func (s *crashServer) List(_ CrashRequest, reply *CrashReply) error {
	list := &example.PodList{}
	if err := s.pods.GetList(context.Background(), "/example.test/pods/", apistorage.ListOptions{Recursive: true, Predicate: apistorage.Everything}, list); err != nil {
		return err
	}
	version, err := strconv.ParseInt(list.ResourceVersion, 10, 64)
	if err != nil {
		return err
	}
	reply.Version, reply.Objects = version, map[string]crash.Object{}
	for i := range list.Items {
		if reply.Objects[list.Items[i].Name], err = objectOf(&list.Items[i]); err != nil {
			return err
		}
	}
	return nil
}

// Watch answers with the number of a watch.
func (s *crashServer) Watch(r CrashRequest, reply *CrashReply) error {
	from := strconv.FormatInt(max(r.Version, 1), 10)
	opened, err := s.pods.Watch(context.Background(), "/example.test/pods/", apistorage.ListOptions{
		ResourceVersion: from, Recursive: true, Predicate: apistorage.Everything,
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	reply.Version = int64(len(s.watches))
	s.watches = append(s.watches, opened)
	return nil
}

// Next answers with an event of a watch, when there is one. A cache closes watches that are slow.
func (s *crashServer) Next(r CrashRequest, reply *CrashReply) error {
	s.mu.Lock()
	opened := s.watches[r.Version]
	s.mu.Unlock()
	event, open := <-opened.ResultChan()
	if !open {
		return nil
	}
	cached, ok := event.Object.(runtime.CacheableObject)
	object := event.Object
	if ok {
		object = cached.GetObject()
	}
	pod, ok := object.(*example.Pod)
	if !ok {
		return fmt.Errorf("the watch sent %s %v", event.Type, event.Object)
	}
	found, err := objectOf(pod)
	reply.Event = &crash.Event{Object: found, Name: pod.Name, Deleted: event.Type == watch.Deleted}
	return err
}
