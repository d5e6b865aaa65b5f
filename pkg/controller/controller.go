// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	clientv1alpha1 "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
	"tilt.dev/session/pkg/generated/informers/externalversions"
	listers "tilt.dev/session/pkg/generated/listers/core/v1alpha1"
)

// FieldManager is the manager of the Controller's writes in managedFields.
const FieldManager = "tilt-session"

const (
	// workers is how many Sessions are reconciled at a time.
	workers = 4
	// A failed reconcile is repeated after minRetry, then after twice that, up to maxRetry.
	minRetry = 5 * time.Millisecond
	maxRetry = 5 * time.Second
	// requestsTimeout bounds the requests of one reconcile.
	requestsTimeout = 30 * time.Second
	// lostTimeout bounds the requests of each step of the end after the claims were lost.
	lostTimeout = 2 * time.Second
	// drainTimeout bounds how long requests go on that are in flight when Run has to end.
	drainTimeout = time.Second
)

// Config configures a Controller. ClientConfig, Runs and NewRun are required.
type Config struct {
	// ClientConfig is the way to the API server. Its rate limits do not apply: the Controller limits its writes by
	// merging them.
	ClientConfig *rest.Config
	// StatusWriter writes each status. The default is a REST client of ClientConfig.
	StatusWriter StatusWriter
	// Runs selects the Sessions to run. Its answer for a Session that runs already does not matter. It may be
	// called concurrently.
	Runs func(*v1alpha1.Session) bool
	// NewRun prepares the run of a Session. The run passes each of its snapshots to onChange, in order; onChange
	// does not block. Snapshots have a start time from the first. A prepared run that is not started is dropped.
	NewRun func(s *v1alpha1.Session, onChange func(*engine.Snapshot)) Run
	// Running, if set, holds each run while it lasts.
	Running *Running
	// Delivered, if set, is called when a verdict was stored, or could not be. The run is ended when it has
	// returned. Its context ends after deliveryTimeout.
	Delivered func(context.Context)
	// Finished, if set, is called once for each Session that comes to its end, see Outcome. The run, if any, is
	// ended when it has returned, so it must not wait for that. It may be called concurrently.
	Finished func(Outcome)
	// Transient says that the storage ends with the process. Watches then see an interrupted Session in its last
	// state, as Tilt leaves it, because no later process has to know that it was interrupted.
	Transient bool
	// MaxRunning is how many Sessions run at a time, 0 for no limit.
	MaxRunning int
	// Claims are set where other processes run Sessions of the same storage, and require MaxRunning. A Session is then
	// claimed before it starts, and whatever concerns Sessions without a claim is left to the API server.
	Claims Claims
	// Clock is the real clock by default.
	Clock clock.WithTicker
}

// Outcome is the end of a Session: its verdict, or its deletion before one. It is reported from this process's own
// knowledge, whether it could be stored or not.
type Outcome struct {
	// Session has the whole last status, which shows the state before the teardown.
	Session *v1alpha1.Session
	// Run is the run of the Session, nil if it does not run at all.
	Run Run
	// Deleted is true for a Session that was deleted before it had a verdict.
	Deleted bool
	// Err is why the Session cannot run or why its run ended by itself, else nil. A manual Session that cannot run
	// is reported with it although it is not done: it may still run when its spec has changed, and is reported
	// again then.
	Err error
}

// Controller runs Sessions. See the package's description.
type Controller struct {
	config   Config
	client   clientv1alpha1.SessionInterface
	informer externalversions.SharedInformerFactory
	sessions listers.SessionLister
	synced   atomic.Bool
	working  atomic.Bool

	// begun is closed when what follows is set, within Run.
	begun     chan struct{}
	queue     workqueue.TypedRateLimitingInterface[string]
	runs      runs
	admission *admission
	// requests is the context of what workers ask the API server for. It outlives that of Run, so that requests in
	// flight are completed.
	requests context.Context
	// stopped is when the context of Run ended.
	stopped time.Time
	// uncertain has the UIDs of Sessions whose start may be stored although no run followed, because the write
	// failed.
	uncertain sync.Map
	// raced has the resourceVersions of Sessions, by UID, that could not be claimed because something newer is stored.
	raced sync.Map
	// draining is true once no further Session is claimed.
	draining atomic.Bool
}

// New returns a Controller, which does nothing before Run.
func New(config Config) (*Controller, error) {
	if config.MaxRunning < 0 {
		return nil, fmt.Errorf("create the controller: MaxRunning %d must not be negative", config.MaxRunning)
	}
	if config.Claims != nil && config.MaxRunning == 0 {
		return nil, errors.New("create the controller: Claims require MaxRunning")
	}
	limitless := rest.CopyConfig(config.ClientConfig)
	limitless.QPS = -1
	client, err := versioned.NewForConfig(limitless)
	if err != nil {
		return nil, fmt.Errorf("create the client of the controller: %w", err)
	}
	if config.Clock == nil {
		config.Clock = clock.RealClock{}
	}
	if config.Running == nil {
		config.Running = NewRunning()
	}
	if config.StatusWriter == nil {
		config.StatusWriter = restStatusWriter{client.TiltV1alpha1().RESTClient()}
	}
	c := &Controller{config: config, client: client.TiltV1alpha1().Sessions(), begun: make(chan struct{})}
	c.informer = externalversions.NewSharedInformerFactoryWithOptions(client, 0, externalversions.WithTransform(trim))
	c.sessions = c.informer.Tilt().V1alpha1().Sessions().Lister()
	return c, nil
}

