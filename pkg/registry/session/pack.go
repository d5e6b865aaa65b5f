// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"unique"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// Packed returns a codec that decodes Sessions into little memory, for a cache that keeps them. A decoder leaves
// spare room in slices, and a hundred small objects for the garbage collector to visit.
func Packed(codec runtime.Codec) runtime.Codec { return packing{codec} }

type packing struct {
	runtime.Codec
}

// Decode implements runtime.Decoder.
func (p packing) Decode(data []byte, defaults *schema.GroupVersionKind, into runtime.Object) (
	runtime.Object, *schema.GroupVersionKind, error) {
	decoded, kind, err := p.Codec.Decode(data, defaults, into)
	if session, is := decoded.(*v1alpha1.Session); is && err == nil {
		pack(session)
	}
	return decoded, kind, err
}

// pack replaces the targets of a Session by equal ones in few objects. The caller must be the only one that has the
// Session. Names are shared with other Sessions, of which many have the same Tiltfile.
func pack(session *v1alpha1.Session) {
	targets := session.Status.Targets
	if len(targets) == 0 {
		return
	}
	names, ended := 0, 0
	for i := range targets {
		names += len(targets[i].Resources)
		if targets[i].State.Terminated != nil {
			ended++
		}
	}
	packed := append(make([]v1alpha1.Target, 0, len(targets)), targets...)
	resources := make([]string, 0, names)
	terminated := make([]v1alpha1.TargetStateTerminated, 0, ended)
	for i := range packed {
		target := &packed[i]
		target.Name = shared(target.Name)
		target.Type = v1alpha1.TargetType(shared(string(target.Type)))
		if target.Resources != nil {
			first := len(resources)
			for _, name := range target.Resources {
				resources = append(resources, shared(name))
			}
			// Appending to one list doesn't overwrite the next.
			target.Resources = resources[first:len(resources):len(resources)]
		}
		if state := target.State.Terminated; state != nil {
			terminated = append(terminated, *state)
			target.State.Terminated = &terminated[len(terminated)-1]
		}
	}
	session.Status.Targets = packed
}

func shared(text string) string { return unique.Make(text).Value() }
