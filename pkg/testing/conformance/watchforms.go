// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/websocket"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// checkWatchForms checks events in other forms than whole Sessions.
func checkWatchForms(t *testing.T, s *server) {
	t.Run("Table", func(t *testing.T) { t.Parallel(); watchTables(t, s) })
	t.Run("Metadata", func(t *testing.T) { t.Parallel(); watchMetadata(t, s) })
	t.Run("Websocket", func(t *testing.T) { t.Parallel(); watchSocket(t, s) })

	t.Run("ContentType", func(t *testing.T) {
		t.Parallel()
		for accept, want := range map[string]string{
			"":                              "application/json",
			"*/*":                           "application/json",
			"application/json;stream=watch": "application/json",
			"application/json":              "application/json",
			"application/vnd.kubernetes.protobuf;stream=watch,application/json;q=0.5": "application/json",
		} {
			response := s.open(t, http.MethodGet, sessionsPath+"?watch=true&timeoutSeconds=1", nil, "Accept: "+accept)
			_ = response.Body.Close()
			if got := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || got != want {
				t.Errorf("%q: %d %s", accept, response.StatusCode, got)
			}
		}
		s.get(t, sessionsPath+"?watch=true", "Accept: application/yaml").want(http.StatusNotAcceptable)
	})
}

// watchTables: the first table has the columns, the others rows alone.
func watchTables(t *testing.T, s *server) {
	session := s.create(t)
	for _, include := range []string{"", "&includeObject=Object", "&includeObject=None"} {
		events := s.watch(t, "fieldSelector=metadata.name="+session.Name+"&resourceVersion=0"+include, acceptTable)
		for i := range 2 {
			event := events.next(t)
			var table metav1.Table
			if err := json.Unmarshal(event.Object, &table); err != nil {
				t.Fatal(err)
			}
			if table.Kind != "Table" || table.APIVersion != "meta.k8s.io/v1" || len(table.Rows) != 1 || table.Rows[0].Cells[0] != session.Name {
				t.Fatalf("event %s %s", event.Type, event.Object)
			}
			if first := i == 0; first != (len(table.ColumnDefinitions) > 0) || first != (event.Type == "ADDED") {
				t.Errorf("event %d: %s of a table with %d columns", i, event.Type, len(table.ColumnDefinitions))
			}
			object := string(table.Rows[0].Object.Raw)
			if whole := strings.Contains(object, `"tiltfilePath"`); whole != (include == "&includeObject=Object") ||
				(include == "&includeObject=None") != (object == "" || object == "null") {
				t.Errorf("%q: object %s", include, object)
			}
			s.relabel(t, session.Name, unique(t))
		}
	}
}

func watchMetadata(t *testing.T, s *server) {
	session := s.create(t)
	events := s.watch(t, "fieldSelector=metadata.name="+session.Name, acceptMetadata)
	changed := s.relabel(t, session.Name, "changed")
	for _, want := range []struct{ kind, version string }{{"ADDED", session.ResourceVersion}, {"MODIFIED", changed.ResourceVersion}} {
		event := events.next(t)
		var partial metav1.PartialObjectMetadata
		if err := json.Unmarshal(event.Object, &partial); err != nil {
			t.Fatal(err)
		}
		if event.Type != want.kind || partial.Kind != "PartialObjectMetadata" || partial.APIVersion != "meta.k8s.io/v1" ||
			partial.ResourceVersion != want.version || strings.Contains(string(event.Object), `"tiltfilePath"`) {
			t.Errorf("event %s %s", event.Type, event.Object)
		}
	}
}

// watchSocket: each event is a message.
func watchSocket(t *testing.T, s *server) {
	session := s.create(t)
	config, err := websocket.NewConfig("wss"+strings.TrimPrefix(s.Config.Host, "https")+sessionsPath+
		"?watch=true&fieldSelector=metadata.name="+session.Name, s.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	if config.TlsConfig, err = rest.TLSConfigFor(s.Config); err != nil {
		t.Fatal(err)
	}
	config.TlsConfig.NextProtos = nil
	if s.Config.BearerToken != "" {
		config.Header.Set("Authorization", "Bearer "+s.Config.BearerToken)
	}
	socket, err := config.DialContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	changed := s.relabel(t, session.Name, "changed")
	for _, want := range []string{brief("ADDED", session), brief("MODIFIED", changed)} {
		var event sent
		if err := websocket.JSON.Receive(socket, &event); err != nil {
			t.Fatal(err)
		}
		if got := event.brief(t); got != want {
			t.Errorf("event %q instead of %q", got, want)
		}
	}
}