// trim drops what the Controller does not need of the many Sessions that are done.
func trim(obj any) (any, error) {
	if s, ok := obj.(*v1alpha1.Session); ok {
		s.ManagedFields = nil
		if s.Status.Done {
			s.Status.Targets = nil
		}
	}
	return obj, nil
}

// Run runs Sessions until ctx is done, and returns when all runs and goroutines have ended. It returns the errors
// of runs that ended with it, and of storing their ends. The API server has to be there until then. Run can be
// called once.
func (c *Controller) Run(ctx context.Context) error {
	ctx = klog.NewContext(ctx, klog.LoggerWithName(klog.FromContext(ctx), "session-controller"))
	registerMetrics()
	lasting := context.WithoutCancel(ctx)
	requests, cut := context.WithCancel(lasting)
	defer cut()
	c.requests = requests
	c.runs = runs{ctx: lasting, running: c.config.Running, byName: map[string]*run{}, unstarted: map[types.UID]bool{}}
	c.admission = newAdmission(c.config.MaxRunning)
	if c.config.Claims != nil {
		c.admission.spread = claimSpread
	}
	c.queue = workqueue.NewTypedRateLimitingQueueWithConfig(
		workqueue.NewTypedItemExponentialFailureRateLimiter[string](minRetry, maxRetry),
		workqueue.TypedRateLimitingQueueConfig[string]{Name: "sessions", Clock: c.config.Clock})
	close(c.begun)
	handler, err := c.informer.Tilt().V1alpha1().Sessions().Informer().AddEventHandler(c.events())
	if err != nil {
		c.queue.ShutDown()
		return fmt.Errorf("watch Sessions: %w", err)
	}

	c.informer.StartWithContext(ctx)
	// Before, the oldest Session is not known.
	c.synced.Store(cache.WaitFor(ctx, "", handler.HasSyncedChecker()))
	var working sync.WaitGroup
	for range workers {
		working.Go(func() { c.work(ctx) })
	}
	c.working.Store(true)

	<-ctx.Done()
	c.stopped = c.config.Clock.Now()
	c.synced.Store(false)
	c.working.Store(false)
	c.queue.ShutDown()
	draining, drained := context.WithTimeout(lasting, drainTimeout)
	context.AfterFunc(draining, cut)
	working.Wait()
	drained()
	errs := c.shutDown(lasting)
	c.informer.Shutdown()
	c.admission.clear()
	return errors.Join(errs...)
}

// events reconciles a Session after each of its changes.
func (c *Controller) events() cache.ResourceEventHandler {
	changed := func(obj any) {
		s := obj.(*v1alpha1.Session)
		c.offer(s)
		c.queue.Add(s.Name)
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    changed,
		UpdateFunc: func(_, obj any) { changed(obj) },
		DeleteFunc: func(obj any) {
			if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = gone.Obj
			}
			s := obj.(*v1alpha1.Session)
			c.enqueue(c.admission.withdraw(s.UID))
			c.raced.Delete(s.UID)
			c.reportUnstarted(s, true)
			c.config.Running.forget(s.Name)
			c.queue.Add(s.Name)
		},
	}
}

func (c *Controller) enqueue(names []string) {
	for _, name := range names {
		c.queue.Add(name)
	}
}

// work reconciles Sessions until the queue is shut down. It drops what is in the queue when ctx is done.
func (c *Controller) work(ctx context.Context) {
	for {
		name, shutdown := c.queue.Get()
		if shutdown {
			return
		}
		if ctx.Err() == nil {
			c.handle(name)
		}
		c.queue.Done(name)
	}
}

// handle reconciles a Session, and repeats that later if it failed.
func (c *Controller) handle(name string) {
	ctx, cancel := context.WithTimeout(c.requests, requestsTimeout)
	defer cancel()
	logger := klog.FromContext(ctx)
	switch err := c.reconcile(ctx, name); {
	case err == nil:
		c.queue.Forget(name)
	case final(err):
		logger.Error(err, "Session can't be reconciled before something changes", "session", name)
		c.queue.Forget(name)
	case outdated(err), c.requests.Err() != nil:
		logger.V(2).Info("Session has changed, or the controller ends", "session", name, "err", err)
		c.queue.AddRateLimited(name)
	default:
		logger.Error(err, "Session wasn't reconciled, trying again", "session", name)
		c.queue.AddRateLimited(name)
	}
}

// InformersSynced is a readiness check. It fails before the Controller knows all Sessions and after its end. It
// does not wait.
func (c *Controller) InformersSynced(context.Context) error {
	if !c.synced.Load() {
		return errors.New("the controller has not seen all Sessions")
	}
	return nil
}

// Working is a readiness check. It fails before Run has started its workers and once it stops them. It does not
// wait.
func (c *Controller) Working(context.Context) error {
	if !c.working.Load() {
		return errors.New("the controller does not reconcile Sessions")
	}
	return nil
}
