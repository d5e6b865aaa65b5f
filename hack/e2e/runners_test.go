// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"tilt.dev/session/hack/e2e/etcd"
	"tilt.dev/session/hack/e2e/kubeconfig"
	"tilt.dev/session/hack/e2e/runner"
	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	sessionclient "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
)

const (
	// runnerLease outlasts an outage of etcd.
	runnerLease = 30 * time.Second
	// others is how long others wait before they take a Runner for lost, with some time for that to be written.
	others = 36*time.Second + 10*time.Second
)

// fleet is a number of runners, with Sessions that write what is run into files.
type fleet struct {
	*cluster
	sessions sessionclient.SessionInterface
	root     string
	runners  []*runner.Runner
}

func newFleet(t *testing.T, c *cluster, number int) *fleet {
	f := &fleet{cluster: c, sessions: c.sessions(c.front.User("ed", "editors")), root: t.TempDir()}
	f.runners = make([]*runner.Runner, number)
	for i := range f.runners {
		f.start(i)
	}
	return f
}

// start starts a runner, which is another process of the same name and user as the last one of that number.
func (f *fleet) start(i int, more ...string) {
	f.t.Helper()
	path, err := program()
	if err != nil {
		f.t.Fatal(err)
	}
	name := fmt.Sprintf("runner-%d", i)
	f.runners[i] = runner.Start(f.t, path, append([]string{"--name=" + name, "--labels=id=" + strconv.Itoa(i),
		"--root=" + f.root, "--kubeconfig=" + kubeconfig.Write(f.t, f.front.User(name, "runners")),
		"--lease-duration=" + runnerLease.String()}, more...)...)
}

// create creates a Session of a Tiltfile.
func (f *fleet) create(name, tiltfile string, spec v1alpha1.SessionSpec) {
	f.t.Helper()
	spec.TiltfilePath = filepath.Join(f.root, name+".tiltfile")
	if err := os.WriteFile(spec.TiltfilePath, []byte(tiltfile), 0o600); err != nil {
		f.t.Fatal(err)
	}
	_, err := f.sessions.Create(f.t.Context(),
		&v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}, metav1.CreateOptions{})
	if err != nil {
		f.t.Fatal(err)
	}
}

// done returns the Sessions that are.
func (f *fleet) done(ctx context.Context) map[string]v1alpha1.Session {
	list, err := f.sessions.List(ctx, metav1.ListOptions{FieldSelector: "status.done=true"})
	if err != nil {
		return nil
	}
	byName := map[string]v1alpha1.Session{}
	for i := range list.Items {
		byName[list.Items[i].Name] = list.Items[i]
	}
	return byName
}

// logStream follows the log of a Session as a user.
func (f *fleet) logStream(ctx context.Context, user *rest.Config, name string) (io.ReadCloser, error) {
	set, err := versioned.NewForConfigAndClient(user, httpClient(f.t, user))
	if err != nil {
		return nil, err
	}
	return set.TiltV1alpha1().RESTClient().Get().Resource("sessions").Name(name).SubResource("log").
		Param("follow", "true").Stream(ctx)
}

// lines are those of a file below the root.
func (f *fleet) lines(name string) (lines []string) {
	f.t.Helper()
	file, err := os.Open(filepath.Join(f.root, name))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for scan := bufio.NewScanner(file); scan.Scan(); {
		lines = append(lines, scan.Text())
	}
	return lines
}

