// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/pager"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// checkPaging checks LIST in pages.
func checkPaging(t *testing.T, s *server) {
	t.Run("Pages", func(t *testing.T) { t.Parallel(); pagesAreWhole(t, s) })
	t.Run("Writes", func(t *testing.T) { t.Parallel(); pagesAreConsistent(t, s) })
	t.Run("Remaining", func(t *testing.T) { t.Parallel(); remaining(t, s) })
	t.Run("Forms", func(t *testing.T) { t.Parallel(); pagesInOtherForms(t, s) })
	t.Run("Pager", func(t *testing.T) { t.Parallel(); clientPager(t, s) })

	t.Run("Refused", func(t *testing.T) {
		t.Parallel()
		group, _ := s.group(t, 2)
		token := s.page(t, group, 1, "").Continue
		for _, query := range []string{
			"limit=abc", "continue=abc", "continue=" + url.QueryEscape(token) + "&resourceVersion=1",
		} {
			s.get(t, sessionsPath+"?"+query).failure(http.StatusBadRequest, metav1.StatusReasonBadRequest)
		}
		s.get(t, sessionsPath+"?continue="+url.QueryEscape(token)+"&resourceVersionMatch=Exact").
			failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
	})
}

// group creates n Sessions with a label of their own, and returns its value and the Sessions sorted by name.
func (s *server) group(t *testing.T, n int) (string, []*v1alpha1.Session) {
	t.Helper()
	group := unique(t)
	sessions := make([]*v1alpha1.Session, n)
	for i := range sessions {
		sessions[i] = s.create(t, labelled("group", group), func(session *v1alpha1.Session) {
			session.Name = group + "-" + strconv.Itoa(10+i)
		})
	}
	return group, sessions
}

// page returns the part of a group's list that begins at a token.
func (s *server) page(t *testing.T, group string, limit int, token string) *v1alpha1.SessionList {
	t.Helper()
	query := url.Values{"labelSelector": {"group=" + group}, "limit": {strconv.Itoa(limit)}}
	if token != "" {
		query.Set("continue", token)
	}
	return s.get(t, sessionsPath+"?"+query.Encode()).want(http.StatusOK).list()
}

func pagesAreWhole(t *testing.T, s *server) {
	group, sessions := s.group(t, 7)
	for _, limit := range []int{1, 3, 7, 8, 0} {
		var got []string
		var version, token string
		for {
			page := s.page(t, group, limit, token)
			got = append(got, namesOf(page)...)
			if limit > 0 && len(page.Items) > limit {
				t.Errorf("%d items in a page of %d", len(page.Items), limit)
			}
			if version != "" && page.ResourceVersion != version {
				t.Errorf("a page of version %s continues one of %s", page.ResourceVersion, version)
			}
			version = page.ResourceVersion
			if token = page.Continue; token == "" {
				break
			}
		}
		if want := names(sessions); !slices.Equal(got, want) {
			t.Errorf("pages of %d: %v instead of %v", limit, got, want)
		}
	}
}

func names(sessions []*v1alpha1.Session) []string {
	names := make([]string, len(sessions))
	for i := range sessions {
		names[i] = sessions[i].Name
	}
	return names
}

// pagesAreConsistent: the second page doesn't contain writes after the first.
func pagesAreConsistent(t *testing.T, s *server) {
	group, sessions := s.group(t, 5)
	first := s.page(t, group, 2, "")

	s.do(t, http.MethodDelete, path(sessions[2].Name), nil).want(http.StatusOK)
	s.patch(t, path(sessions[3].Name), `{"spec":{"tiltfilePath":"/changed"}}`, contentMerge).want(http.StatusOK)
	s.create(t, labelled("group", group), func(session *v1alpha1.Session) { session.Name = group + "-99" })

	second := s.page(t, group, 10, first.Continue)
	if got, want := append(namesOf(first), namesOf(second)...), names(sessions); !slices.Equal(got, want) {
		t.Fatalf("pages: %v instead of %v", got, want)
	}
	if changed := second.Items[1]; changed.ResourceVersion != sessions[3].ResourceVersion || changed.Spec.TiltfilePath == "/changed" {
		t.Errorf("a page shows a later write: %+v", changed)
	}
	if second.ResourceVersion != first.ResourceVersion {
		t.Errorf("version %s continues %s", second.ResourceVersion, first.ResourceVersion)
	}
}

// remaining: only a list without selectors has a remainingItemCount.
func remaining(t *testing.T, s *server) {
	group, _ := s.group(t, 3)
	page := s.get(t, sessionsPath+"?limit=1").want(http.StatusOK).list()
	if page.Continue == "" || page.RemainingItemCount == nil || *page.RemainingItemCount < 2 {
		t.Errorf("the first of at least three = %+v", page.ListMeta)
	}
	rest := s.get(t, sessionsPath+"?continue="+url.QueryEscape(page.Continue)).want(http.StatusOK).list()
	if got := int64(len(rest.Items)); page.RemainingItemCount != nil && got != *page.RemainingItemCount {
		t.Errorf("%d remain instead of %d", got, *page.RemainingItemCount)
	}
	if rest.RemainingItemCount != nil || rest.Continue != "" {
		t.Errorf("the last page = %+v", rest.ListMeta)
	}
	if selected := s.page(t, group, 1, ""); selected.RemainingItemCount != nil || selected.Continue == "" {
		t.Errorf("the first of those selected = %+v", selected.ListMeta)
	}
}

func pagesInOtherForms(t *testing.T, s *server) {
	group, _ := s.group(t, 3)
	for _, accept := range []string{acceptTable, "Accept: application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"} {
		var first, second struct {
			metav1.ListMeta `json:"metadata"`
			Items, Rows     []any
		}
		s.get(t, sessionsPath+"?limit=2&labelSelector=group="+group, accept).want(http.StatusOK).into(&first)
		s.get(t, sessionsPath+"?limit=2&labelSelector=group="+group+"&continue="+url.QueryEscape(first.Continue), accept).
			want(http.StatusOK).into(&second)
		if len(first.Items)+len(first.Rows) != 2 || len(second.Items)+len(second.Rows) != 1 ||
			second.Continue != "" || first.ResourceVersion != second.ResourceVersion {
			t.Errorf("%s: %+v, then %+v", accept, first, second)
		}
	}
}

func clientPager(t *testing.T, s *server) {
	group, sessions := s.group(t, 7)
	pages := 0
	reader := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		pages++
		return s.sessions.List(ctx, options)
	})
	reader.PageSize = 3
	var got []string
	err := reader.EachListItem(t.Context(), metav1.ListOptions{LabelSelector: "group=" + group}, func(object runtime.Object) error {
		got = append(got, object.(*v1alpha1.Session).Name)
		return nil
	})
	if want := names(sessions); err != nil || !slices.Equal(got, want) || pages != 3 {
		t.Errorf("%v in %d pages instead of %v: %v", got, pages, want, err)
	}
}
