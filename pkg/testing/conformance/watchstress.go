// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	sessionclient "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
)

// checkWatchStress checks the guarantees of watches under load.
func checkWatchStress(t *testing.T, s *server) {
	t.Run("Order", func(t *testing.T) { t.Parallel(); oneOrder(t, s) })
	t.Run("Informers", func(t *testing.T) { t.Parallel(); informersStayEqual(t, s) })
	t.Run("Slow", func(t *testing.T) { t.Parallel(); slowWatcher(t, s) })
}

// oneOrder: all watchers see the writes of all writers, in the order of their versions.
func oneOrder(t *testing.T, s *server) {
	const (
		watchers = 50
		writers  = 8
		rounds   = 25
	)
	group := unique(t)
	selected := "labelSelector=group=" + group
	start := s.get(t, sessionsPath+"?"+selected).want(http.StatusOK).list().ResourceVersion
	streams := make([]*stream, watchers)
	for i := range streams {
		streams[i] = s.watch(t, selected+"&resourceVersion="+start)
	}
	seenBy := make([][]string, watchers)
	var reading sync.WaitGroup
	for i, stream := range streams {
		reading.Go(func() {
			version := start
			for len(seenBy[i]) < writers*rounds*3 {
				event, err := stream.read()
				if errors.Is(err, io.EOF) {
					// It wasn't fast enough for the server, and goes on from where it was.
					stream = s.watch(t, selected+"&resourceVersion="+version)
					continue
				}
				if err != nil {
					t.Errorf("watcher %d: after %d events: %v", i, len(seenBy[i]), err)
					return
				}
				seenBy[i] = append(seenBy[i], event.brief(t))
				version = versionOfBrief(event.brief(t))
			}
		})
	}
	inParallel(t, writers, func(i int) error { return write3(t.Context(), s.sessions, group, i, rounds) })
	reading.Wait()

	first := seenBy[0]
	if !slices.IsSortedFunc(first, func(a, b string) int {
		return int(versionNumber(t, versionOfBrief(a))) - int(versionNumber(t, versionOfBrief(b)))
	}) {
		t.Error("events aren't in the order of their versions")
	}
	// Every Session was created, changed and deleted, in this order.
	seen := map[string]string{}
	for _, event := range first {
		kind, rest, _ := strings.Cut(event, " ")
		name, _, _ := strings.Cut(rest, " ")
		seen[name] += kind[:1]
	}
	for name, kinds := range seen {
		if kinds != "AMD" {
			t.Errorf("events of %s: %s", name, kinds)
		}
	}
	for i, events := range seenBy {
		if !slices.Equal(events, first) {
			t.Errorf("watcher %d has seen another order than the first", i)
		}
	}
}

// write3 creates, changes and deletes Sessions.
func write3(ctx context.Context, sessions sessionclient.SessionInterface, group string, writer, rounds int) error {
	for i := range rounds {
		session := newSession(fmt.Sprintf("%s-%d-%d", group, writer, i))
		session.Labels = map[string]string{"group": group}
		if _, err := sessions.Create(ctx, session, metav1.CreateOptions{}); err != nil {
			return err
		}
		if _, err := sessions.Patch(ctx, session.Name, types.MergePatchType, []byte(`{"status":{"pid":7}}`), metav1.PatchOptions{}, "status"); err != nil {
			return err
		}
		if err := sessions.Delete(ctx, session.Name, metav1.DeleteOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// plainWatch makes a reflector list before it watches.
type plainWatch struct{ *cache.ListWatch }

// IsWatchListSemanticsUnSupported makes reflectors list first.
func (plainWatch) IsWatchListSemanticsUnSupported() bool { return true }

// informersStayEqual: informers whose connections are cut again and again have
// the content of a list after the writes.
func informersStayEqual(t *testing.T, s *server) {
	const (
		writers = 4
		writes  = 2000
		cuts    = 10
	)
	group := unique(t)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	byList := newInformer(t, s, group, func(source *cache.ListWatch) cache.ListerWatcher { return plainWatch{source} })
	byWatch := newInformer(t, s, group, func(source *cache.ListWatch) cache.ListerWatcher { return source })
	for _, informer := range []*cutInformer{byList, byWatch} {
		running.Go(func() { informer.Run(ctx.Done()) })
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			t.Fatal("an informer isn't ready")
		}
	}
	s.removeGroup(t, group)

	for range cuts {
		inParallel(t, writers, func(writer int) error {
			for range writes / cuts / writers {
				if err := s.writeAtRandom(t.Context(), group); err != nil {
					return err
				}
			}
			if writer == 0 {
				byList.proxy.cut()
				byWatch.proxy.cut()
			}
			return nil
		})
	}

	want := map[string]*v1alpha1.Session{}
	for _, session := range s.get(t, sessionsPath+"?labelSelector=group="+group).want(http.StatusOK).list().Items {
		want[session.Name] = &session
	}
	if len(want) == 0 {
		t.Error("nothing is left of the writes")
	}
	byList.mustBecome(t, want)
	byWatch.mustBecome(t, want)
	if byList.lists.Load() == 0 || byWatch.lists.Load() != 0 {
		t.Errorf("the informers have listed %d and %d times", byList.lists.Load(), byWatch.lists.Load())
	}
}

// cutInformer is an informer with the proxy that it reaches the server through.
type cutInformer struct {
	cache.SharedInformer
	proxy *proxy
	// lists counts its list requests.
	lists atomic.Int64
}

func (i *cutInformer) mustBecome(t *testing.T, want map[string]*v1alpha1.Session) {
	t.Helper()
	var difference string
	waiting, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := wait.PollUntilContextCancel(waiting, 20*time.Millisecond, true, func(context.Context) (bool, error) {
		got := map[string]*v1alpha1.Session{}
		for _, object := range i.GetStore().List() {
			got[object.(*v1alpha1.Session).Name] = object.(*v1alpha1.Session)
		}
		difference = cmp.Diff(want, got, ignoreType)
		return difference == "", nil
	})
	if err != nil {
		t.Errorf("the informer differs from a list (-list +informer): %v\n%s", err, difference)
	}
}

// through returns a client whose connections go through a proxy.
func (s *server) through(t *testing.T, p *proxy) sessionclient.SessionInterface {
	t.Helper()
	config := rest.CopyConfig(s.Config)
	config.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", p.address())
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	clientset, err := versioned.NewForConfigAndClient(config, client)
	if err != nil {
		t.Fatal(err)
	}
	return clientset.TiltV1alpha1().Sessions()
}

func newInformer(t *testing.T, s *server, group string, style func(*cache.ListWatch) cache.ListerWatcher) *cutInformer {
	t.Helper()
	informer := &cutInformer{proxy: newProxy(t, strings.TrimPrefix(s.Config.Host, "https://"))}
	sessions := s.through(t, informer.proxy)
	informer.SharedInformer = cache.NewSharedInformer(style(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			informer.lists.Add(1)
			options.LabelSelector = "group=" + group
			return sessions.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.LabelSelector = "group=" + group
			return sessions.Watch(ctx, options)
		},
	}), &v1alpha1.Session{}, 0)
	// The test breaks connections on purpose.
	if err := informer.SetWatchErrorHandlerWithContext(func(context.Context, *cache.Reflector, error) {}); err != nil {
		t.Fatal(err)
	}
	return informer
}

