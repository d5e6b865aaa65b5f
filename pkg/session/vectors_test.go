// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

var update = flag.Bool("update", false, "write the vectors that the tests of the web page read")

// vectors is a file of statuses, and of what this package says of them. The page has rules of its own in TypeScript,
// whose tests read the same file.
const vectors = "../../hack/web/src/model/testdata/vectors.json"

// vector is a status, and what follows from it.
type vector struct {
	Name   string                 `json:"name"`
	Status v1alpha1.SessionStatus `json:"status"`
	// Needs are the edges for the critical path, null for a path from times alone.
	Needs map[string][]string `json:"needs"`
	Now   metav1.MicroTime    `json:"now"`
	// Phases are those of the targets, Chains the chain of each target that waits.
	Phases   []string                `json:"phases"`
	Chains   map[string][]vectorLink `json:"chains"`
	Path     []vectorStep            `json:"path"`
	Failures []string                `json:"failures"`
	Verdict  Verdict                 `json:"verdict"`
}

type vectorLink struct {
	Target string `json:"target"`
	More   int    `json:"more"`
}

type vectorStep struct {
	Target string           `json:"target"`
	From   metav1.MicroTime `json:"from"`
	Start  metav1.MicroTime `json:"start"`
	To     metav1.MicroTime `json:"to"`
}

// newVector returns a status with what follows from it.
func newVector(name string, status *v1alpha1.SessionStatus, needs map[string][]string) vector {
	if status.Targets == nil {
		status.Targets = []v1alpha1.Target{}
	}
	v := vector{
		Name: name, Status: *status, Needs: needs, Now: metav1.NewMicroTime(sec(99)), Phases: []string{},
		Chains: map[string][]vectorLink{}, Path: []vectorStep{}, Failures: []string{}, Verdict: VerdictOf(*status),
	}
	for i := range status.Targets {
		t := &status.Targets[i]
		v.Phases = append(v.Phases, PhaseOf(t.State).String())
		if t.State.Waiting == nil {
			continue
		}
		for _, link := range Chain(status, t.Name) {
			v.Chains[t.Name] = append(v.Chains[t.Name], vectorLink{link.Target.Name, link.More})
		}
	}
	var edges func(string) []string
	if needs != nil {
		edges = func(target string) []string { return needs[target] }
	}
	for _, s := range CriticalPath(status, edges, v.Now.Time) {
		v.Path = append(v.Path, vectorStep{
			s.Target.Name, metav1.NewMicroTime(s.From), metav1.NewMicroTime(s.Start), metav1.NewMicroTime(s.To),
		})
	}
	for _, t := range Failures(*status) {
		v.Failures = append(v.Failures, t.Name)
	}
	return v
}

// randomStatus is a status of targets that wait for each other or have run, and what they need.
func randomStatus(random *rand.Rand) (*v1alpha1.SessionStatus, map[string][]string) {
	reasons := []string{
		"waiting-for-dep", "waiting-for-slot", "after-failure", "retrying", "restarting", "pending-trigger",
		"waiting-for-local", "is-unparallelizable-local", "ImagePullBackOff",
	}
	// Bytes and UTF-16 order the last two differently.
	names := []string{"tiltfile:update", "image:shop/web", "ﬀ:update", "😀:update"}
	for i := range 2 + random.IntN(5) {
		verb := []string{"serve", "runtime"}[random.IntN(2)]
		names = append(names, fmt.Sprintf("r%d:update", i), fmt.Sprintf("r%d:%s", i, verb))
	}
	slices.Sort(names)
	some := func() (list []string) {
		for range random.IntN(4) {
			list = append(list, names[random.IntN(len(names))])
		}
		slices.Sort(list)
		return slices.Compact(list)
	}
	// Moments have few values, so that some are equal, and microseconds.
	moment := func(after int) float64 { return float64(after+random.IntN(4)) + 0.000001*float64(random.IntN(2)) }
	status, needs := &v1alpha1.SessionStatus{StartTime: microTime(start), Done: random.IntN(3) == 0}, map[string][]string{}
	for _, name := range names {
		needs[name] = some()
		line := name + " "
		switch random.IntN(7) {
		case 0:
			line += []string{"inactive", "disabled"}[random.IntN(2)]
		case 1:
			line += fmt.Sprintf("active %f", moment(5))
		case 2:
			line += fmt.Sprintf("ready %f", moment(5))
		case 3:
			line += fmt.Sprintf("failed %f", moment(9))
		case 4:
			line += fmt.Sprintf("succeeded %f", moment(9))
		default:
			line += reasons[random.IntN(len(reasons))] + " " + strings.Join(some(), ",")
		}
		t := statusOf(line).Targets[0]
		if strings.HasSuffix(name, ":serve") {
			t.Type = v1alpha1.TargetTypeServer
		}
		if end := t.State.Terminated; end != nil && end.Error != "" && random.IntN(4) == 0 {
			end.GraceStatus = v1alpha1.TargetGraceTolerated
		}
		t.Times = randomTimes(random, moment)
		status.Targets = append(status.Targets, t)
	}
	return status, needs
}

// randomTimes are times that increase and end somewhere.
func randomTimes(random *rand.Rand, moment func(after int) float64) *v1alpha1.TargetTimes {
	var at [5]float64
	for i := range random.IntN(len(at) + 1) {
		at[i] = moment(1 + 3*i)
	}
	if random.IntN(3) == 0 {
		at[3] = 0 // It failed.
	}
	return times(sec(at[0]), sec(at[1]), sec(at[2]), sec(at[3]), sec(at[4]))
}

func allVectors() []vector {
	var all []vector
	for _, name := range slices.Sorted(maps.Keys(chainCases)) {
		all = append(all, newVector("chain: "+name, statusOf(chainCases[name].lines...), nil))
	}
	cases := pathCases()
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c, needs := cases[name], pathNeeds
		if c.alone {
			needs = nil
		}
		status := timed(statusOf(c.lines...), c.times)
		status.Done = c.done
		all = append(all, newVector("path: "+name, status, needs))
	}
	random := rand.New(rand.NewPCG(17, 4))
	for i := range 40 {
		status, needs := randomStatus(random)
		if i%2 == 0 {
			needs = nil
		}
		all = append(all, newVector(fmt.Sprintf("random %d", i), status, needs))
	}
	for _, reason := range []Verdict{Succeeded, Timeout, TargetFailed} {
		status := &v1alpha1.SessionStatus{Done: true, Conditions: []metav1.Condition{{
			Type: v1alpha1.SessionConditionFailed, Status: metav1.ConditionTrue, Reason: string(reason),
			LastTransitionTime: metav1.NewTime(start.Truncate(time.Second)),
		}}}
		if reason == Succeeded {
			status.Conditions[0].Status = metav1.ConditionFalse
		}
		all = append(all, newVector("verdict: "+string(reason), status, nil))
	}
	return append(all, newVector("verdict: an error alone", &v1alpha1.SessionStatus{Done: true, Error: "no"}, nil))
}

func TestVectors(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("[\n")
	for i, v := range allVectors() {
		line, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			b.WriteString(",\n")
		}
		b.Write(line)
	}
	b.WriteString("\n]\n")
	if *update {
		if err := os.WriteFile(vectors, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(vectors)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stored, b.Bytes()) {
		t.Errorf("%s isn't what these rules lead to: run \"go test ./pkg/session -run TestVectors -update\"", vectors)
	}
}
