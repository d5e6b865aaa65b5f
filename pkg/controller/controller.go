// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controller runs Sessions: for each Session that it's told to run it
// starts a run, publishes what the run reports as the Session's status, applies
// changes of the spec to the run, and tells when the Session is done.
//
// # What is published
//
// The status is computed whole from one snapshot of the run, compared with the
// stored one, and written at once if it differs. As long as writing keeps up,
// every phase that a target goes through is visible to a watch, however short;
// snapshots that add nothing to that are merged, so that a burst of changes
// costs few writes. The first change after a quiet time isn't delayed.
//
// Of a Session with more than a hundred resources only the newest state is
// written, and with rests between the writes: a write costs by the number of
// targets, and what it costs is taken from the jobs. A verdict isn't delayed.
//
// The status has one writer: what somebody else writes into the status of a
// Session that's run here is overwritten, conditions of other types excepted.
// Once the Session is done its status isn't written again, so it keeps showing
// the state in which the verdict was reached while the run is torn down.
//
// A verdict is reached in this process, whatever can be stored: while writes fail
// or hang, the newest state is looked at. A verdict that isn't stored and seen by
// a watch after five seconds ends the run all the same; a Durable Controller stores
// it later if that becomes possible. A status that its storage finds too large is made smaller, see
// session.Fit, and one that it refuses for another reason isn't written again.
// Success and timeouts are decided on the newest state, with every end of a process
// that has come by then, however late the look at it is.
//
// # The spec
//
// A change of exitCondition, ci or args acts at once. Of another tiltfilePath the run is told at once; nothing that
// it reported before is published after that, so that no verdict is told of a
// file that isn't the one in the spec. A relative path is taken from the working
// directory of this process, unless the Controller is Durable.
//
// # Requests
//
// What an API server is asked of a run it finds in the table Running: whoever
// serves hands it to the server, and here by the Config. A dry run is answered
// from the newest snapshot, everything else by the run itself.
//
// # One Session, or a store of them
//
// A Controller that isn't Durable serves who runs one Session here and now.
// Deleting it doesn't stop its run: it's created again, with the same spec,
// labels and annotations, when the Tiltfile was evaluated the next time, or to
// store the verdict. When it's done its run goes on until the caller, who may
// want watches to have been served before, ends the Controller.
//
// A Durable Controller has a store of Sessions to itself that may outlast it:
//
//   - A Session is run once it's created. A finalizer holds its deletion until
//     nothing of the run is left, and is removed then. Whatever run a Session had
//     before, in this process or another one, its deletion never waits for
//     something that isn't there. Of a name that's used again the new Session is
//     another one: it's run when nothing is left of the old.
//   - A Session that's done is shown to watches, then its run is ended and
//     forgotten. Its status stays. It's final, whatever becomes of its spec: to
//     run it again, create another one. ttlSecondsAfterFinished has it deleted.
//   - With MaxRunning, the oldest Sessions are run. The others are shown to wait,
//     and follow in the order of their creation when one has ended completely.
//   - A change of spec.args acts at once.
//   - A spec that can't be run, with arguments that can't be read or a relative
//     path, is treated as a Tiltfile that fails: a ci Session has failed, a manual
//     one shows the error until it's changed. What runs already goes on.
//   - Before a run can do anything, its start is stored. A Session that was
//     being run when the process before this one ended is started again if it's
//     manual, and has failed if it's ci: it's Interrupted. When Run is told to
//     end, it sees to the latter by itself.
//   - A run that ends by itself, which a run isn't expected to, fails its
//     Session alone.
//
// # What it doesn't do
//
// It doesn't create Sessions in the first place, and doesn't run one that's done
// already.
package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

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

// FieldManager is the owner that managedFields show for what's written here.
const FieldManager = "tilt-session"

const (
	// workers is how many Sessions are reconciled at a time.
	workers = 4
	// A failed reconcile is repeated after minRetry, then twice that, and so
	// on up to maxRetry.
	minRetry = 5 * time.Millisecond
	maxRetry = 5 * time.Second
	// requestsTimeout bounds the requests of one reconcile.
	requestsTimeout = 30 * time.Second
)

// Config is what a Controller needs. ClientConfig, Runs and NewRun are required,
// and Done unless it's Durable.
type Config struct {
	// ClientConfig says how to reach the API server. Its rate limits don't apply:
	// writes are limited by merging what's to be written.
	ClientConfig *rest.Config
	// Runs tells whether a Session is to be run here. Others are left alone.
	// What it says of a Session that's being run doesn't matter. It's called from
	// several goroutines.
	Runs func(*v1alpha1.Session) bool
	// NewRun prepares the run of a Session, which it's given with an absolute
	// tiltfilePath. The run hands each of its snapshots to onChange, in order;
	// onChange doesn't block.
	NewRun func(s *v1alpha1.Session, onChange func(*engine.Snapshot)) Run
	// Running, if set, has each run while it lasts.
	Running *Running
	// Done is called once for each Session that's done, with its whole status: after
	// the verdict was stored and a watch of this process has delivered it, or after
	// that has taken too long. Done mustn't wait for the Controller. A Durable
	// Controller ends the run by itself then, so that Done may be nil.
	Done func(*v1alpha1.Session)
	// NotRun, if set, is called of a Durable Controller with each Session that it
	// doesn't run because of what's wrong with it or because it was interrupted,
	// when its status has come to say so. It's called from several goroutines.
	NotRun func(*v1alpha1.Session)
	// Durable says that the store of the API server may outlast this process, and
	// that no other process runs Sessions of it, as the package's description has
	// it. Sessions for which Runs says no are left alone but for the finalizer of
	// deleted ones. The runs of NewRun have snapshots with a start time from the
	// beginning.
	Durable bool
	// MaxRunning is how many Sessions a Durable Controller runs at a time, 0 for
	// all.
	MaxRunning int
	// Clock is the real one by default.
	Clock clock.WithTicker
}

