// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// The program writes Sessions, encoded by Tilt's own Go types, to the directory
// that its argument names.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tilt-dev/tilt/pkg/apis/core/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const tiltfilePath = "/home/dev/shop/Tiltfile"

func main() {
	for name, object := range map[string]any{
		"manual-created": session(v1alpha1.ExitConditionManual, nil),
		"manual-states":  session(v1alpha1.ExitConditionManual, limits(), everyState()...),
		"ci-succeeded":   finished("", succeeded()...),
		"ci-failed":      finished(`Command "exit 3" failed: exit status 3`, failed()...),
		"ci-timeout":     finished("Timeout after 30m0s: 1 resources not ready (web:serve)", notReady()...),
		"ci-grace":       session(v1alpha1.ExitConditionCI, withGrace(), tolerated()...),
		"list":           list(session(v1alpha1.ExitConditionManual, limits(), succeeded()...)),
		"list-empty":     list(),
	} {
		if err := write(filepath.Join(os.Args[1], name+".json"), object); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func write(path string, object any) error {
	text, err := json.MarshalIndent(object, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// at is a time of the run, in microseconds after its start.
func at(micros int) metav1.MicroTime {
	start := time.Date(2026, time.March, 4, 5, 6, 7, 120000000, time.UTC)
	return metav1.NewMicroTime(start.Add(time.Duration(micros) * time.Microsecond))
}

func session(condition v1alpha1.ExitCondition, ci *v1alpha1.SessionCISpec, targets ...v1alpha1.Target) v1alpha1.Session {
	yes := true
	return v1alpha1.Session{
		TypeMeta: metav1.TypeMeta{APIVersion: "tilt.dev/v1alpha1", Kind: "Session"},
		ObjectMeta: metav1.ObjectMeta{
			Name:              "Tiltfile",
			UID:               "7c41a6c1-6c11-4ff0-a0a4-39a3a1ff1dc8",
			ResourceVersion:   "42",
			CreationTimestamp: metav1.NewTime(time.Date(2026, time.March, 4, 5, 6, 7, 0, time.UTC)),
			Annotations:       map[string]string{"tilt.dev/resource": "(Tiltfile)"},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "tilt.dev/v1alpha1", Kind: "Tiltfile", Name: "(Tiltfile)",
				UID: "0b8f0e4e-5a3c-44b5-9d3c-8f5c3b1f6a11", Controller: &yes, BlockOwnerDeletion: &yes,
			}},
		},
		Spec:   v1alpha1.SessionSpec{TiltfilePath: tiltfilePath, ExitCondition: condition, CI: ci},
		Status: v1alpha1.SessionStatus{PID: 4242, StartTime: at(0), Targets: targets},
	}
}

func finished(err string, targets ...v1alpha1.Target) v1alpha1.Session {
	s := session(v1alpha1.ExitConditionCI, limits(), targets...)
	s.Status.Done, s.Status.Error = true, err
	return s
}

func list(items ...v1alpha1.Session) v1alpha1.SessionList {
	return v1alpha1.SessionList{
		TypeMeta: metav1.TypeMeta{APIVersion: "tilt.dev/v1alpha1", Kind: "SessionList"},
		ListMeta: metav1.ListMeta{ResourceVersion: "43"},
		Items:    append([]v1alpha1.Session{}, items...),
	}
}

func limits() *v1alpha1.SessionCISpec {
	return &v1alpha1.SessionCISpec{
		Timeout:          &metav1.Duration{Duration: 30 * time.Minute},
		ReadinessTimeout: &metav1.Duration{Duration: 5 * time.Minute},
	}
}

func withGrace() *v1alpha1.SessionCISpec {
	ci := limits()
	ci.K8sGracePeriod = &metav1.Duration{Duration: 1500 * time.Millisecond}
	return ci
}

func job(name string, state v1alpha1.TargetState) v1alpha1.Target {
	return v1alpha1.Target{Name: name + ":update", Type: v1alpha1.TargetTypeJob, Resources: []string{name}, State: state}
}

func server(name, suffix string, state v1alpha1.TargetState) v1alpha1.Target {
	return v1alpha1.Target{Name: name + suffix, Type: v1alpha1.TargetTypeServer, Resources: []string{name}, State: state}
}

func tiltfile(err string) v1alpha1.Target {
	target := job("tiltfile", ended(31, 6031, err))
	target.Resources = []string{"(Tiltfile)"}
	return target
}

func waiting(reason string) v1alpha1.TargetState {
	return v1alpha1.TargetState{Waiting: &v1alpha1.TargetStateWaiting{WaitReason: reason}}
}

func active(start, lastReady metav1.MicroTime, ready bool) v1alpha1.TargetState {
	return v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{StartTime: start, Ready: ready, LastReadyTime: lastReady}}
}

func ended(start, finish int, err string) v1alpha1.TargetState {
	return v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{StartTime: at(start), FinishTime: at(finish), Error: err}}
}

func everyState() []v1alpha1.Target {
	never := metav1.MicroTime{}
	return []v1alpha1.Target{
		job("build", active(at(10000), never, false)),
		server("cache", ":serve", active(never, at(20500), false)),
		server("db", ":serve", active(at(8000), at(9000), true)),
		job("lint", v1alpha1.TargetState{}),
		job("old", v1alpha1.TargetState{Disabled: &v1alpha1.TargetStateDisabled{}}),
		job("test", waiting("waiting-for-dep")),
		tiltfile(""),
		server("web", ":serve", ended(12000, 1012345, "Process 4711 exited with non-zero status")),
	}
}

func succeeded() []v1alpha1.Target {
	return []v1alpha1.Target{
		job("build", ended(10000, 260017, "")),
		tiltfile(""),
		server("web", ":serve", active(at(270000), at(1270000), true)),
	}
}

func failed() []v1alpha1.Target {
	return []v1alpha1.Target{
		job("build", ended(10000, 260017, `Command "exit 3" failed: exit status 3`)),
		job("test", waiting("waiting-for-dep")),
		tiltfile(""),
	}
}

func notReady() []v1alpha1.Target {
	return []v1alpha1.Target{tiltfile(""), server("web", ":serve", active(at(270000), metav1.MicroTime{}, false))}
}

func tolerated() []v1alpha1.Target {
	grace := func(status v1alpha1.TargetGraceStatus) v1alpha1.TargetState {
		return v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{
			StartTime: at(300000), Error: `Pod "api-0" failed`, GraceStatus: status,
		}}
	}
	return []v1alpha1.Target{
		server("api", ":runtime", grace(v1alpha1.TargetGraceTolerated)),
		server("jobs", ":runtime", grace(v1alpha1.TargetGraceExceeded)),
		tiltfile(""),
	}
}
