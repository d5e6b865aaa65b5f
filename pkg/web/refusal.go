// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// refusal is an answer to a request that isn't served.
type refusal struct {
	code   int
	reason metav1.StatusReason
	text   string
}

// advice says how to use the API without a browser.
const advice = `; open the address that "tilt-session ui" prints, or use https with the token of the kubeconfig`

var (
	wrongHost = &refusal{http.StatusMisdirectedRequest, "",
		"the page isn't served under the name in the header Host; --web-allowed-hosts allows further names"}
	otherSite   = &refusal{http.StatusForbidden, metav1.StatusReasonForbidden, "the request is made by another site"}
	otherOrigin = &refusal{http.StatusForbidden, metav1.StatusReasonForbidden, "the request is made by another origin"}
	wrongMethod = &refusal{http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed, "the method isn't allowed"}
	credentials = &refusal{http.StatusBadRequest, metav1.StatusReasonBadRequest,
		"the header Authorization isn't accepted here, and its token was sent without need; use https for it"}
	impersonation = &refusal{http.StatusBadRequest, metav1.StatusReasonBadRequest,
		"headers that name a user aren't accepted here; use https with the token of the kubeconfig"}
	upgrade     = &refusal{http.StatusBadRequest, metav1.StatusReasonBadRequest, "protocol upgrades aren't accepted here"}
	notFound    = &refusal{http.StatusNotFound, metav1.StatusReasonNotFound, "the page serves nothing at this path"}
	notLoggedIn = &refusal{http.StatusUnauthorized, metav1.StatusReasonUnauthorized, "not logged in" + advice}
	wrongCode   = &refusal{http.StatusUnauthorized, metav1.StatusReasonUnauthorized,
		"the code is unknown, used, or too old" + advice}
	otherUser = &refusal{http.StatusUnauthorized, metav1.StatusReasonUnauthorized,
		`the code is for another user of this machine; open the address that "tilt-session ui --print-url" prints`}
	tooManyTries = &refusal{http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests,
		"too many tries to log in; try again in a second"}
	noSecretHeader = &refusal{http.StatusForbidden, metav1.StatusReasonForbidden,
		"the request has no header " + secretHeader + ": login"}
	badLogin = &refusal{http.StatusBadRequest, metav1.StatusReasonBadRequest,
		`the body isn't {"code": CODE} as application/json`}
)

// write answers a request, below the paths of the API with a Status.
func (f *refusal) write(w http.ResponseWriter, r *http.Request) {
	if f.code == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE")
	}
	if !isAPI(r.URL) {
		http.Error(w, f.text, f.code) // it sets the type and nosniff
		return
	}
	writeStatus(w, f.code, f.reason, f.text)
}

func writeStatus(w http.ResponseWriter, code int, reason metav1.StatusReason, text string) {
	writeJSON(w, code, metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure,
		Code:     int32(code),
		Reason:   reason,
		Message:  text,
	})
}

func writeJSON(w http.ResponseWriter, code int, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		http.Error(w, "encode the answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(text, '\n'))
}