// removeGroup deletes the Sessions of a group at the end of the test.
func (s *server) removeGroup(t *testing.T, group string) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if err := s.sessions.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "group=" + group}); err != nil {
			t.Error(err)
		}
	})
}

// writeAtRandom creates, changes or deletes one of a few Sessions. An existing
// or a missing Session is no error.
func (s *server) writeAtRandom(ctx context.Context, group string) error {
	name := group + "-" + strconv.Itoa(rand.IntN(20))
	value := strconv.Itoa(rand.IntN(1000))
	var err error
	switch rand.IntN(4) {
	case 0:
		session := newSession(name)
		session.Labels = map[string]string{"group": group}
		_, err = s.sessions.Create(ctx, session, metav1.CreateOptions{})
	case 1:
		err = s.sessions.Delete(ctx, name, metav1.DeleteOptions{})
	case 2:
		_, err = s.sessions.Patch(ctx, name, types.MergePatchType, []byte(`{"metadata":{"labels":{"n":"`+value+`"}}}`), metav1.PatchOptions{})
	default:
		_, err = s.sessions.Patch(ctx, name, types.MergePatchType, []byte(`{"status":{"pid":`+value+`}}`), metav1.PatchOptions{}, "status")
	}
	if apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// slowWatcher: a watcher that doesn't read blocks neither writers nor other watchers. The server
// ends its watch before the last events.
func slowWatcher(t *testing.T, s *server) {
	const writes = 300
	session := s.create(t, func(session *v1alpha1.Session) {
		session.Annotations = map[string]string{"large": strings.Repeat("x", 100<<10)}
	})
	query := "fieldSelector=metadata.name=" + session.Name + "&resourceVersion=" + session.ResourceVersion
	slow, fast := s.narrow(t).watch(t, query), s.watch(t, query)
	for i := range writes {
		fast.want(t, brief("MODIFIED", s.relabel(t, session.Name, strconv.Itoa(i))))
	}
	read := 0
	for {
		_, err := slow.read()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Errorf("the slow one isn't ended as a watch is: %v", err)
			}
			break
		}
		if read++; read == writes {
			t.Fatal("the server has kept all events for a watch that is not read")
		}
	}
}

// narrow returns the same server over HTTP/1.1 connections of its own, with small
// receive buffers.
func (s *server) narrow(t *testing.T) *server {
	t.Helper()
	narrow := *s
	config, err := rest.TLSConfigFor(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	config.NextProtos = []string{"http/1.1"}
	transport := &http.Transport{
		TLSClientConfig: config,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			connection, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return connection, connection.(*net.TCPConn).SetReadBuffer(256 << 10)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	authenticated, err := rest.HTTPWrappersForConfig(s.Config, transport)
	if err != nil {
		t.Fatal(err)
	}
	narrow.http = &http.Client{Transport: authenticated}
	return &narrow
}
