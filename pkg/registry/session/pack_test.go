// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

func plainCodec(t testing.TB) apiruntime.Codec {
	t.Helper()
	scheme := apiruntime.NewScheme()
	if err := errors.Join(v1alpha1.AddToScheme(scheme), v1alpha1.AddInternalToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	return storageCodec(scheme)
}

// ofManyTargets has targets in each state, with no, one and several resources.
func ofManyTargets(n int) *v1alpha1.Session {
	now := metav1.NewMicroTime(time.Unix(1e9, 123456000))
	code := int32(1)
	session := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Spec: v1alpha1.SessionSpec{TiltfilePath: "/Tiltfile"}}
	for i := range n {
		target := v1alpha1.Target{Name: fmt.Sprintf("resource-%02d:update", i), Type: v1alpha1.TargetTypeJob, Resources: []string{}}
		for r := range i % 3 {
			target.Resources = append(target.Resources, fmt.Sprintf("resource-%02d-%d", i, r))
		}
		switch i % 4 {
		case 0, 1:
			target.State.Terminated = &v1alpha1.TargetStateTerminated{StartTime: now, FinishTime: now, Error: fmt.Sprint(i), ExitCode: &code}
		case 2:
			target.State.Waiting = &v1alpha1.TargetStateWaiting{WaitReason: "waiting"}
		case 3:
			target.State.Active = &v1alpha1.TargetStateActive{StartTime: now, Ready: true}
		}
		session.Status.Targets = append(session.Status.Targets, target)
	}
	return session
}

func TestPackedDecodesTheSame(t *testing.T) {
	plain := plainCodec(t)
	for _, n := range []int{0, 1, 4, 21} {
		text, err := apiruntime.Encode(plain, ofManyTargets(n))
		if err != nil {
			t.Fatal(err)
		}
		want, err := apiruntime.Decode(plain, text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := apiruntime.Decode(Packed(plain), text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d targets: %s", n, diff)
		}
	}
	if _, err := apiruntime.Decode(Packed(plain), []byte("{")); err == nil {
		t.Error("half a Session was decoded")
	}
}

func TestPackedTargetsAreSeparate(t *testing.T) {
	session := ofManyTargets(9)
	pack(session)
	targets := session.Status.Targets
	if cap(targets) != len(targets) {
		t.Errorf("the list has unused space for %d targets", cap(targets)-len(targets))
	}
	before := targets[2].DeepCopy()
	targets[1].Resources = append(targets[1].Resources, "more")
	targets[1].State.Terminated.Error = "changed"
	if diff := cmp.Diff(before, &targets[2]); diff != "" {
		t.Error(diff)
	}
	another := ofManyTargets(9)
	pack(another)
	if a, b := targets[0].Name, another.Status.Targets[0].Name; unsafe.StringData(a) != unsafe.StringData(b) {
		t.Error("two Sessions do not share the names of their targets")
	}
}

// BenchmarkDecode reports the memory of a decoded Session of 20 targets.
func BenchmarkDecode(b *testing.B) {
	plain := plainCodec(b)
	text, err := apiruntime.Encode(plain, ofManyTargets(20))
	if err != nil {
		b.Fatal(err)
	}
	for name, codec := range map[string]apiruntime.Codec{"plain": plain, "packed": Packed(plain)} {
		b.Run("codec="+name, func(b *testing.B) {
			b.ReportAllocs()
			held := make([]apiruntime.Object, 0, b.N)
			before := live()
			b.ResetTimer()
			for range b.N {
				decoded, err := apiruntime.Decode(codec, text)
				if err != nil {
					b.Fatal(err)
				}
				held = append(held, decoded)
			}
			b.StopTimer()
			b.ReportMetric(float64(live()-before)/float64(b.N), "B-held/op")
			runtime.KeepAlive(held)
		})
	}
}

func live() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
