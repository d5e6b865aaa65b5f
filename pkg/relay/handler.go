// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/registry/session"
)

// Handler answers the requests of API servers in a Runner. The server that it is of has to verify their certificates.
type Handler struct {
	// Current returns the runs of this process and the UID of the Runner that it is, false between two Runners.
	Current func() (session.Runs, types.UID, bool)
	// Ending, once it is closed, ends logs that are followed.
	Ending <-chan struct{}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+path("{name}", "{action}"), h.serve)
	mux.ServeHTTP(w, request)
}

func (h *Handler) serve(w http.ResponseWriter, request *http.Request) {
	name, action := request.PathValue("name"), request.PathValue("action")
	klog.FromContext(request.Context()).V(2).Info("A request to a run", "session", name, "action", action,
		"user", request.Header.Get(headerUser))
	run, err := h.find(name, types.UID(request.URL.Query().Get("runner")))
	if err != nil {
		answerError(w, err)
		return
	}
	dryRun := request.URL.Query().Get("dryRun") == "true"
	switch action {
	case actionLog:
		h.serveLog(w, request, run)
	case actionTrigger:
		serveAction(w, request, dryRun, run.Trigger)
	case actionEnable:
		serveAction(w, request, dryRun, run.Enable)
	case actionDisable:
		serveAction(w, request, dryRun, run.Disable)
	default:
		answerError(w, apierrors.NewNotFound(v1alpha1.Resource("sessions"), action))
	}
}

// find returns the run of a Session that a Runner has claimed. A claim of another Runner is not that of this process.
func (h *Handler) find(name string, claimedBy types.UID) (session.Run, error) {
	runs, uid, ok := h.Current()
	if ok && uid == claimedBy {
		if run, found := runs.Run(name); found {
			return run, nil
		}
	}
	return nil, apierrors.NewConflict(v1alpha1.Resource("sessions"), name, errors.New("its runner doesn't run it"))
}

// serveAction passes a request to a run.
func serveAction[S, T any](w http.ResponseWriter, request *http.Request, dryRun bool,
	act func(context.Context, *S, bool) (T, error)) {
	spec := new(S)
	if err := json.NewDecoder(http.MaxBytesReader(w, request.Body, maxBody)).Decode(spec); err != nil {
		answerError(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	status, err := act(request.Context(), spec, dryRun)
	if err != nil {
		answerError(w, err)
		return
	}
	answer(w, http.StatusOK, status)
}

func (h *Handler) serveLog(w http.ResponseWriter, request *http.Request, run session.Run) {
	options := &v1alpha1.SessionLogOptions{}
	if err := json.NewDecoder(http.MaxBytesReader(w, request.Body, maxBody)).Decode(options); err != nil {
		answerError(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	// Reading the body to its end has the server notice when the client goes.
	_, _ = io.Copy(io.Discard, request.Body)
	pieces, err := run.ReadLog(request.Context(), options, h.Ending)
	if err != nil {
		answerError(w, err)
		return
	}
	controller := http.NewResponseController(w)
	w.WriteHeader(http.StatusOK)
	_ = controller.Flush()
	for piece := range pieces {
		if _, err := w.Write(piece); err != nil {
			return
		}
		if err := controller.Flush(); err != nil {
			return
		}
	}
}

func answer(w http.ResponseWriter, code int, object any) {
	text, err := json.Marshal(object)
	if err != nil {
		http.Error(w, "encode the answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", mediaJSON)
	w.WriteHeader(code)
	_, _ = w.Write(text)
}

// answerError answers with the Status of an error.
func answerError(w http.ResponseWriter, err error) {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		status = apierrors.NewInternalError(fmt.Errorf("ask the run: %w", err))
	}
	object := status.Status()
	object.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	answer(w, int(object.Code), object)
}