// Controller runs Sessions. See the package's description.
type Controller struct {
	config   Config
	client   clientv1alpha1.SessionInterface
	rest     rest.Interface
	informer externalversions.SharedInformerFactory
	sessions listers.SessionLister
	synced   atomic.Bool
	working  atomic.Bool

	// What follows is set and used within Run.
	queue workqueue.TypedRateLimitingInterface[string]
	runs  runs
	slots *slots
	large turns
	// stopped is when Run was told to end.
	stopped time.Time
	// unbegun are the UIDs of Sessions whose start may be stored without a run that
	// follows from it, since it's not known what came of the write.
	unbegun sync.Map
}

// New returns a Controller that does nothing before its Run.
func New(config Config) (*Controller, error) {
	if config.MaxRunning < 0 {
		return nil, fmt.Errorf("creating the controller: MaxRunning %d is negative", config.MaxRunning)
	}
	limitless := rest.CopyConfig(config.ClientConfig)
	limitless.QPS = -1
	client, err := versioned.NewForConfig(limitless)
	if err != nil {
		return nil, fmt.Errorf("creating the client of the controller: %w", err)
	}
	if config.Clock == nil {
		config.Clock = clock.RealClock{}
	}
	if config.Running == nil {
		config.Running = NewRunning()
	}
	c := &Controller{
		config: config,
		client: client.TiltV1alpha1().Sessions(),
		rest:   client.TiltV1alpha1().RESTClient(),
	}
	var options []externalversions.SharedInformerOption
	if config.Durable {
		options = append(options, externalversions.WithTransform(essence))
	}
	c.informer = externalversions.NewSharedInformerFactoryWithOptions(client, 0, options...)
	c.sessions = c.informer.Tilt().V1alpha1().Sessions().Lister()
	return c, nil
}

// Run runs Sessions until ctx is done or a run ends by itself, which a run
// isn't expected to. It returns when all runs, which end at the same time, have
// ended and all goroutines are gone, with the errors of the runs. A Durable one
// needs the API server until then. It can be called once.
func (c *Controller) Run(ctx context.Context) error {
	logger := klog.LoggerWithName(klog.FromContext(ctx), "session-controller")
	ctx, cancel := context.WithCancel(klog.NewContext(ctx, logger))
	defer cancel()
	registerMetrics()

	c.runs = runs{running: c.config.Running, byName: map[string]*run{}, over: c.runIsOver(cancel)}
	if c.config.Durable {
		c.runs.over = c.durableRunIsOver(ctx)
	}
	c.slots = newSlots(c.config.MaxRunning)
	c.large = turns{free: largeWorkers}
	c.queue = workqueue.NewTypedRateLimitingQueueWithConfig(
		workqueue.NewTypedItemExponentialFailureRateLimiter[string](minRetry, maxRetry),
		workqueue.TypedRateLimitingQueueConfig[string]{Name: "sessions", Clock: c.config.Clock})
	handler, err := c.informer.Tilt().V1alpha1().Sessions().Informer().AddEventHandler(c.events())
	if err != nil {
		c.queue.ShutDown()
		return fmt.Errorf("watching Sessions: %w", err)
	}

	c.informer.StartWithContext(ctx)
	if c.config.Durable {
		// Which Session is the oldest isn't known before.
		cache.WaitFor(ctx, "", handler.HasSyncedChecker())
	}
	var working sync.WaitGroup
	for range workers {
		working.Go(func() { c.work(ctx) })
	}
	c.working.Store(true)
	c.synced.Store(cache.WaitFor(ctx, "", handler.HasSyncedChecker()))

	<-ctx.Done()
	c.stopped = c.config.Clock.Now()
	c.synced.Store(false)
	c.working.Store(false)
	c.queue.ShutDown()
	working.Wait()
	errs := c.close(ctx)
	c.informer.Shutdown()
	return errors.Join(errs...)
}

// events reconciles a Session whenever a watch tells something of it.
func (c *Controller) events() cache.ResourceEventHandler {
	enqueue := func(obj any) {
		// An informer's objects have names, so that there is no other case.
		if key, err := cache.DeletionHandlingObjectToName(obj); err == nil {
			c.queue.Add(key.Name)
		}
	}
	forget := func(obj any) {
		if key, err := cache.DeletionHandlingObjectToName(obj); err == nil {
			c.config.Running.forget(key.Name)
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { c.line(obj); enqueue(obj) },
		UpdateFunc: func(_, obj any) { c.line(obj); enqueue(obj) },
		DeleteFunc: func(obj any) { c.leave(obj); forget(obj); enqueue(obj) },
	}
}

// work reconciles Sessions until the queue is shut down. What's in the queue
// when ctx is done is dropped.
func (c *Controller) work(ctx context.Context) {
	for {
		name, shutdown := c.queue.Get()
		if shutdown {
			return
		}
		if ctx.Err() == nil {
			c.handle(ctx, name)
		}
		c.queue.Done(name)
	}
}

// handle reconciles a Session, and sees to another try if that failed.
func (c *Controller) handle(ctx context.Context, name string) {
	err := c.reconcile(ctx, name)
	if err != nil && final(err) {
		klog.FromContext(ctx).Error(err, "Session can't be reconciled before something changes", "session", name)
		err = nil
	}
	if err != nil {
		klog.FromContext(ctx).Error(err, "Session wasn't reconciled, trying again", "session", name)
		c.queue.AddRateLimited(name)
		return
	}
	c.queue.Forget(name)
}
