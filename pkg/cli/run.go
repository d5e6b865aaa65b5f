// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/controller"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	"tilt.dev/session/pkg/session"
)

const (
	// arrivalTimeout bounds how long the run waits for the first request of each
	// client that connected before the server was ready.
	arrivalTimeout = 100 * time.Millisecond
	// deliveryTimeout is how long watches may take to receive the verdict
	// before the run is torn down all the same.
	deliveryTimeout = time.Second
	// outputGrace is how long output may take to be read after a signal.
	outputGrace = time.Second
	// patience is how long a teardown lasts before a person is told of it.
	patience = 1500 * time.Millisecond
)

// run executes a Tiltfile as the Session "Tiltfile" until there's a verdict or
// a signal, and returns when nothing of it is left.
func run(ctx context.Context, p Program, o *runOptions) error {
	setGCPercent(startPercent)
	if err := directLog(p.Streams.ErrOut, o.verbosity); err != nil {
		return withCode(ExitFailure, "%w", err)
	}
	h, err := newHost(ctx, p, o)
	if err != nil {
		return err
	}
	end := h.serve(ctx)
	if err := h.close(ctx); err != nil {
		h.warn(err)
	}
	return end.error(o.exitCondition)
}

// end is how a run ended: with a Session that is done or deleted, by a signal, or because
// something failed that the run needs.
type end struct {
	session *v1alpha1.Session
	deleted bool
	signal  os.Signal
	err     error
}

// error is what the command returns.
func (e end) error(condition v1alpha1.ExitCondition) error {
	switch {
	case e.err != nil:
		return e.err
	case e.session != nil && (e.signal == nil || session.VerdictOf(e.session.Status) != session.Interrupted):
		return verdictError(e.session.Status)
	case condition == v1alpha1.ExitConditionManual:
		return nil
	case e.deleted:
		return withCode(ExitFailure, "Session was deleted")
	default:
		return signalError(e.signal)
	}
}

// serve runs the API server, and while it lasts the Session.
func (h *host) serve(ctx context.Context) end {
	serving := start(context.WithoutCancel(ctx), h.server.Run)
	h.running = true
	e, ok := h.open(ctx, serving)
	if ok {
		e = h.runSession(ctx, serving)
	}
	if err := serving.stop(); err != nil && e.err == nil {
		h.warn(err)
	}
	return e
}

// open waits until clients can find the server and are answered, and then for
// those that are there already, so that they see the Session from its beginning.
func (h *host) open(ctx context.Context, serving *task) (e end, ok bool) {
	select {
	case <-h.entering.done:
	case sig := <-h.signals:
		h.entering.cancel() // another process may have the file locked
		return end{signal: sig}, false
	}
	if err := h.entering.wait(); err != nil {
		return end{err: notEntered(err)}, false
	}
	select {
	case <-h.server.Ready():
	case <-serving.done:
		return end{err: withCode(ExitAPI, "serve the API: %w", serving.err)}, false
	case sig := <-h.signals:
		return end{signal: sig}, false
	}
	arriving, cancel := context.WithTimeout(ctx, arrivalTimeout)
	defer cancel()
	_ = h.server.Arrived(arriving) // A client that asks for nothing isn't waited for.
	setGCPercent(runPercent)
	return end{}, true
}

// runSession creates the Session, waits for its end, and when all watches know
// of it stops what was started, while a person is told what came of it.
func (h *host) runSession(ctx context.Context, serving *task) end {
	client, err := versioned.NewForConfig(h.server.LoopbackClientConfig())
	if err != nil {
		return end{err: withCode(ExitAPI, "%w", err)}
	}
	printing := start(context.WithoutCancel(ctx), h.print)
	controlling := start(context.WithoutCancel(ctx), h.controller.Run)
	e := h.await(ctx, client, serving, controlling, printing)
	// What processes write while they end is not printed.
	h.logs.Close()
	controlling.cancel()
	if e.signal != nil && h.options.exitCondition == v1alpha1.ExitConditionCI {
		// The controller reports the last status before it ends the run.
		select {
		case o := <-h.finished:
			if !o.Deleted {
				e.session = o.Session
			}
		case <-controlling.done:
		case <-time.After(deliveryTimeout):
		}
	}
	telling := start(context.WithoutCancel(ctx), func(ctx context.Context) error {
		if err := printing.wait(); err != nil || e.session == nil {
			return err
		}
		return h.report(ctx, e.session)
	})
	h.teardown(controlling, telling, e)
	return e
}

// await creates the Session and returns when it has ended. Servers that nobody
// sees any more aren't kept running for ever.
func (h *host) await(ctx context.Context, client versioned.Interface, serving, controlling, printing *task) end {
	_, err := client.TiltV1alpha1().Sessions().Create(ctx, h.options.session(),
		metav1.CreateOptions{FieldManager: controller.FieldManager})
	if err != nil {
		return end{err: withCode(ExitAPI, "create the Session: %w", err)}
	}
	var unseen <-chan struct{}
	if h.options.exitCondition == v1alpha1.ExitConditionManual {
		unseen = printing.done
	}
	select {
	case o := <-h.finished:
		if o.Deleted {
			return end{deleted: true}
		}
		return end{session: o.Session}
	case <-unseen:
		return end{err: withCode(ExitFailure, "%w", printing.err)}
	case sig := <-h.signals:
		return end{signal: sig}
	case <-serving.done:
		return end{err: withCode(ExitAPI, "the API server has stopped: %w", serving.err)}
	case <-controlling.done:
		return end{err: withCode(ExitFailure, "the run has stopped: %w", controlling.err)}
	case <-ctx.Done():
		return end{err: withCode(ExitFailure, "wait for the verdict: %w", ctx.Err())}
	}
}

// teardown waits until the processes have ended and a person was told why. A
// signal on the way has the processes killed. Once somebody wants the end, by a
// signal now or before, output that nobody takes is given up.
func (h *host) teardown(controlling, telling *task, e end) {
	slow := time.NewTimer(patience)
	defer slow.Stop()
	hurry := e.signal != nil
	running, talking := controlling.done, telling.done
	var giveUp <-chan time.Time
	for running != nil || talking != nil {
		if running == nil && hurry && giveUp == nil {
			giveUp = time.After(outputGrace)
		}
		select {
		case <-running:
			running = nil
			h.warnUnless(e.err != nil, controlling.err)
		case <-talking:
			talking = nil
			h.warnUnless(false, telling.err)
		case <-slow.C:
			if running != nil {
				fmt.Fprintf(h.program.Streams.ErrOut, "Waiting up to %v for processes to end; another signal kills them at once.\n", h.options.killGrace)
			}
		case <-h.signals:
			hurry = true
			if e := h.engine.Load(); e != nil {
				e.Kill()
			}
		case <-giveUp:
			return
		}
	}
}

// warnUnless tells a person of err, if there is one and it isn't known.
func (h *host) warnUnless(known bool, err error) {
	if err != nil && !known {
		h.warn(err)
	}
}