// TestRunners: Sessions are run exactly once, whatever happens to those who run them and to the API.
func TestRunners(t *testing.T) {
	number := 30
	if given := os.Getenv("E2E_SESSIONS"); given != "" {
		var err error
		if number, err = strconv.Atoi(given); err != nil {
			t.Fatal(err)
		}
	}
	f := newFleet(t, newCluster(t, 2, etcd.Start(t, etcd.Config{}), "--housekeeping=true"), 3)
	f.create("steady", fmt.Sprintf(
		"local_resource('beat', serve_cmd='while true; do echo $$ >>%s/beats; sleep 0.1; done')", f.root),
		v1alpha1.SessionSpec{ExitCondition: v1alpha1.ExitConditionManual, RunnerSelector: map[string]string{"id": "2"}})
	f.eventually("the manual Session runs", func(context.Context) bool { return len(f.lines("beats")) > 5 })
	_, err := f.sessions.Patch(t.Context(), "steady", types.MergePatchType,
		[]byte(`{"spec":{"runnerSelector":null}}`), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for i := range number {
		name, code := fmt.Sprintf("s%03d", i), 0
		if fails(i) {
			code = 1
		}
		f.create(name, fmt.Sprintf("local_resource('job', cmd='echo %s >>%s/ran; sleep 1; exit %d')", name, f.root, code),
			v1alpha1.SessionSpec{ExitCondition: v1alpha1.ExitConditionCI})
	}
	f.awaitDone(number / 4)
	f.runners[1].Kill()
	f.runners[2].Freeze()
	frozen := time.Now()
	f.start(1)
	f.replace(0)
	f.awaitDone(number / 2)
	f.store.Stop()
	time.Sleep(outage)
	f.store.Start()
	f.awaitReady(len(f.replicas))
	time.Sleep(time.Until(frozen.Add(others)))
	f.runners[2].Thaw()
	f.awaitDone(number)
	t.Logf("%d Sessions in %v", number, time.Since(began).Round(time.Second))
	f.checkRuns(number)
	f.checkBeats()
	for _, r := range f.runners {
		r.Drain()
	}
}

// fails reports whether a Session has a job that fails.
func fails(i int) bool { return i%7 == 3 }

func (f *fleet) awaitDone(number int) {
	f.t.Helper()
	f.within(5*time.Minute, fmt.Sprintf("%d Sessions are done", number), func(ctx context.Context) bool {
		time.Sleep(100 * time.Millisecond)
		return len(f.done(ctx)) >= number
	})
}

// checkRuns: nothing was run twice, and each verdict is right. A Session of a Runner that was lost has failed.
func (f *fleet) checkRuns(number int) {
	f.t.Helper()
	ran := map[string]int{}
	for _, name := range f.lines("ran") {
		ran[name]++
	}
	lost, by := 0, map[string]int{}
	for name, s := range f.done(f.t.Context()) {
		i, err := strconv.Atoi(strings.TrimPrefix(name, "s"))
		if err != nil {
			f.t.Fatal(err)
		}
		by[s.Status.Runner.Name]++
		wasLost := strings.Contains(s.Status.Error, "was lost") || strings.Contains(s.Status.Error, "lost its claim")
		if wasLost {
			lost++
		}
		switch {
		case ran[name] > 1, ran[name] == 0 && !wasLost:
			f.t.Errorf("%s was run %d times: %s", name, ran[name], s.Status.Error)
		case !wasLost && (s.Status.Error != "") != fails(i):
			f.t.Errorf("%s has the verdict %q", name, s.Status.Error)
		}
		if len(s.Finalizers) > 0 {
			f.t.Errorf("%s has the finalizers %v", name, s.Finalizers)
		}
	}
	if most := 3 * 4; lost > most || lost == 0 {
		f.t.Errorf("%d Sessions were lost, which should be some and at most %d", lost, most)
	}
	f.t.Logf("%d of %d Sessions were lost with their runners, the shares are %v", lost, number, by)
}

// checkBeats: the manual Session was run again after its Runner was lost, and never twice at a time.
func (f *fleet) checkBeats() {
	f.t.Helper()
	var runs []string
	for _, pid := range f.lines("beats") {
		if len(runs) == 0 || runs[len(runs)-1] != pid {
			runs = append(runs, pid)
		}
	}
	if len(runs) != 2 {
		f.t.Errorf("the manual Session was run by the processes %v, want two, one after the other", runs)
	}
}
