// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/registry/session"
)

// pieceSize is how many bytes of a log are read at once, if there are as many.
const pieceSize = 32 << 10

// remoteRun is a run of a Runner.
type remoteRun struct {
	session string
	runner  *v1alpha1.Runner
	http    *http.Client
}

var _ session.Run = (*remoteRun)(nil)

// Trigger implements session.Resources.
func (r *remoteRun) Trigger(ctx context.Context, spec *v1alpha1.SessionTriggerSpec, dryRun bool) (
	status v1alpha1.SessionTriggerStatus, err error) {
	return status, r.act(ctx, actionTrigger, spec, dryRun, &status)
}

// Enable implements session.Resources.
func (r *remoteRun) Enable(ctx context.Context, spec *v1alpha1.SessionEnableSpec, dryRun bool) (
	status v1alpha1.SessionEnableStatus, err error) {
	return status, r.act(ctx, actionEnable, spec, dryRun, &status)
}

// Disable implements session.Resources.
func (r *remoteRun) Disable(ctx context.Context, spec *v1alpha1.SessionDisableSpec, dryRun bool) (
	status v1alpha1.SessionDisableStatus, err error) {
	return status, r.act(ctx, actionDisable, spec, dryRun, &status)
}

func (r *remoteRun) act(ctx context.Context, action string, spec any, dryRun bool, status any) error {
	answer, err := r.post(ctx, action, spec, dryRun)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Close() }()
	if err := json.NewDecoder(io.LimitReader(answer, maxBody)).Decode(status); err != nil {
		return unavailable(r.runner.Name, fmt.Errorf("read its answer: %w", err))
	}
	return nil
}

// ReadLog implements session.Log. The log ends with the connection: a client goes on with sinceSeq.
func (r *remoteRun) ReadLog(ctx context.Context, options *v1alpha1.SessionLogOptions, until <-chan struct{}) (
	iter.Seq[[]byte], error) {
	ctx, cancel := context.WithCancel(ctx)
	answer, err := r.post(ctx, actionLog, options, false)
	if err != nil {
		cancel()
		return nil, err
	}
	return func(yield func([]byte) bool) {
		defer cancel()
		defer func() { _ = answer.Close() }()
		ended := make(chan struct{})
		defer close(ended)
		if options.Follow {
			go func() {
				select {
				case <-until:
					cancel()
				case <-ended:
				}
			}()
		}
		piece := make([]byte, pieceSize)
		for {
			n, err := answer.Read(piece)
			if n > 0 && !yield(piece[:n]) || err != nil {
				return
			}
		}
	}, nil
}

// post sends a request. The caller closes the answer.
func (r *remoteRun) post(ctx context.Context, action string, body any, dryRun bool) (io.ReadCloser, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	query := url.Values{"runner": {string(r.runner.UID)}}
	if dryRun {
		query.Set("dryRun", "true")
	}
	address := r.runner.Spec.Endpoint + path(url.PathEscape(r.session), action) + "?" + query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(encoded))
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	request.Header.Set("Content-Type", mediaJSON)
	if user, ok := genericapirequest.UserFrom(ctx); ok {
		request.Header.Set(headerUser, user.GetName())
		request.Header[headerGroup] = user.GetGroups()
	}
	answer, err := r.http.Do(request)
	if err != nil {
		return nil, unavailable(r.runner.Name, err)
	}
	if answer.StatusCode == http.StatusOK {
		return answer.Body, nil
	}
	defer func() { _ = answer.Body.Close() }()
	status := metav1.Status{}
	err = json.NewDecoder(io.LimitReader(answer.Body, maxBody)).Decode(&status)
	if err != nil || status.Kind != "Status" || status.Code < http.StatusBadRequest {
		return nil, unavailable(r.runner.Name, fmt.Errorf("it has answered %s", answer.Status))
	}
	return nil, &apierrors.StatusError{ErrStatus: status}
}
